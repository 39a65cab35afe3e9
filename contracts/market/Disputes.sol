// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {ITwins} from "../interfaces/ITwins.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {Duties} from "../libraries/Duties.sol";
import {EpochTiming} from "../libraries/EpochTiming.sol";
import {EpochVerdicts, Tally} from "../libraries/EpochVerdicts.sol";
import {Ether} from "../libraries/Ether.sol";
import {Lists} from "../libraries/Lists.sol";
import {ProgramRequest} from "../libraries/ProgramRequest.sol";
import {SignedAnswer} from "../libraries/SignedAnswer.sol";
import {
    AgreementTerms,
    AnswerProof,
    DrawRequest,
    EpochWindows,
    Outcome,
    PanelWindows,
    ProbeRequest,
    Resolution,
    SeatStatus,
    TesterSeat,
    Verdict
} from "../types/MarketTypes.sol";

/// @title Appeals against outcomes, and challenges of reports, see {IDisputes}
contract Disputes is IDisputes, ReentrancyGuardTransient {
    using ProgramRequest for ProbeRequest;
    using SignedAnswer for AnswerProof;

    struct Panel {
        uint32[] testerIds;
        // One bit a seat: full when drawn, and without a commitment since.
        uint256 excused;
        mapping(uint256 seat => PanelSeat) seats;
    }

    /// @dev `verdicts` as EpochVerdicts packs them.
    struct PanelSeat {
        bytes32 commitment;
        uint64 verdicts;
        bool revealed;
    }

    struct Dispute {
        // One bit a worker.
        uint32 appealed;
        bool panelOpen;
        // Challenges without an answer: WORKER_BITS for each seat, one for each worker.
        uint256 open;
        mapping(uint256 workerIndex => address) appellants;
        // By the place in `open`.
        mapping(uint256 place => address) challengers;
        Panel panel;
    }

    /// @dev What is known when a dispute is resolved. `final` is a reserved word.
    struct Judgement {
        Outcome[] appealed;
        Outcome[] ruled;
        bool decides;
        uint256 reveals;
        uint256 struck;
    }

    /// @notice Bytes of an evidence CID, at most.
    uint256 public constant MAX_CID_BYTES = 128;
    /// @notice Bytes of the input of the request that an answer belongs to, at most: a worker takes no more.
    uint256 public constant MAX_INPUT_BYTES = 256 * 1024;

    /// @dev Seven seats fit into one word; an agreement has 20 workers at most, so an epoch 140 challenges.
    uint256 private constant WORKER_BITS = 32;
    uint256 private constant WORKERS_MASK = (1 << WORKER_BITS) - 1;

    ITwins private immutable TWINS;
    ITesterRegistry private immutable TESTERS;

    mapping(address agreement => mapping(uint256 epoch => Dispute)) private _disputes;
    mapping(address account => uint256 amount) private _credits;

    modifier onlyAgreement(address account) {
        if (!IWorkerDispatcher(TESTERS.dispatcher()).isAgreement(account)) revert Disputes_NotAnAgreement(account);
        _;
    }

    constructor(ITwins twins, ITesterRegistry testers) {
        TWINS = twins;
        TESTERS = testers;
    }

    /// @dev Stake that the registry takes from testers.
    receive() external payable {
        if (msg.sender != address(TESTERS)) revert Disputes_NotAnAgreement(msg.sender);
    }

    /// @inheritdoc IDisputes
    function appeal(
        address agreement,
        uint256 epoch,
        uint256 workerIndex
    ) external payable nonReentrant onlyAgreement(agreement) {
        AgreementTerms memory terms = IWorkAgreement(agreement).terms();
        _requireAppealWindow(agreement, epoch);
        _requireWorker(terms, workerIndex);
        (Outcome[] memory outcomes, ) = IWorkAgreement(agreement).tallyOf(epoch);
        Outcome outcome = outcomes[workerIndex];
        if (outcome == Outcome.NoQuorum || epoch >= IWorkAgreement(agreement).resignedFrom(workerIndex)) {
            revert Disputes_NothingToAppeal(epoch, workerIndex);
        }
        if (
            msg.sender != terms.client &&
            msg.sender != terms.workers[workerIndex].operator &&
            !_dissented(agreement, epoch, workerIndex, outcome)
        ) revert Disputes_NotAParty(msg.sender);
        Dispute storage self = _disputes[agreement][epoch];
        if ((self.appealed >> workerIndex) & 1 == 1) revert Disputes_AlreadyAppealed(epoch, workerIndex);
        _requireBond(_bond(terms));

        self.appealed |= uint32(1 << workerIndex);
        self.appellants[workerIndex] = msg.sender;
        emit Appealed(agreement, epoch, workerIndex, msg.sender, outcome);
        IWorkAgreement(agreement).contest(epoch);
    }

    /// @inheritdoc IDisputes
    function openPanel(address agreement, uint256 epoch) external {
        Dispute storage self = _disputes[agreement][epoch];
        if (self.panelOpen) revert Disputes_AlreadyOpen(epoch);
        _openPanel(self, agreement, epoch);
    }

    /// @inheritdoc IDisputes
    function commit(address agreement, uint256 epoch, bytes32 commitment) external {
        Dispute storage self = _disputes[agreement][epoch];
        if (!self.panelOpen) _openPanel(self, agreement, epoch);
        PanelWindows memory windows = _panelWindows(agreement, epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        Panel storage panel = self.panel;
        uint256 seat = _seatOf(panel, epoch, msg.sender);
        if (commitment == bytes32(0)) revert Disputes_ZeroCommitment();
        if (panel.seats[seat].commitment != bytes32(0)) revert Disputes_AlreadyCommitted(epoch, msg.sender);
        if ((panel.excused >> seat) & 1 == 1) {
            TESTERS.takeDuty(IWorkAgreement(agreement).terms().number, panel.testerIds[seat]);
            panel.excused &= ~(1 << seat);
        }
        panel.seats[seat].commitment = commitment;
        emit PanelCommitted(agreement, epoch, msg.sender, commitment);
    }

    /// @inheritdoc IDisputes
    function reveal(
        address agreement,
        uint256 epoch,
        address tester,
        uint64 verdicts,
        string calldata evidenceCid,
        bytes32 salt
    ) external {
        Dispute storage self = _disputes[agreement][epoch];
        if (!self.panelOpen) revert Disputes_NotOpen(epoch);
        PanelWindows memory windows = _panelWindows(agreement, epoch);
        _requireWindow(windows.revealFrom, windows.revealTo);
        uint256 workerCount = IWorkAgreement(agreement).workers().length;
        if (!EpochVerdicts.areVerdicts(verdicts, workerCount)) revert Disputes_BadVerdicts(workerCount, verdicts);
        if (bytes(evidenceCid).length > MAX_CID_BYTES) {
            revert Disputes_CidTooLong(MAX_CID_BYTES, bytes(evidenceCid).length);
        }
        PanelSeat storage seat = self.panel.seats[_seatOf(self.panel, epoch, tester)];
        if (seat.commitment == bytes32(0) || seat.revealed) revert Disputes_NothingToReveal(epoch, tester);
        if (keccak256(abi.encode(agreement, epoch, tester, verdicts, evidenceCid, salt)) != seat.commitment) {
            revert Disputes_CommitmentMismatch(epoch, tester);
        }
        seat.revealed = true;
        seat.verdicts = verdicts;
        emit PanelRevealed(agreement, epoch, tester, verdicts, evidenceCid, salt);
    }

    /// @inheritdoc IDisputes
    function challenge(
        address agreement,
        uint256 epoch,
        uint256 seat,
        uint256 workerIndex
    ) external payable nonReentrant onlyAgreement(agreement) {
        _requireAppealWindow(agreement, epoch);
        _requireWorker(IWorkAgreement(agreement).terms(), workerIndex);
        TesterSeat[] memory seats = IWorkAgreement(agreement).seatsOf(epoch);
        if (
            seat >= seats.length ||
            seats[seat].status != SeatStatus.Revealed ||
            seats[seat].verdicts[workerIndex] != Verdict.Ok ||
            epoch < IWorkAgreement(agreement).boundFrom() ||
            epoch >= IWorkAgreement(agreement).resignedFrom(workerIndex)
        ) revert Disputes_NothingToChallenge(epoch, seat, workerIndex);
        Dispute storage self = _disputes[agreement][epoch];
        uint256 place = _placeOf(seat, workerIndex);
        if (self.challengers[place] != address(0)) revert Disputes_AlreadyChallenged(epoch, seat, workerIndex);
        _requireBond(TESTERS.missPenalty());

        self.open |= 1 << place;
        self.challengers[place] = msg.sender;
        emit Challenged(agreement, epoch, seat, workerIndex, msg.sender);
        IWorkAgreement(agreement).contest(epoch);
    }

    /// @inheritdoc IDisputes
    function answerChallenge(
        address agreement,
        uint256 epoch,
        uint256 seat,
        uint256 workerIndex,
        AnswerProof calldata proof
    ) external {
        Dispute storage self = _disputes[agreement][epoch];
        if (!_isOpen(self, seat, workerIndex)) revert Disputes_NotChallenged(epoch, seat, workerIndex);
        EpochWindows memory windows = IWorkAgreement(agreement).windowsOf(epoch);
        _requireWindow(windows.appealFrom, windows.finalFrom - 1);
        uint256 size = proof.request.inputOf().length;
        if (size > MAX_INPUT_BYTES) revert Disputes_InputTooLarge(MAX_INPUT_BYTES, size);

        address tester = IWorkAgreement(agreement).testersOf(epoch)[seat];
        bytes32 nonce = keccak256(abi.encode(agreement, epoch, tester, proof.salt));
        bytes32 requestHash = proof.request.hash(nonce, IWorkAgreement(agreement).program());
        address signer = proof.signerOf(requestHash);
        uint256 twinId = IWorkAgreement(agreement).terms().workers[workerIndex].twinId;
        if (TWINS.twinOfKey(signer) != twinId) revert Disputes_WrongSigner(twinId, signer);

        self.open &= ~(1 << _placeOf(seat, workerIndex));
        _credits[tester] += TESTERS.missPenalty();
        emit ChallengeAnswered(agreement, epoch, seat, workerIndex, requestHash);
    }

    /// @inheritdoc IDisputes
    function resolve(uint256 epoch) external onlyAgreement(msg.sender) returns (Resolution memory resolution) {
        AgreementTerms memory terms = IWorkAgreement(msg.sender).terms();
        Dispute storage self = _disputes[msg.sender][epoch];
        TesterSeat[] memory seats = IWorkAgreement(msg.sender).seatsOf(epoch);
        Judgement memory judgement = _judge(self, terms, seats);
        _strike(self, epoch, seats, judgement.struck);
        if (self.appealed != 0) _closeAppeals(self, terms, epoch, seats, judgement);
        return Resolution({outcomes: judgement.ruled, struck: judgement.struck});
    }

    /// @inheritdoc IDisputes
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = _credits[msg.sender];
        if (amount == 0) revert Disputes_NothingToWithdraw(msg.sender);
        _credits[msg.sender] = 0;
        emit BondWithdrawn(msg.sender, amount);
        Ether.pay(msg.sender, amount);
    }

    /// @inheritdoc IDisputes
    function preview(uint256 epoch) external view returns (Resolution memory) {
        Judgement memory judgement = _judge(
            _disputes[msg.sender][epoch],
            IWorkAgreement(msg.sender).terms(),
            IWorkAgreement(msg.sender).seatsOf(epoch)
        );
        return Resolution({outcomes: judgement.ruled, struck: judgement.struck});
    }

    /// @inheritdoc IDisputes
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IDisputes
    function bondOf(address agreement) external view returns (uint256) {
        return _bond(IWorkAgreement(agreement).terms());
    }

    /// @inheritdoc IDisputes
    function panelWindowsOf(address agreement, uint256 epoch) external view returns (PanelWindows memory) {
        return _panelWindows(agreement, epoch);
    }

    /// @inheritdoc IDisputes
    function appealedWorkers(address agreement, uint256 epoch) external view returns (uint256) {
        return _disputes[agreement][epoch].appealed;
    }

    /// @inheritdoc IDisputes
    function panelOf(address agreement, uint256 epoch) external view returns (TesterSeat[] memory seats) {
        Panel storage panel = _disputes[agreement][epoch].panel;
        address[] memory accounts = TESTERS.accountsOf(panel.testerIds);
        uint256 workerCount = IWorkAgreement(agreement).workers().length;
        seats = new TesterSeat[](accounts.length);
        for (uint256 i = 0; i < seats.length; i++) {
            PanelSeat storage seat = panel.seats[i];
            seats[i].tester = accounts[i];
            seats[i].testerId = panel.testerIds[i];
            seats[i].excused = (panel.excused >> i) & 1 == 1;
            if (seat.commitment != bytes32(0)) seats[i].status = SeatStatus.Committed;
            if (!seat.revealed) continue;
            seats[i].status = SeatStatus.Revealed;
            seats[i].verdicts = EpochVerdicts.unpackVerdicts(seat.verdicts, workerCount);
        }
    }

    /// @inheritdoc IDisputes
    function previewPanel(address agreement, uint256 epoch) external view returns (address[] memory accounts) {
        Dispute storage self = _disputes[agreement][epoch];
        if (self.panelOpen) return TESTERS.accountsOf(self.panel.testerIds);
        PanelWindows memory windows = _panelWindows(agreement, epoch);
        if (self.appealed == 0 || block.number < windows.commitFrom || block.number > windows.commitTo) return accounts;
        return TESTERS.draw(_drawRequest(agreement, epoch, windows.seedBlock));
    }

    /// @inheritdoc IDisputes
    function challengeOf(
        address agreement,
        uint256 epoch,
        uint256 seat,
        uint256 workerIndex
    ) external view returns (address challenger, bool answered) {
        // Beyond its bits stand those of the next seat.
        if (workerIndex >= WORKER_BITS) return (challenger, answered);
        Dispute storage self = _disputes[agreement][epoch];
        challenger = self.challengers[_placeOf(seat, workerIndex)];
        answered = challenger != address(0) && !_isOpen(self, seat, workerIndex);
    }

    /// @inheritdoc IDisputes
    function openChallenges(address agreement, uint256 epoch, uint256 seat) external view returns (uint256) {
        return _openAt(_disputes[agreement][epoch], seat);
    }

    function _openPanel(Dispute storage self, address agreement, uint256 epoch) private {
        if (self.appealed == 0) revert Disputes_NotAppealed(epoch);
        PanelWindows memory windows = _panelWindows(agreement, epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        DrawRequest memory request = _drawRequest(agreement, epoch, windows.seedBlock);
        (uint256[] memory drawn, uint256 excused) = TESTERS.assign(request);
        // 2T + 1 were wanted.
        uint256 least = request.testerCount / 2;
        if (drawn.length < least) revert Disputes_NotEnoughTesters(least, drawn.length);
        self.panelOpen = true;
        self.panel.excused = excused;
        address[] memory accounts = new address[](drawn.length);
        for (uint256 i = 0; i < drawn.length; i++) {
            self.panel.testerIds.push(uint32(drawn[i]));
            accounts[i] = address(uint160(drawn[i] >> 32));
        }
        emit PanelOpened(agreement, epoch, request.seedBlock, accounts, excused);
    }

    /// @dev Takes what a miss costs from each tester with an unanswered challenge, once however many there are: more
    /// than that its duty's stake may not hold next to what appeals take.
    function _strike(Dispute storage self, uint256 epoch, TesterSeat[] memory seats, uint256 struck) private {
        if (struck == 0) return;
        uint256 penalty = TESTERS.missPenalty();
        for (uint256 i = 0; i < seats.length; i++) {
            if ((struck >> i) & 1 == 0) continue;
            uint256 open = _openAt(self, i);
            uint256 taken = TESTERS.charge(msg.sender, seats[i].testerId, penalty, false);
            uint256 count = EpochVerdicts.countFlags(open);
            uint256 share = taken / 2 / count;
            for (uint256 j = 0; open >> j != 0; j++) {
                // The bond comes back, too.
                if ((open >> j) & 1 == 1) _credits[self.challengers[_placeOf(i, j)]] += penalty + share;
            }
            emit ReportStruck(msg.sender, epoch, i, open, share * count);
            Ether.burn(taken - share * count);
        }
    }

    /// @dev Pays the panel, by the bonds or by those who were overturned, and returns the bonds or what is left of them.
    function _closeAppeals(
        Dispute storage self,
        AgreementTerms memory terms,
        uint256 epoch,
        TesterSeat[] memory seats,
        Judgement memory judgement
    ) private {
        uint256 fees = judgement.reveals * terms.testerFeePerEpoch;
        uint256 bond = _bond(terms);
        uint256 appeals;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if ((self.appealed >> i) & 1 == 0) continue;
            appeals++;
            bool overturned = judgement.decides && judgement.ruled[i] != judgement.appealed[i];
            uint256 paid = overturned ? _chargeVoters(seats, i, judgement.appealed[i], fees) : 0;
            // What the voters cannot pay, the bond does; their duty's stake is made to be enough.
            _credits[self.appellants[i]] += bond - (fees - paid);
            emit AppealResolved(msg.sender, epoch, i, judgement.ruled[i], overturned);
        }
        if (self.panelOpen) _endPanel(self.panel, terms, appeals);
    }

    /// @dev Takes `amount` from those who voted for the overturned outcome, in equal parts but for single wei.
    function _chargeVoters(
        TesterSeat[] memory seats,
        uint256 workerIndex,
        Outcome overturned,
        uint256 amount
    ) private returns (uint256 paid) {
        uint256 voters;
        for (uint256 i = 0; i < seats.length; i++) {
            if (_votedFor(seats[i], workerIndex, overturned)) voters++;
        }
        uint256 left = voters;
        for (uint256 i = 0; i < seats.length; i++) {
            if (!_votedFor(seats[i], workerIndex, overturned)) continue;
            uint256 part = Math.ceilDiv(amount - paid, left--);
            paid += TESTERS.charge(msg.sender, seats[i].testerId, part, true);
        }
    }

    function _endPanel(Panel storage panel, AgreementTerms memory terms, uint256 appeals) private {
        uint256 size = panel.testerIds.length;
        uint256[] memory duties = new uint256[](size);
        uint256 count;
        uint256 reveals;
        for (uint256 i = 0; i < size; i++) {
            if ((panel.excused >> i) & 1 == 1) continue;
            bool revealed = panel.seats[i].revealed;
            if (revealed) reveals++;
            duties[count++] = Duties.pack(panel.testerIds[i], revealed, false);
        }
        // Without the seats that owe nothing.
        Lists.shorten(duties, count);
        uint256 fee = appeals * terms.testerFeePerEpoch;
        TESTERS.conclude{value: fee * reveals}(terms.number, fee, duties);
    }

    function _judge(
        Dispute storage self,
        AgreementTerms memory terms,
        TesterSeat[] memory seats
    ) private view returns (Judgement memory judgement) {
        for (uint256 i = 0; i < seats.length; i++) {
            if (_openAt(self, i) != 0) judgement.struck |= 1 << i;
        }
        judgement.appealed = _outcomes(seats, terms, 0);
        judgement.ruled = _outcomes(seats, terms, judgement.struck);
        if (self.appealed == 0) return judgement;

        uint256 size = self.panel.testerIds.length;
        Tally memory tally = EpochVerdicts.emptyTally(terms.workers.length);
        for (uint256 i = 0; i < size; i++) {
            PanelSeat storage seat = self.panel.seats[i];
            if (!seat.revealed) continue;
            tally.reveals++;
            EpochVerdicts.add(tally, seat.verdicts);
        }
        judgement.reveals = tally.reveals;
        judgement.decides = tally.reveals != 0 && EpochVerdicts.hasQuorum(tally.reveals, size);
        Outcome[] memory panel = EpochVerdicts.outcomes(tally, size);
        for (uint256 i = 0; i < panel.length; i++) {
            if (judgement.decides && (self.appealed >> i) & 1 == 1) judgement.ruled[i] = panel[i];
        }
    }

    /// @dev Outcomes over the reports that are not `struck`.
    function _outcomes(
        TesterSeat[] memory seats,
        AgreementTerms memory terms,
        uint256 struck
    ) private pure returns (Outcome[] memory) {
        return EpochVerdicts.outcomes(EpochVerdicts.tally(seats, terms.workers.length, struck), terms.testerCount);
    }

    function _dissented(
        address agreement,
        uint256 epoch,
        uint256 workerIndex,
        Outcome outcome
    ) private view returns (bool) {
        TesterSeat[] memory seats = IWorkAgreement(agreement).seatsOf(epoch);
        for (uint256 i = 0; i < seats.length; i++) {
            if (seats[i].tester != msg.sender) continue;
            return seats[i].status == SeatStatus.Revealed && !_votedFor(seats[i], workerIndex, outcome);
        }
        return false;
    }

    function _votedFor(TesterSeat memory seat, uint256 workerIndex, Outcome outcome) private pure returns (bool) {
        if (seat.status != SeatStatus.Revealed) return false;
        Verdict verdict = seat.verdicts[workerIndex];
        if (outcome == Outcome.Ok) return verdict == Verdict.Ok;
        if (outcome == Outcome.Wrong) return verdict == Verdict.Wrong;
        return verdict == Verdict.Unreachable;
    }

    function _seatOf(Panel storage panel, uint256 epoch, address account) private view returns (uint256) {
        uint256 testerId = TESTERS.testerOf(account);
        uint256 size = panel.testerIds.length;
        for (uint256 i = 0; i < size; i++) {
            if (panel.testerIds[i] == testerId) return i;
        }
        revert Disputes_NotDrawn(epoch, account);
    }

    /// @dev The client, the workers' operators and the epoch's testers are not drawn.
    function _drawRequest(
        address agreement,
        uint256 epoch,
        uint256 firstSeed
    ) private view returns (DrawRequest memory) {
        AgreementTerms memory terms = IWorkAgreement(agreement).terms();
        address[] memory drawn = IWorkAgreement(agreement).testersOf(epoch);
        uint256 count = terms.workers.length;
        address[] memory excluded = new address[](count + 1 + drawn.length);
        for (uint256 i = 0; i < count; i++) {
            excluded[i] = terms.workers[i].operator;
        }
        excluded[count] = terms.client;
        for (uint256 i = 0; i < drawn.length; i++) {
            excluded[count + 1 + i] = drawn[i];
        }
        return
            DrawRequest({
                agreement: agreement,
                number: terms.number,
                epoch: epoch,
                round: 1,
                seedBlock: EpochTiming.seedFrom(firstSeed),
                testerCount: _panelSize(terms),
                feePerEpoch: terms.testerFeePerEpoch,
                excluded: excluded
            });
    }

    function _panelWindows(address agreement, uint256 epoch) private view returns (PanelWindows memory) {
        AgreementTerms memory terms = IWorkAgreement(agreement).terms();
        uint256 appealTo = IWorkAgreement(agreement).windowsOf(epoch).appealTo;
        return EpochTiming.panel(appealTo, terms.epochLength, terms.revealLength);
    }

    /// @dev The workers on which a seat's report waits to be backed, one bit each.
    function _openAt(Dispute storage self, uint256 seat) private view returns (uint256) {
        return (self.open >> (seat * WORKER_BITS)) & WORKERS_MASK;
    }

    function _isOpen(Dispute storage self, uint256 seat, uint256 workerIndex) private view returns (bool) {
        return workerIndex < WORKER_BITS && (_openAt(self, seat) >> workerIndex) & 1 == 1;
    }

    function _placeOf(uint256 seat, uint256 workerIndex) private pure returns (uint256) {
        return seat * WORKER_BITS + workerIndex;
    }

    function _requireAppealWindow(address agreement, uint256 epoch) private view {
        EpochWindows memory windows = IWorkAgreement(agreement).windowsOf(epoch);
        _requireWindow(windows.appealFrom, windows.appealTo);
    }

    function _requireWindow(uint256 from, uint256 to) private view {
        if (block.number < from || block.number > to) revert Disputes_OutsideWindow(from, to, block.number);
    }

    function _requireBond(uint256 required) private view {
        if (msg.value != required) revert Disputes_BadBond(required, msg.value);
    }

    function _requireWorker(AgreementTerms memory terms, uint256 workerIndex) private pure {
        if (workerIndex >= terms.workers.length) revert Disputes_UnknownWorker(terms.workers.length, workerIndex);
    }

    /// @dev A panel's fees for one worker.
    function _bond(AgreementTerms memory terms) private pure returns (uint256) {
        return _panelSize(terms) * terms.testerFeePerEpoch;
    }

    function _panelSize(AgreementTerms memory terms) private pure returns (uint256) {
        return 2 * uint256(terms.testerCount) + 1;
    }
}
