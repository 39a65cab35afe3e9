// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {AgreementState, Progress, WorkerAccount} from "../types/AgreementState.sol";
import {AgreementTerms, Outcome, Resolution, WorkerReport, WorkerSeat} from "../types/MarketTypes.sol";
import {AgreementSpan} from "./AgreementSpan.sol";
import {Duties} from "./Duties.sol";
import {EpochTiming} from "./EpochTiming.sol";
import {EpochVerdicts, Tally} from "./EpochVerdicts.sol";
import {Lists} from "./Lists.sol";

/// @title Who gets what of an agreement's epochs
/// @notice Called by agreements with their own state. A library of its own because of the limit on a contract's size.
library Settlement {
    using AgreementSpan for AgreementState;
    using AgreementSpan for AgreementTerms;
    using EpochVerdicts for uint256;
    using SafeCast for uint256;

    /// @dev What one call adds up in memory.
    struct Settling {
        AgreementTerms terms;
        IDisputes disputes;
        WorkerAccount[] accounts;
        uint256[] duties;
        uint256 dutyCount;
        uint256 clientCredit;
        uint256 fees;
        uint256 quorumEpochs;
        uint256 reports;
        bool hasResigned;
        Outcome[] allOk;
    }

    /// @notice Credits everybody with the next final epochs: each wei of their price and fees goes to exactly one of them.
    function settle(
        AgreementState storage self,
        AgreementTerms memory terms,
        ITesterRegistry testers,
        IDisputes disputes,
        uint256 maxEpochs
    ) external returns (uint256 settled) {
        uint256 first = self.progress.settledEpochs;
        uint256 end = self.end(terms);
        uint256 last = Math.min(first + maxEpochs, self.epochCount(terms));
        Settling memory settling = _load(self, terms, disputes, last - first);
        uint256 epoch = first;
        for (; epoch < last; epoch++) {
            uint256 draw = self.draws[epoch];
            (uint256 from, uint256 next) = EpochTiming.span(terms, end, epoch);
            if (block.number < EpochTiming.finalFrom(terms, next, draw.isContested())) break;
            _settleEpoch(self, settling, epoch, draw, next - from);
        }
        settled = epoch - first;
        if (settled != 0) _store(self, settling, testers, epoch);
    }

    /// @notice What a settled agreement reports of its workers.
    function reportsOf(
        AgreementState storage self,
        AgreementTerms memory terms
    ) external view returns (WorkerReport[] memory reports) {
        uint256 count = terms.workers.length;
        uint256 fee = terms.testerFeePerEpoch;
        Progress memory progress = self.progress;
        uint256 length = self.length(terms);
        reports = new WorkerReport[](count);
        for (uint256 i = 0; i < count; i++) {
            WorkerAccount memory account = self.accounts[i];
            WorkerSeat memory seat = terms.workers[i];
            reports[i] = WorkerReport({
                workerId: seat.workerId,
                pricePerBlock: seat.pricePerBlock,
                epochsOk: progress.quorumEpochs - account.epochsOut,
                epochsUnreachable: account.epochsUnreachable,
                epochsWrong: account.epochsWrong,
                completed: account.leftAt == 0,
                // 24 + 96 bits.
                weightOk: uint128((progress.reports - account.reportsOut) * fee),
                weightTotal: uint128((progress.reports - account.reportsWithout) * fee),
                clientLoss: (length - account.blocksLost) * seat.pricePerBlock + (account.reportsWrong * fee) / count
            });
        }
    }

    function _settleEpoch(
        AgreementState storage self,
        Settling memory settling,
        uint256 epoch,
        uint256 draw,
        uint256 blocks
    ) private {
        AgreementTerms memory terms = settling.terms;
        Resolution memory resolution;
        uint256 reveals;
        bool quorum;
        if (draw.isUnanimous() && !draw.isContested() && !settling.hasResigned) {
            // What nearly every epoch is: all workers good, or too few reports to say anything.
            reveals = EpochVerdicts.countFlags(draw.revealed());
            quorum = EpochVerdicts.hasQuorum(reveals, terms.testerCount);
            resolution.outcomes = quorum ? settling.allOk : new Outcome[](terms.workers.length);
            for (uint256 i = 0; !quorum && i < terms.workers.length; i++) {
                resolution.outcomes[i] = Outcome.NoQuorum;
            }
        } else {
            if (draw.isContested()) resolution = settling.disputes.resolve(epoch);
            Tally memory tally = EpochVerdicts.tally(draw, self.seats[epoch], terms.workers.length, resolution.struck);
            if (!draw.isContested()) resolution.outcomes = EpochVerdicts.outcomes(tally, terms.testerCount);
            reveals = tally.reveals;
            quorum = EpochVerdicts.hasQuorum(reveals, terms.testerCount);
            _bookAll(settling, epoch, resolution.outcomes, quorum ? reveals : 0, blocks);
        }
        if (quorum) {
            settling.quorumEpochs++;
            settling.reports += reveals;
        }
        uint256 fee = terms.testerFeePerEpoch;
        settling.fees += fee * reveals;
        settling.clientCredit += fee * (terms.testerCount - reveals);
        uint256 reported = _endDuties(settling, draw, resolution.struck);
        emit IWorkAgreement.EpochSettled(epoch, resolution.outcomes, reported);
    }

    /// @param reports Of the epoch, 0 without a quorum.
    function _bookAll(
        Settling memory settling,
        uint256 epoch,
        Outcome[] memory outcomes,
        uint256 reports,
        uint256 blocks
    ) private pure {
        for (uint256 i = 0; i < outcomes.length; i++) {
            WorkerAccount memory account = settling.accounts[i];
            outcomes[i] = AgreementSpan.outcomeFor(account.leftAt, epoch, outcomes[i]);
            if (_book(account, outcomes[i], reports)) continue;
            account.blocksLost += uint32(blocks);
            settling.clientCredit += blocks * settling.terms.workers[i].pricePerBlock;
        }
    }

    /// @dev Writes an outcome into a worker's account. No overflow: MAX_EPOCHS epochs, and seven reports in each.
    /// @return paid Whether the worker earned the epoch.
    function _book(WorkerAccount memory account, Outcome outcome, uint256 reports) private pure returns (bool paid) {
        if (outcome == Outcome.Ok || outcome == Outcome.NoQuorum) return true;
        if (reports != 0) {
            account.epochsOut++;
            account.reportsOut += uint24(reports);
        }
        if (outcome == Outcome.Resigned) {
            account.reportsWithout += uint24(reports);
        } else if (outcome == Outcome.Wrong) {
            account.epochsWrong++;
            account.reportsWrong += uint24(reports);
        } else {
            account.epochsUnreachable++;
        }
    }

    /// @return reported One bit a seat: whose report stands.
    function _endDuties(
        Settling memory settling,
        uint256 draw,
        uint256 struck
    ) private pure returns (uint256 reported) {
        reported = draw.revealed() & ~struck;
        uint256 excused = draw.excused();
        uint256 count = draw.seatCount();
        for (uint256 seat = 0; seat < count; seat++) {
            // An excused tester that did not commit owes nothing and gets nothing.
            if ((excused >> seat) & 1 == 1) continue;
            settling.duties[settling.dutyCount++] = Duties.pack(
                draw.testerIdAt(seat),
                (reported >> seat) & 1 == 1,
                (struck >> seat) & 1 == 1
            );
        }
    }

    function _load(
        AgreementState storage self,
        AgreementTerms memory terms,
        IDisputes disputes,
        uint256 epochs
    ) private view returns (Settling memory settling) {
        settling.terms = terms;
        settling.disputes = disputes;
        settling.accounts = new WorkerAccount[](terms.workers.length);
        settling.allOk = new Outcome[](terms.workers.length);
        for (uint256 i = 0; i < terms.workers.length; i++) {
            settling.accounts[i] = self.accounts[i];
            if (settling.accounts[i].leftAt != 0) settling.hasResigned = true;
            settling.allOk[i] = Outcome.Ok;
        }
        settling.duties = new uint256[](epochs * terms.testerCount);
    }

    function _store(
        AgreementState storage self,
        Settling memory settling,
        ITesterRegistry testers,
        uint256 settledTo
    ) private {
        for (uint256 i = 0; i < settling.accounts.length; i++) {
            WorkerAccount memory account = settling.accounts[i];
            if (account.blocksLost != 0) self.accounts[i] = account;
        }
        Progress memory progress = self.progress;
        progress.settledEpochs = settledTo.toUint16();
        progress.quorumEpochs += settling.quorumEpochs.toUint16();
        progress.reports += settling.reports.toUint16();
        progress.clientCredit += settling.clientCredit.toUint128();
        self.progress = progress;

        uint256[] memory duties = settling.duties;
        uint256 count = settling.dutyCount;
        if (count == 0) return;
        // Without epochs that are not final yet, and seats that nobody took.
        Lists.shorten(duties, count);
        testers.conclude{value: settling.fees}(settling.terms.number, settling.terms.testerFeePerEpoch, duties);
    }
}
