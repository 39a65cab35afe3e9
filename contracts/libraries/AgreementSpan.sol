// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AgreementState} from "../types/AgreementState.sol";
import {AgreementTerms, Outcome} from "../types/MarketTypes.sol";

/// @title How long an agreement is now, and what a part of it costs
library AgreementSpan {
    /// @notice Blocks bought, with what `extend` added.
    function boughtLength(AgreementState storage self, AgreementTerms memory terms) internal view returns (uint256) {
        return uint256(terms.length) + self.progress.extension;
    }

    /// @notice Blocks of work: what was bought, less what `terminate` cut off.
    function length(AgreementState storage self, AgreementTerms memory terms) internal view returns (uint256) {
        uint256 kept = uint256(self.progress.terminatedAt) * terms.epochLength;
        return kept == 0 ? boughtLength(self, terms) : kept;
    }

    /// @notice First block after the work.
    function end(AgreementState storage self, AgreementTerms memory terms) internal view returns (uint256) {
        return terms.start + length(self, terms);
    }

    function epochCount(AgreementState storage self, AgreementTerms memory terms) internal view returns (uint256) {
        return Math.ceilDiv(length(self, terms), terms.epochLength);
    }

    /// @notice Blocks of the settled epochs.
    function settledBlocks(AgreementState storage self, AgreementTerms memory terms) internal view returns (uint256) {
        return Math.min(uint256(self.progress.settledEpochs) * terms.epochLength, length(self, terms));
    }

    /// @notice An outcome for a worker that may have resigned: the epoch in which it did is not paid, but if it was Wrong
    /// in it, it stays so; leaving is no way out of a slash. Later ones say nothing about it.
    /// @param leftAt As in `WorkerAccount`.
    function outcomeFor(uint256 leftAt, uint256 epoch, Outcome outcome) internal pure returns (Outcome) {
        if (leftAt == 0 || epoch + 2 < leftAt) return outcome;
        return epoch + 2 == leftAt && outcome == Outcome.Wrong ? outcome : Outcome.Resigned;
    }

    /// @notice Wei per block for all workers together.
    function price(AgreementTerms memory terms) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < terms.workers.length; i++) {
            total += terms.workers[i].pricePerBlock;
        }
    }

    /// @notice Wei for all testers of so many epochs.
    function feesFor(AgreementTerms memory terms, uint256 epochs) internal pure returns (uint256) {
        return uint256(terms.testerFeePerEpoch) * terms.testerCount * epochs;
    }
}
