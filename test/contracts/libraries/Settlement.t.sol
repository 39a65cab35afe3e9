// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDisputes} from "../../../contracts/interfaces/IDisputes.sol";
import {ITesterRegistry} from "../../../contracts/interfaces/ITesterRegistry.sol";
import {AgreementSpan} from "../../../contracts/libraries/AgreementSpan.sol";
import {Duties} from "../../../contracts/libraries/Duties.sol";
import {EpochVerdicts} from "../../../contracts/libraries/EpochVerdicts.sol";
import {Settlement} from "../../../contracts/libraries/Settlement.sol";
import {AgreementState} from "../../../contracts/types/AgreementState.sol";
import {AgreementTerms, Outcome, Resolution, WorkerReport, WorkerSeat} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev An agreement's state without an agreement around it; the test itself takes the fees, and says how disputes ended.
contract SettlementTest is SolidityTest {
    using AgreementSpan for AgreementState;
    using AgreementSpan for AgreementTerms;
    using EpochVerdicts for uint256;

    uint256 private constant MAX_EPOCHS = 12;

    AgreementState private _state;
    uint256 private _seed;
    uint256 private _workerCount;
    uint256 private _fees;
    uint256 private _feePerEpoch;
    uint256 private _reports;
    uint256 private _duties;

    /// @dev Each wei of the settled epochs goes to exactly one of workers, testers and client, in steps of any size.
    function testFuzzEveryWeiGoesSomewhere(uint256 seed) external {
        AgreementTerms memory terms = _someAgreement(seed);
        VM.roll(10_000_000);
        uint256 count = _state.epochCount(terms);
        for (uint256 step = 0; _state.progress.settledEpochs < count; step++) {
            uint256 before = _state.progress.settledEpochs;
            uint256 wanted = 1 + (uint256(keccak256(abi.encode(seed, "step", step))) % 5);
            uint256 settled = Settlement.settle(
                _state,
                terms,
                ITesterRegistry(address(this)),
                IDisputes(address(this)),
                wanted
            );
            _equal(settled, count - before < wanted ? count - before : wanted, "as many as asked for and left");
            _equal(_state.progress.settledEpochs, before + settled, "the cursor");
            _equal(_paid(terms), _price(terms), "every wei");
        }
        _checkReports(terms);
    }

    /// @dev Nothing is settled before it is final, and a contested epoch holds up those after it.
    function testFuzzNothingBeforeItsTime(uint256 seed, uint16 rawBlock) external {
        AgreementTerms memory terms = _someAgreement(seed);
        VM.roll(terms.start + (rawBlock % (terms.epochLength * (MAX_EPOCHS + 4))));
        uint256 settled = Settlement.settle(
            _state,
            terms,
            ITesterRegistry(address(this)),
            IDisputes(address(this)),
            MAX_EPOCHS
        );
        uint256 expected;
        uint256 end = _state.end(terms);
        for (uint256 epoch = 0; epoch < _state.epochCount(terms); epoch++) {
            uint256 next = terms.start + (epoch + 1) * terms.epochLength;
            if (next > end) next = end;
            uint256 wait = terms.revealLength + terms.appealLength;
            if (_state.draws[epoch].isContested()) wait += terms.epochLength + terms.revealLength;
            if (block.number < next + wait) break;
            expected++;
        }
        _equal(settled, expected, "final epochs, from the first on");
    }

    /// @dev What the settlement hands to the registry of testers.
    function conclude(uint32, uint256 fee, uint256[] calldata duties) external payable {
        _feePerEpoch = fee;
        _fees += msg.value;
        for (uint256 i = 0; i < duties.length; i++) {
            _duties++;
            if (Duties.isReported(duties[i])) _reports++;
            _check(!Duties.isReported(duties[i]) || !Duties.isStruck(duties[i]), "a struck report does not stand");
        }
        _equal(_fees, _reports * fee, "a fee for each report that stands");
    }

    /// @dev How a dispute ended: any outcomes, any reports struck.
    function resolve(uint256 epoch) external view returns (Resolution memory resolution) {
        uint256 roll = uint256(keccak256(abi.encode(_seed, "dispute", epoch)));
        resolution.outcomes = new Outcome[](_workerCount);
        for (uint256 i = 0; i < _workerCount; i++) {
            resolution.outcomes[i] = Outcome(1 + ((roll >> (8 * i)) % 4));
        }
        resolution.struck = (roll >> 200) & _state.draws[epoch].revealed();
    }

    function _someAgreement(uint256 seed) private returns (AgreementTerms memory terms) {
        VM.deal(address(this), type(uint128).max);
        _seed = seed;
        _workerCount = 1 + (seed % 5);
        terms.start = 2_000;
        terms.epochLength = uint24(4 + ((seed >> 8) % 20));
        terms.revealLength = uint24(1 + ((seed >> 16) % 20));
        terms.appealLength = uint24(1 + ((seed >> 24) % 20));
        terms.length = uint32(1 + ((seed >> 32) % (MAX_EPOCHS * terms.epochLength)));
        terms.testerCount = uint8(1 + 2 * ((seed >> 64) % 4));
        terms.testerFeePerEpoch = uint96((seed >> 72) % 1 ether);
        terms.workers = new WorkerSeat[](_workerCount);
        for (uint256 i = 0; i < _workerCount; i++) {
            terms.workers[i].pricePerBlock = uint96(1 + (uint256(keccak256(abi.encode(seed, "price", i))) % 1 ether));
            uint256 left = uint256(keccak256(abi.encode(seed, "left", i)));
            if (left % 3 == 0) _state.accounts[i].leftAt = uint16(1 + ((left >> 8) % (MAX_EPOCHS + 1)));
        }
        uint256 epochs = _state.epochCount(terms);
        // One in four was cut by its client.
        if ((seed >> 128) % 4 == 0 && epochs > 1)
            _state.progress.terminatedAt = uint16(1 + ((seed >> 136) % (epochs - 1)));
        for (uint256 epoch = 0; epoch < epochs; epoch++) {
            _someReports(terms, epoch, uint256(keccak256(abi.encode(seed, "epoch", epoch))));
        }
    }

    /// @dev An epoch that nobody opened, or one with any seats, reveals and verdicts.
    function _someReports(AgreementTerms memory terms, uint256 epoch, uint256 roll) private {
        if (roll % 6 == 0) return;
        uint256[] memory drawn = new uint256[]((roll >> 8) % (uint256(terms.testerCount) + 1));
        for (uint256 i = 0; i < drawn.length; i++) {
            drawn[i] = i + 1;
        }
        uint256 draw = EpochVerdicts.pack(drawn, (roll >> 16) & ((1 << drawn.length) - 1) & (roll >> 24));
        for (uint256 seat = 0; seat < drawn.length; seat++) {
            uint256 word = uint256(keccak256(abi.encode(roll, seat)));
            // An excused tester reports only after it took the duty.
            if (word % 5 == 0) continue;
            uint256 packed;
            for (uint256 i = 0; i < _workerCount && roll % 3 != 0; i++) {
                packed |= ((word >> (8 + 8 * i)) % 3) << (2 * i);
            }
            draw = draw.withBacking(seat).withReveal(seat, packed != 0);
            _state.seats[epoch][seat] = packed;
        }
        if (draw.revealed() != 0 && (roll >> 32) % 4 == 0) draw = draw.withContest();
        _state.draws[epoch] = draw;
    }

    /// @dev Fees that left, the client's credit, and what workers earned.
    function _paid(AgreementTerms memory terms) private view returns (uint256 paid) {
        paid = _fees + _state.progress.clientCredit;
        uint256 blocks = _state.settledBlocks(terms);
        for (uint256 i = 0; i < _workerCount; i++) {
            paid += (blocks - _state.accounts[i].blocksLost) * terms.workers[i].pricePerBlock;
        }
    }

    /// @dev What was bought with the settled epochs.
    function _price(AgreementTerms memory terms) private view returns (uint256) {
        return terms.price() * _state.settledBlocks(terms) + terms.feesFor(_state.progress.settledEpochs);
    }

    function _checkReports(AgreementTerms memory terms) private view {
        WorkerReport[] memory reports = Settlement.reportsOf(_state, terms);
        uint256 quorum = _state.progress.quorumEpochs;
        for (uint256 i = 0; i < reports.length; i++) {
            _check(reports[i].epochsOk <= quorum, "good epochs have a quorum");
            _check(reports[i].weightOk <= reports[i].weightTotal, "the good are a part");
            _check(reports[i].weightTotal <= _fees, "no more weight than fees");
            _check(reports[i].completed == (_state.accounts[i].leftAt == 0), "who left did not complete");
            uint256 cost = terms.workers[i].pricePerBlock * _state.length(terms);
            _check(reports[i].clientLoss <= cost + _fees, "no more loss than cost");
        }
    }
}
