// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochTiming} from "../../../contracts/libraries/EpochTiming.sol";
import {AgreementTerms, EpochWindows, PanelWindows} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

contract EpochTimingTest is SolidityTest {
    /// @dev Phases follow each other without a gap or an overlap, a contested epoch has room for its panel, and epochs
    /// follow each other up to the end.
    function testFuzzPhasesNeverOverlap(uint256 seed, bool contested) external pure {
        (AgreementTerms memory terms, uint256 end, uint256 epoch) = _someEpoch(seed);
        EpochWindows memory windows = EpochTiming.windows(terms, end, epoch, contested);
        _equal(windows.from, terms.start + epoch * terms.epochLength, "where it begins");
        _check(windows.to >= windows.from && windows.to < end, "it has blocks, none after the end");
        _check(windows.to == end - 1 || windows.to + 1 - windows.from == terms.epochLength, "only the last is short");
        // Neither the seed's block, nor the one before, nor the last block takes a commitment.
        _equal(windows.commitFrom, windows.from + 2, "commitments from");
        _equal(windows.commitTo, windows.to - 1, "commitments to");
        _equal(windows.revealFrom, windows.to + 1, "reveals from");
        _equal(windows.revealTo + 1 - windows.revealFrom, terms.revealLength, "reveals");
        _equal(windows.appealFrom, windows.revealTo + 1, "appeals from");
        _equal(windows.appealTo + 1 - windows.appealFrom, terms.appealLength, "appeals");
        _check(windows.finalFrom > windows.appealTo, "final after the appeals");
        if (!contested) _equal(windows.finalFrom, windows.appealTo + 1, "final");
        if (end > windows.to + 1) {
            EpochWindows memory next = EpochTiming.windows(terms, end, epoch + 1, contested);
            _equal(next.from, windows.to + 1, "the next epoch");
            _check(next.finalFrom > windows.finalFrom, "epochs become final in their order");
        }
    }

    /// @dev A panel begins when nobody can appeal any more, takes an epoch and a reveal window, and then the epoch is final.
    function testFuzzPanelComesAfterAppeals(uint256 seed) external pure {
        (AgreementTerms memory terms, uint256 end, uint256 epoch) = _someEpoch(seed);
        EpochWindows memory windows = EpochTiming.windows(terms, end, epoch, true);
        PanelWindows memory panel = EpochTiming.panel(windows.appealTo, terms.epochLength, terms.revealLength);
        _check(panel.seedBlock > windows.appealTo, "nobody appeals who knows the panel");
        _check(panel.commitFrom > panel.seedBlock, "the seed is known before a commitment");
        _check(panel.commitTo >= panel.commitFrom, "there is time to commit");
        _check(panel.revealFrom > panel.commitTo + 1, "a block between commitments and reveals");
        _equal(panel.revealTo + 1 - panel.revealFrom, terms.revealLength, "reveals");
        _equal(panel.finalFrom, panel.revealTo + 1, "final");
        _equal(windows.finalFrom, panel.finalFrom, "as the epoch has it");
    }

    /// @dev The seed is never in the future, always within the reach of BLOCKHASH, and moves on by whole steps only.
    function testFuzzSeedIsInReach(uint32 rawFrom, uint32 wait) external {
        uint256 from = 1_000 + uint256(rawFrom);
        VM.roll(from + 2 + wait);
        uint256 seedBlock = EpochTiming.epochSeed(from);
        _check(seedBlock < block.number, "mined");
        _check(block.number - seedBlock <= 256, "in reach");
        _check(blockhash(seedBlock) != 0, "its hash can be read");
        _equal((seedBlock - from - 1) % 256, 0, "a whole step");
        _check(seedBlock >= from + 1, "after the epoch began");
        if (wait < 256) _equal(seedBlock, from + 1, "the first one as long as it can be read");
    }

    function _someEpoch(uint256 seed) private pure returns (AgreementTerms memory terms, uint256 end, uint256 epoch) {
        terms.start = uint40(_of(seed, "start", 0, type(uint40).max));
        terms.epochLength = uint24(_of(seed, "epoch", 4, 100_000));
        terms.revealLength = uint24(_of(seed, "reveal", 1, 100_000));
        terms.appealLength = uint24(_of(seed, "appeal", 1, 100_000));
        uint256 length = _of(seed, "length", 1, 512 * uint256(terms.epochLength));
        end = terms.start + length;
        epoch = _of(seed, "which", 0, (length - 1) / terms.epochLength);
    }

    function _of(uint256 seed, string memory use, uint256 min, uint256 max) private pure returns (uint256) {
        return _bound(uint256(keccak256(abi.encode(seed, use))), min, max);
    }
}
