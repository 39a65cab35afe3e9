// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {AgreementTerms, EpochWindows, Outcome, SeatStatus, TesterSeat} from "../../../contracts/types/MarketTypes.sol";
import {Actors} from "./Actors.sol";
import {Referee} from "./Referee.sol";

/// @dev Who is owed what, kept a second time: from the terms, from what testers said in clear and from the bonds that the
/// handler put up, by the rules of the specification. The contracts' own books are compared with it.
abstract contract Model is Actors {
    /// @dev All wei that an account was ever credited with by an agreement, and what of it was paid out.
    mapping(WorkAgreement agreement => mapping(address account => uint256)) public earned;
    mapping(WorkAgreement agreement => mapping(address account => uint256)) public withdrawn;
    /// @dev All wei that an agreement ever got: for the purchase, extensions, slashes.
    mapping(WorkAgreement agreement => uint256) public received;
    /// @dev All fees that left an agreement for the registry.
    mapping(WorkAgreement agreement => uint256) public feesPaid;
    mapping(address tester => uint256) public fees;
    mapping(address tester => uint256) public stakeOfTester;
    mapping(address tester => uint256) public duties;
    /// @dev Wei that the contract of disputes owes an account, and bonds that are still at stake.
    mapping(address account => uint256) public bonds;
    uint256 public openBonds;
    /// @dev Stake and unbonding stake of a worker, its locks, and the agreements that it serves.
    mapping(uint256 workerId => uint256) public stakeOfWorker;
    mapping(uint256 workerId => uint256) public locks;
    mapping(uint256 workerId => uint256) public serving;
    uint256 public burnt;
    /// @dev Set when an agreement shows other outcomes than the rules give.
    bool public outcomesDiffer;
    mapping(Outcome outcome => uint256) public seen;

    mapping(WorkAgreement agreement => uint256) internal _boughtLength;
    mapping(WorkAgreement agreement => mapping(uint256 epoch => mapping(uint256 workerIndex => address)))
        internal _appellants;

    /// @dev What an agreement knows of a worker when it ends.
    struct Faults {
        uint256 epochsWrong;
        uint256 reportsWrong;
        uint256 blocksPaid;
    }

    /// @dev One epoch while it is judged.
    struct Case {
        WorkAgreement agreement;
        uint256 epoch;
        AgreementTerms terms;
        TesterSeat[] seats;
        TesterSeat[] panel;
        uint256 struck;
        uint256 appealed;
        uint256 blocks;
    }

    mapping(WorkAgreement agreement => mapping(uint256 workerIndex => Faults)) private _faults;

    /// @dev What a lock is: at least the least, else a multiple of the price of all blocks.
    function _lockOf(uint256 pricePerBlock, uint256 length) internal pure returns (uint256) {
        return Math.max(MIN_SLOT_STAKE, STAKE_FACTOR * pricePerBlock * length);
    }

    function _modelPurchase(WorkAgreement agreement, uint256 paid) internal {
        agreements.push(agreement);
        AgreementTerms memory terms = agreement.terms();
        received[agreement] = paid;
        _boughtLength[agreement] = terms.length;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            uint256 workerId = terms.workers[i].workerId;
            serving[workerId]++;
            locks[workerId] += _lockOf(terms.workers[i].pricePerBlock, terms.length);
        }
    }

    function _modelExtension(WorkAgreement agreement, uint256 blocks, uint256 paid) internal {
        AgreementTerms memory terms = agreement.terms();
        uint256 oldLength = _boughtLength[agreement];
        uint256 newLength = oldLength + blocks;
        uint256 cost =
            terms.testerCount *
                terms.testerFeePerEpoch *
                ((newLength + EPOCH - 1) / EPOCH - (oldLength + EPOCH - 1) / EPOCH);
        for (uint256 i = 0; i < terms.workers.length; i++) {
            uint256 price = terms.workers[i].pricePerBlock;
            cost += price * blocks;
            locks[terms.workers[i].workerId] += _lockOf(price, newLength) - _lockOf(price, oldLength);
        }
        _boughtLength[agreement] = newLength;
        received[agreement] += paid;
        earned[agreement][terms.client] += paid - cost;
    }

    /// @dev All epochs after the one that follows the running one are given back.
    function _modelTermination(WorkAgreement agreement) internal {
        AgreementTerms memory terms = agreement.terms();
        uint256 kept = block.number < terms.start ? 1 : (block.number - terms.start) / EPOCH + 2;
        uint256 length = _boughtLength[agreement];
        uint256 epochs = (length + EPOCH - 1) / EPOCH;
        uint256 refund = (epochs - kept) * terms.testerCount * terms.testerFeePerEpoch;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            refund += (length - kept * EPOCH) * terms.workers[i].pricePerBlock;
        }
        earned[agreement][terms.client] += refund;
    }

    /// @dev Duties that were given between two looks at an epoch's seats, or a panel's.
    function _modelDuties(TesterSeat[] memory before, TesterSeat[] memory since) internal {
        for (uint256 i = 0; i < since.length; i++) {
            if (!since[i].excused && (i >= before.length || before[i].excused)) duties[since[i].tester]++;
        }
    }

    function _modelSettled(WorkAgreement agreement, uint256 from, uint256 to) internal {
        for (uint256 epoch = from; epoch < to; epoch++) {
            _judge(agreement, epoch);
        }
    }

    function _modelFinalized(WorkAgreement agreement) internal {
        AgreementTerms memory terms = agreement.terms();
        uint256 count = terms.workers.length;
        for (uint256 i = 0; i < count; i++) {
            Faults memory faults = _faults[agreement][i];
            uint256 workerId = terms.workers[i].workerId;
            uint256 lock = _lockOf(terms.workers[i].pricePerBlock, _boughtLength[agreement]);
            uint256 slashed = Math.min(lock, (lock * faults.epochsWrong * SLASH_SHARE) / 10_000);
            uint256 loss =
                faults.blocksPaid * terms.workers[i].pricePerBlock +
                    (faults.reportsWrong * terms.testerFeePerEpoch) / count;
            uint256 toClient = Math.min(slashed, loss);
            serving[workerId]--;
            locks[workerId] -= lock;
            stakeOfWorker[workerId] -= slashed;
            received[agreement] += toClient;
            earned[agreement][terms.client] += toClient;
            burnt += slashed - toClient;
            if (slashed != 0) done["slash"]++;
        }
    }

    function _judge(WorkAgreement agreement, uint256 epoch) private {
        EpochWindows memory windows = agreement.windowsOf(epoch);
        Case memory it = Case({
            agreement: agreement,
            epoch: epoch,
            terms: agreement.terms(),
            seats: agreement.seatsOf(epoch),
            panel: disputes.panelOf(address(agreement), epoch),
            struck: 0,
            appealed: disputes.appealedWorkers(address(agreement), epoch),
            blocks: windows.to + 1 - windows.from
        });
        bool contested = _judgeChallenges(it) || it.appealed != 0;
        uint256 wait = REVEAL + APPEAL + (contested ? EPOCH + REVEAL : 0);
        _check(block.number > windows.to + wait, "M3: an epoch is settled when it is final");
        _judgeReports(it);
        Outcome[] memory shown = agreement.outcomesOf(epoch);
        for (uint256 i = 0; i < it.terms.workers.length; i++) {
            Outcome outcome = _judgeWorker(it, i);
            seen[outcome]++;
            if (shown[i] != outcome) outcomesDiffer = true;
        }
        _judgePanel(it);
    }

    /// @dev A challenge without an answer takes the report: half of what a miss costs, once, to the challengers who got
    /// no answer, half burnt.
    function _judgeChallenges(Case memory it) private returns (bool found) {
        for (uint256 i = 0; i < it.seats.length; i++) {
            (bool any, uint256 unanswered) = _countChallenges(it, i);
            found = found || any;
            if (unanswered == 0) continue;
            it.struck |= 1 << i;
            uint256 share = MISS_PENALTY / 2 / unanswered;
            for (uint256 j = 0; j < it.terms.workers.length; j++) {
                (address challenger, bool answered) = disputes.challengeOf(address(it.agreement), it.epoch, i, j);
                if (challenger == address(0) || answered) continue;
                openBonds -= MISS_PENALTY;
                bonds[challenger] += MISS_PENALTY + share;
            }
            burnt += MISS_PENALTY - share * unanswered;
            stakeOfTester[it.seats[i].tester] -= MISS_PENALTY;
            done["strike"]++;
            if (unanswered > 1) done["strikeForMany"]++;
        }
    }

    function _countChallenges(Case memory it, uint256 seat) private view returns (bool any, uint256 unanswered) {
        for (uint256 j = 0; j < it.terms.workers.length; j++) {
            (address challenger, bool answered) = disputes.challengeOf(address(it.agreement), it.epoch, seat, j);
            if (challenger == address(0)) continue;
            any = true;
            if (!answered) unanswered++;
        }
    }

    /// @dev A standing report earns its fee; a duty without one costs a miss; every other fee goes back.
    function _judgeReports(Case memory it) private {
        uint256 fee = it.terms.testerFeePerEpoch;
        uint256 standing = Referee.reports(it.seats, it.struck);
        earned[it.agreement][it.terms.client] += (it.terms.testerCount - standing) * fee;
        feesPaid[it.agreement] += standing * fee;
        for (uint256 i = 0; i < it.seats.length; i++) {
            _judgeDuty(it.seats[i], Referee.stands(it.seats[i], i, it.struck) ? fee : 0, it.struck & (1 << i) != 0);
        }
    }

    function _judgeDuty(TesterSeat memory seat, uint256 fee, bool struck) private {
        fees[seat.tester] += fee;
        if (seat.excused) return;
        duties[seat.tester]--;
        if (seat.status == SeatStatus.Revealed || struck) return;
        stakeOfTester[seat.tester] -= MISS_PENALTY;
        burnt += MISS_PENALTY;
        done["miss"]++;
    }

    function _judgeWorker(Case memory it, uint256 index) private returns (Outcome outcome) {
        uint256 size = it.terms.testerCount;
        outcome = Referee.outcomeFor(it.seats, it.struck, size, index);
        if (it.appealed & (1 << index) != 0) outcome = _judgeAppeal(it, index, outcome);
        outcome = _judgeLeaver(it, index, outcome);

        Faults storage faults = _faults[it.agreement][index];
        uint256 pay = it.blocks * it.terms.workers[index].pricePerBlock;
        if (outcome == Outcome.Ok || outcome == Outcome.NoQuorum) {
            earned[it.agreement][it.terms.workers[index].operator] += pay;
            faults.blocksPaid += it.blocks;
            return outcome;
        }
        earned[it.agreement][it.terms.client] += pay;
        if (outcome != Outcome.Wrong) return outcome;
        faults.epochsWrong++;
        uint256 standing = Referee.reports(it.seats, it.struck);
        if (2 * standing >= size) faults.reportsWrong += standing;
    }

    /// @dev Who resigned is not paid from the epoch on in which it did; what it did wrong in that one still counts.
    function _judgeLeaver(Case memory it, uint256 index, Outcome outcome) private view returns (Outcome) {
        uint256 from = it.agreement.resignedFrom(index);
        if (from == type(uint256).max || it.epoch + 1 < from) return outcome;
        return it.epoch < from && outcome == Outcome.Wrong ? outcome : Outcome.Resigned;
    }

    /// @dev The panel's word when at least half of it spoke. Overturned: those who voted for the outcome pay the panel.
    function _judgeAppeal(Case memory it, uint256 index, Outcome outcome) private returns (Outcome) {
        uint256 bond = (2 * uint256(it.terms.testerCount) + 1) * it.terms.testerFeePerEpoch;
        uint256 spoke = Referee.reports(it.panel, 0);
        uint256 cost = spoke * it.terms.testerFeePerEpoch;
        openBonds -= bond;
        Outcome appealed = Referee.outcomeFor(it.seats, 0, it.terms.testerCount, index);
        bool decides = spoke != 0 && 2 * spoke >= it.panel.length;
        if (decides) outcome = Referee.outcomeFor(it.panel, 0, it.panel.length, index);
        bool overturned = decides && outcome != appealed;
        if (overturned) _chargeVoters(it.seats, index, appealed, cost);
        bonds[_appellants[it.agreement][it.epoch][index]] += overturned ? bond : bond - cost;
        done[
            overturned
                ? bytes32("overturned")
                : decides
                    ? bytes32("upheld")
                    : bytes32("undecided")
        ]++;
        return outcome;
    }

    function _chargeVoters(TesterSeat[] memory seats, uint256 index, Outcome appealed, uint256 cost) private {
        uint256 voters;
        for (uint256 i = 0; i < seats.length; i++) {
            if (Referee.agrees(seats[i], index, appealed)) voters++;
        }
        // Equal parts; who comes first pays the wei that are left over.
        uint256 rest = cost % voters;
        for (uint256 i = 0; i < seats.length; i++) {
            if (!Referee.agrees(seats[i], index, appealed)) continue;
            stakeOfTester[seats[i].tester] -= cost / voters + (rest == 0 ? 0 : 1);
            if (rest != 0) rest--;
        }
    }

    function _judgePanel(Case memory it) private {
        uint256 appeals;
        for (uint256 i = 0; i < it.terms.workers.length; i++) {
            if (it.appealed & (1 << i) != 0) appeals++;
        }
        uint256 fee = appeals * it.terms.testerFeePerEpoch;
        for (uint256 i = 0; i < it.panel.length; i++) {
            _judgeDuty(it.panel[i], it.panel[i].status == SeatStatus.Revealed ? fee : 0, false);
        }
    }
}
