// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AgreementTerms, EpochWindows, PanelWindows} from "../types/MarketTypes.sol";

/// @title When what is done in an epoch, and when by a panel
/// @notice Pure: everything follows from the agreement's terms, its end and the block number.
library EpochTiming {
    /// @dev From a draw's first block to its seed block.
    uint256 private constant SEED_DELAY = 1;
    /// @dev From an epoch's first block to the first in which the seed's hash can be read.
    uint256 private constant COMMIT_DELAY = 2;
    /// @dev From the last block that takes a commitment to the first that takes its reveal: the block between takes none.
    uint256 private constant COMMIT_MARGIN = 2;
    /// @dev BLOCKHASH reaches this far back.
    uint256 private constant SEED_REACH = 256;

    /// @notice An epoch's first block, and the first after it.
    /// @param end First block after the agreement's work.
    function span(
        AgreementTerms memory terms,
        uint256 end,
        uint256 epoch
    ) internal pure returns (uint256 from, uint256 next) {
        from = terms.start + epoch * terms.epochLength;
        next = Math.min(from + terms.epochLength, end);
    }

    /// @notice The blocks that take the commitments of an epoch over [from, next), the last one included.
    function commitWindow(uint256 from, uint256 next) internal pure returns (uint256, uint256) {
        return (from + COMMIT_DELAY, next - COMMIT_MARGIN);
    }

    /// @notice The blocks that take the reveals of an epoch before `next`, the last one included.
    function revealWindow(AgreementTerms memory terms, uint256 next) internal pure returns (uint256, uint256) {
        return (next, next + terms.revealLength - 1);
    }

    /// @notice All phases of an epoch.
    /// @param end First block after the agreement's work.
    /// @param contested Whether the epoch was appealed or challenged.
    function windows(
        AgreementTerms memory terms,
        uint256 end,
        uint256 epoch,
        bool contested
    ) internal pure returns (EpochWindows memory result) {
        (uint256 from, uint256 next) = span(terms, end, epoch);
        result.from = from;
        result.to = next - 1;
        (result.commitFrom, result.commitTo) = commitWindow(from, next);
        (result.revealFrom, result.revealTo) = revealWindow(terms, next);
        result.appealFrom = result.revealTo + 1;
        result.appealTo = result.revealTo + terms.appealLength;
        result.finalFrom = finalFrom(terms, next, contested);
    }

    /// @notice First block in which an epoch is final, by the first block after its own.
    function finalFrom(AgreementTerms memory terms, uint256 next, bool contested) internal pure returns (uint256) {
        uint256 first = next + terms.revealLength + terms.appealLength;
        return contested ? first + terms.epochLength + terms.revealLength : first;
    }

    /// @notice A panel has as much time as an epoch's testers, counted from the end of the appeal window.
    function panel(
        uint256 appealTo,
        uint256 epochLength,
        uint256 revealLength
    ) internal pure returns (PanelWindows memory result) {
        uint256 from = appealTo + 1;
        result.seedBlock = from;
        result.commitFrom = from + 1;
        result.revealFrom = from + epochLength;
        result.commitTo = result.revealFrom - COMMIT_MARGIN;
        result.revealTo = result.revealFrom + revealLength - 1;
        result.finalFrom = result.revealTo + 1;
    }

    /// @notice The seed of an epoch that begins with block `from`, opened in this block: the first whole step of 256
    /// blocks after the first seed that BLOCKHASH still reaches.
    function epochSeed(uint256 from) internal view returns (uint256) {
        return seedFrom(from + SEED_DELAY);
    }

    function seedFrom(uint256 firstSeed) internal view returns (uint256) {
        return firstSeed + ((block.number - 1 - firstSeed) / SEED_REACH) * SEED_REACH;
    }
}
