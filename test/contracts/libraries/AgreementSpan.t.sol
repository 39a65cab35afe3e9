// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {AgreementSpan} from "../../../contracts/libraries/AgreementSpan.sol";
import {AgreementState} from "../../../contracts/types/AgreementState.sol";
import {AgreementTerms, Outcome, WorkerSeat} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

contract AgreementSpanTest is SolidityTest {
    using AgreementSpan for AgreementState;
    using AgreementSpan for AgreementTerms;

    AgreementState private _state;

    /// @dev Lengths, end and number of epochs hold together, extended or not, terminated or not, and what is settled
    /// grows with each epoch up to the whole length.
    function testFuzzSpan(uint40 start, uint32 rawLength, uint24 rawEpoch, uint32 extension, uint16 rawKept) external {
        AgreementTerms memory terms;
        terms.start = start;
        terms.length = uint32(_bound(rawLength, 1, type(uint32).max));
        terms.epochLength = uint24(_bound(rawEpoch, 4, type(uint24).max));
        _state.progress.extension = extension;
        uint256 bought = uint256(terms.length) + extension;
        _equal(_state.boughtLength(terms), bought, "bought");
        uint256 epochs = bought / terms.epochLength + (bought % terms.epochLength == 0 ? 0 : 1);
        _equal(_state.length(terms), bought, "all of it");
        _equal(_state.epochCount(terms), epochs, "epochs");

        // Only an agreement of more epochs can be cut to some.
        uint256 kept = epochs < 2 ? 0 : rawKept % Math.min(epochs, type(uint16).max);
        _state.progress.terminatedAt = uint16(kept);
        uint256 length = kept == 0 ? bought : kept * terms.epochLength;
        _check(length <= bought, "terminating never adds");
        _equal(_state.length(terms), length, "what is left");
        _equal(_state.end(terms), start + length, "end");
        _equal(_state.boughtLength(terms), bought, "what was bought stays");
        uint256 count = _state.epochCount(terms);
        if (kept != 0) _equal(count, kept, "epochs kept");
        uint256 before;
        for (uint256 settled = 0; settled <= count && settled < 600; settled++) {
            _state.progress.settledEpochs = uint16(settled);
            uint256 blocks = _state.settledBlocks(terms);
            if (settled != 0) _check(blocks > before && blocks - before <= terms.epochLength, "an epoch's blocks");
            before = blocks;
            if (settled == count) _equal(blocks, length, "all settled");
        }
    }

    /// @dev Prices and fees add up without overflow at the largest numbers that terms can hold.
    function testFuzzPrices(uint256 seed, uint8 rawCount, uint96 fee, uint32 epochs) external pure {
        AgreementTerms memory terms;
        terms.workers = new WorkerSeat[](_bound(rawCount, 1, 20));
        uint256 total;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            terms.workers[i].pricePerBlock = roll % 4 == 0 ? type(uint96).max : uint96(roll);
            total += terms.workers[i].pricePerBlock;
        }
        _equal(terms.price(), total, "price");
        terms.testerFeePerEpoch = fee;
        terms.testerCount = 7;
        uint256 sum;
        for (uint256 i = 0; i < 7; i++) {
            sum += uint256(fee) * epochs;
        }
        _equal(terms.feesFor(epochs), sum, "fees");
    }

    /// @dev Before it leaves, a worker's outcome is its own; in the epoch in which it does, only Wrong is; afterwards none.
    function testFuzzLeavers(uint16 rawLeft, uint16 epoch, uint8 rawOutcome) external pure {
        Outcome outcome = Outcome(_bound(rawOutcome, 1, 4));
        _check(AgreementSpan.outcomeFor(0, epoch, outcome) == outcome, "stays");
        uint256 leftFrom = rawLeft % 600;
        Outcome shown = AgreementSpan.outcomeFor(leftFrom + 1, epoch, outcome);
        if (uint256(epoch) + 1 < leftFrom) _check(shown == outcome, "before");
        else if (uint256(epoch) + 1 == leftFrom && outcome == Outcome.Wrong) _check(shown == Outcome.Wrong, "wrong");
        else _check(shown == Outcome.Resigned, "left");
    }
}
