// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {IWorkerDispatcher} from "../interfaces/IWorkerDispatcher.sol";
import {AgreementArgs} from "../libraries/AgreementArgs.sol";
import {EpochDraw, EpochVerdicts, SeatState, Tally} from "../libraries/EpochVerdicts.sol";
import {
    AgreementStatus,
    AgreementTerms,
    DrawRequest,
    EpochWindows,
    Outcome,
    SeatStatus,
    TesterSeat,
    Verdict,
    WorkerReport,
    WorkerSeat
} from "../types/MarketTypes.sol";

/// @title One purchase, see {IWorkAgreement}
/// @notice An EIP-1167 clone: its terms are the packed immutable arguments behind its code, and it holds its own ether.
contract WorkAgreement is IWorkAgreement, ReentrancyGuardTransient {
    using EpochVerdicts for EpochDraw;
    using EpochVerdicts for SeatState;
    using SafeCast for uint256;

    /// @dev What the settled epochs gave one worker. One slot.
    struct WorkerAccount {
        uint24 epochsOk;
        uint24 epochsUnreachable;
        uint24 epochsWrong;
        // Tester reports paid in epochs with a quorum: in the good ones, and in all.
        uint32 reportsOk;
        uint32 reportsAll;
        uint32 blocksEarned;
        uint32 blocksWithdrawn;
    }

    /// @dev One slot.
    struct Progress {
        uint32 settledEpochs;
        bool finalized;
        // Wei that the settled epochs were worth: credited to somebody, whether withdrawn or not.
        uint128 credited;
    }

    /// @dev What one call of `settle` adds up in memory.
    struct Settling {
        WorkerAccount[] accounts;
        uint256 clientCredit;
        uint256 credited;
    }

    /// @notice Bytes of an evidence CID, at most.
    uint256 public constant MAX_CID_BYTES = 128;
    /// @notice Epochs that one call of `settle` takes, at most.
    uint256 public constant MAX_SETTLE = 64;

    /// @dev From an epoch's first block to its seed block.
    uint256 private constant SEED_DELAY = 1;
    /// @dev From an epoch's first block to the first in which the seed's hash can be read.
    uint256 private constant COMMIT_DELAY = 2;
    /// @dev From the last block that takes a commitment to the end of the epoch: its last block takes none.
    uint256 private constant COMMIT_MARGIN = 2;
    /// @dev BLOCKHASH reaches this far back.
    uint256 private constant SEED_REACH = 256;

    ITesterRegistry private immutable TESTERS;

    Progress private _progress;
    bytes32 private _program;
    mapping(uint256 epoch => EpochDraw) private _draws;
    mapping(uint256 epoch => mapping(uint256 seat => SeatState)) private _seats;
    mapping(uint256 workerIndex => WorkerAccount) private _accounts;
    mapping(uint256 testerId => uint256 amount) private _testerCredit;
    uint256 private _clientCredit;

    constructor(ITesterRegistry testers_) {
        TESTERS = testers_;
    }

    /// @inheritdoc IWorkAgreement
    function bindProgram(bytes32 ledgerAccount) external {
        AgreementTerms memory terms = _terms();
        if (msg.sender != terms.client) revert WorkAgreement_NotClient(terms.client, msg.sender);
        if (ledgerAccount == bytes32(0)) revert WorkAgreement_ZeroProgram();
        if (_program != bytes32(0)) revert WorkAgreement_AlreadyBound(_program);
        if (block.number >= _end(terms)) revert WorkAgreement_Ended(_end(terms));
        _program = ledgerAccount;
        emit ProgramBound(ledgerAccount);
    }

    /// @inheritdoc IWorkAgreement
    function openEpoch(uint256 epoch) external {
        AgreementTerms memory terms = _terms();
        EpochWindows memory windows = _windowsOf(terms, epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        if (_draws[epoch].isOpen()) revert WorkAgreement_AlreadyOpen(epoch);

        DrawRequest memory request = _drawRequest(terms, epoch, windows.from);
        (uint32[] memory testerIds, uint256 excused) = TESTERS.assign(request);
        _draws[epoch].open(testerIds, excused);
        emit EpochOpened(epoch, request.seedBlock, testerIds, excused);
    }

    /// @inheritdoc IWorkAgreement
    function commit(uint256 epoch, bytes32 commitment) external {
        EpochWindows memory windows = _windowsOf(_terms(), epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        SeatState storage seat = _seats[epoch][_seatOf(epoch)];
        if (seat.status() != SeatStatus.Drawn) revert WorkAgreement_AlreadyCommitted(epoch, msg.sender);
        if (!seat.commit(commitment)) revert WorkAgreement_ZeroCommitment();
        emit VerdictCommitted(epoch, msg.sender, commitment);
    }

    /// @inheritdoc IWorkAgreement
    function reveal(uint256 epoch, Verdict[] calldata verdicts, string calldata evidenceCid, bytes32 salt) external {
        AgreementTerms memory terms = _terms();
        EpochWindows memory windows = _windowsOf(terms, epoch);
        _requireWindow(windows.revealFrom, windows.revealTo);
        if (verdicts.length != terms.workers.length) {
            revert WorkAgreement_BadVerdictCount(terms.workers.length, verdicts.length);
        }
        if (bytes(evidenceCid).length > MAX_CID_BYTES) {
            revert WorkAgreement_CidTooLong(MAX_CID_BYTES, bytes(evidenceCid).length);
        }
        SeatState storage seat = _seats[epoch][_seatOf(epoch)];
        if (seat.status() != SeatStatus.Committed) revert WorkAgreement_NothingToReveal(epoch, msg.sender);
        bytes32 commitment = keccak256(abi.encode(address(this), epoch, msg.sender, verdicts, evidenceCid, salt));
        if (!seat.reveal(commitment, verdicts)) revert WorkAgreement_CommitmentMismatch(epoch, msg.sender);
        emit VerdictRevealed(epoch, msg.sender, verdicts, evidenceCid, salt);
    }

    /// @inheritdoc IWorkAgreement
    function settle(uint256 maxEpochs) external returns (uint256 settled) {
        if (maxEpochs == 0) revert WorkAgreement_NothingToSettle();
        AgreementTerms memory terms = _terms();
        uint256 first = _progress.settledEpochs;
        uint256 last = Math.min(first + Math.min(maxEpochs, MAX_SETTLE), _epochCount(terms));

        Settling memory settling = _load(terms.workers.length);
        uint256 epoch = first;
        while (epoch < last && block.number >= _windowsOf(terms, epoch).finalFrom) {
            _settleEpoch(terms, epoch, settling);
            epoch++;
        }
        settled = epoch - first;
        if (settled != 0) _store(settling, epoch);
    }

    /// @inheritdoc IWorkAgreement
    function withdraw() external nonReentrant returns (uint256 amount) {
        AgreementTerms memory terms = _terms();
        uint256 testerId = TESTERS.testerOf(msg.sender);
        amount = _creditOf(terms, msg.sender, testerId);
        if (amount == 0) revert WorkAgreement_NothingToWithdraw(msg.sender);

        if (testerId != 0) delete _testerCredit[testerId];
        if (msg.sender == terms.client) _clientCredit = 0;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if (terms.workers[i].operator == msg.sender) {
                _accounts[i].blocksWithdrawn = _accounts[i].blocksEarned;
            }
        }
        emit Withdrawn(msg.sender, amount);
        (bool sent, ) = msg.sender.call{value: amount}("");
        if (!sent) revert WorkAgreement_TransferFailed(msg.sender, amount);
    }

    /// @inheritdoc IWorkAgreement
    function finalize() external {
        AgreementTerms memory terms = _terms();
        uint256 count = _epochCount(terms);
        if (_progress.settledEpochs != count) revert WorkAgreement_NotSettled(count, _progress.settledEpochs);
        if (_progress.finalized) revert WorkAgreement_AlreadyFinalized();
        _progress.finalized = true;

        WorkerReport[] memory reports = new WorkerReport[](terms.workers.length);
        for (uint256 i = 0; i < reports.length; i++) {
            WorkerAccount memory account = _accounts[i];
            reports[i] = WorkerReport({
                workerId: terms.workers[i].workerId,
                pricePerBlock: terms.workers[i].pricePerBlock,
                epochsOk: account.epochsOk,
                epochsUnreachable: account.epochsUnreachable,
                epochsWrong: account.epochsWrong,
                // 32 + 96 bits.
                weightOk: uint128(account.reportsOk) * terms.testerFeePerEpoch,
                weightTotal: uint128(account.reportsAll) * terms.testerFeePerEpoch
            });
        }
        emit Finalized();
        IWorkerDispatcher(TESTERS.dispatcher()).report(terms.client, terms.length, reports);
    }

    /// @inheritdoc IWorkAgreement
    function client() external view returns (address) {
        return _terms().client;
    }

    /// @inheritdoc IWorkAgreement
    function workers() external view returns (uint256[] memory ids) {
        WorkerSeat[] memory seats = _terms().workers;
        ids = new uint256[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            ids[i] = seats[i].workerId;
        }
    }

    /// @inheritdoc IWorkAgreement
    function workerTwins() external view returns (uint256[] memory ids) {
        WorkerSeat[] memory seats = _terms().workers;
        ids = new uint256[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            ids[i] = seats[i].twinId;
        }
    }

    /// @inheritdoc IWorkAgreement
    function workerSeats() external view returns (WorkerSeat[] memory) {
        return _terms().workers;
    }

    /// @inheritdoc IWorkAgreement
    function price() external view returns (uint256) {
        return _price(_terms());
    }

    /// @inheritdoc IWorkAgreement
    function prices() external view returns (uint256[] memory list) {
        WorkerSeat[] memory seats = _terms().workers;
        list = new uint256[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            list[i] = seats[i].pricePerBlock;
        }
    }

    /// @inheritdoc IWorkAgreement
    function start() external view returns (uint256) {
        return _terms().start;
    }

    /// @inheritdoc IWorkAgreement
    function end() external view returns (uint256) {
        return _end(_terms());
    }

    /// @inheritdoc IWorkAgreement
    function testerCount() external view returns (uint256) {
        return _terms().testerCount;
    }

    /// @inheritdoc IWorkAgreement
    function testerFeePerEpoch() external view returns (uint256) {
        return _terms().testerFeePerEpoch;
    }

    /// @inheritdoc IWorkAgreement
    function epochLength() external view returns (uint256) {
        return _terms().epochLength;
    }

    /// @inheritdoc IWorkAgreement
    function revealLength() external view returns (uint256) {
        return _terms().revealLength;
    }

    /// @inheritdoc IWorkAgreement
    function appealLength() external view returns (uint256) {
        return _terms().appealLength;
    }

    /// @inheritdoc IWorkAgreement
    function epochCount() external view returns (uint256) {
        return _epochCount(_terms());
    }

    /// @inheritdoc IWorkAgreement
    function epochAt(uint256 blockNumber) external view returns (uint256) {
        AgreementTerms memory terms = _terms();
        if (blockNumber < terms.start || blockNumber >= _end(terms)) {
            revert WorkAgreement_OutsideWindow(terms.start, _end(terms) - 1, blockNumber);
        }
        return (blockNumber - terms.start) / terms.epochLength;
    }

    /// @inheritdoc IWorkAgreement
    function windowsOf(uint256 epoch) external view returns (EpochWindows memory) {
        return _windowsOf(_terms(), epoch);
    }

    /// @inheritdoc IWorkAgreement
    function status() external view returns (AgreementStatus) {
        AgreementTerms memory terms = _terms();
        if (_progress.finalized) return AgreementStatus.Finalized;
        if (block.number < terms.start) return AgreementStatus.Scheduled;
        if (block.number < _end(terms)) return AgreementStatus.Running;
        uint256 finalFrom = _windowsOf(terms, _epochCount(terms) - 1).finalFrom;
        return block.number < finalFrom ? AgreementStatus.Reporting : AgreementStatus.Due;
    }

    /// @inheritdoc IWorkAgreement
    function program() external view returns (bytes32) {
        return _program;
    }

    /// @inheritdoc IWorkAgreement
    function testers() external view returns (address[] memory accounts) {
        AgreementTerms memory terms = _terms();
        if (block.number < terms.start || block.number >= _end(terms)) return accounts;
        return _accountsOf(_draws[(block.number - terms.start) / terms.epochLength].testerIds());
    }

    /// @inheritdoc IWorkAgreement
    function testersOf(uint256 epoch) external view returns (address[] memory) {
        _windowsOf(_terms(), epoch);
        return _accountsOf(_draws[epoch].testerIds());
    }

    /// @inheritdoc IWorkAgreement
    function seatsOf(uint256 epoch) external view returns (TesterSeat[] memory seats) {
        AgreementTerms memory terms = _terms();
        _windowsOf(terms, epoch);
        uint32[] memory testerIds = _draws[epoch].testerIds();
        uint256 excused = _draws[epoch].excused();
        seats = new TesterSeat[](testerIds.length);
        for (uint256 i = 0; i < seats.length; i++) {
            SeatState storage seat = _seats[epoch][i];
            seats[i] = TesterSeat({
                tester: TESTERS.accountOf(testerIds[i]),
                testerId: testerIds[i],
                status: seat.status(),
                excused: (excused >> i) & 1 == 1,
                verdicts: seat.verdicts(terms.workers.length)
            });
        }
    }

    /// @inheritdoc IWorkAgreement
    function isOpen(uint256 epoch) external view returns (bool) {
        return _draws[epoch].isOpen();
    }

    /// @inheritdoc IWorkAgreement
    function previewTesters(uint256 epoch) external view returns (address[] memory accounts) {
        AgreementTerms memory terms = _terms();
        EpochWindows memory windows = _windowsOf(terms, epoch);
        if (_draws[epoch].isOpen()) return _accountsOf(_draws[epoch].testerIds());
        if (block.number < windows.commitFrom || block.number > windows.commitTo) return accounts;
        return _accountsOf(TESTERS.draw(address(this), _drawRequest(terms, epoch, windows.from)));
    }

    /// @inheritdoc IWorkAgreement
    function outcomesOf(uint256 epoch) external view returns (Outcome[] memory outcomes) {
        AgreementTerms memory terms = _terms();
        if (block.number < _windowsOf(terms, epoch).finalFrom) return new Outcome[](terms.workers.length);
        return EpochVerdicts.outcomes(_tally(terms, epoch), terms.testerCount);
    }

    /// @inheritdoc IWorkAgreement
    function tallyOf(uint256 epoch) external view returns (Outcome[] memory outcomes, uint256 reveals) {
        AgreementTerms memory terms = _terms();
        _windowsOf(terms, epoch);
        Tally memory tally = _tally(terms, epoch);
        return (EpochVerdicts.outcomes(tally, terms.testerCount), tally.reveals);
    }

    /// @inheritdoc IWorkAgreement
    function settledEpochs() external view returns (uint256) {
        return _progress.settledEpochs;
    }

    /// @inheritdoc IWorkAgreement
    function creditOf(address account) external view returns (uint256) {
        return _creditOf(_terms(), account, TESTERS.testerOf(account));
    }

    /// @inheritdoc IWorkAgreement
    function unsettled() external view returns (uint256) {
        AgreementTerms memory terms = _terms();
        uint256 fees = uint256(terms.testerFeePerEpoch) * terms.testerCount * _epochCount(terms);
        return _price(terms) * terms.length + fees - _progress.credited;
    }

    /// @inheritdoc IWorkAgreement
    function dispatcher() external view returns (address) {
        return TESTERS.dispatcher();
    }

    /// @dev Credits everybody with one final epoch: each wei of its price and its fees goes to exactly one of them.
    function _settleEpoch(AgreementTerms memory terms, uint256 epoch, Settling memory settling) private {
        Tally memory tally = _tally(terms, epoch);
        Outcome[] memory outcomes = EpochVerdicts.outcomes(tally, terms.testerCount);
        EpochWindows memory windows = _windowsOf(terms, epoch);
        uint256 blocks = windows.to - windows.from + 1;

        for (uint256 i = 0; i < outcomes.length; i++) {
            uint256 pay = blocks * terms.workers[i].pricePerBlock;
            settling.credited += pay;
            if (!_book(settling.accounts[i], outcomes[i], tally.reveals, blocks)) settling.clientCredit += pay;
        }

        uint256 fee = terms.testerFeePerEpoch;
        settling.credited += fee * terms.testerCount;
        settling.clientCredit += fee * (terms.testerCount - tally.reveals);
        for (uint256 i = 0; i < tally.testerIds.length; i++) {
            if ((tally.revealed >> i) & 1 == 1) _testerCredit[tally.testerIds[i]] += fee;
        }
        emit EpochSettled(epoch, outcomes, tally.reveals);
        if (tally.testerIds.length != 0) {
            TESTERS.release(epoch, tally.testerIds, _draws[epoch].excused(), tally.revealed);
        }
    }

    /// @dev Writes an outcome into a worker's account. No overflow: MAX_EPOCHS epochs, MAX_EPOCHS x 7 reports, and
    /// never more blocks than the agreement's 32-bit length.
    /// @return paid Whether the worker earned the epoch.
    function _book(
        WorkerAccount memory account,
        Outcome outcome,
        uint256 reports,
        uint256 blocks
    ) private pure returns (bool paid) {
        paid = outcome == Outcome.Ok || outcome == Outcome.NoQuorum;
        if (paid) account.blocksEarned += uint32(blocks);
        if (outcome == Outcome.NoQuorum) return paid;

        account.reportsAll += uint32(reports);
        if (outcome == Outcome.Ok) {
            account.reportsOk += uint32(reports);
            account.epochsOk++;
        } else if (outcome == Outcome.Unreachable) {
            account.epochsUnreachable++;
        } else {
            account.epochsWrong++;
        }
    }

    function _load(uint256 workerCount) private view returns (Settling memory settling) {
        settling.accounts = new WorkerAccount[](workerCount);
        for (uint256 i = 0; i < workerCount; i++) {
            settling.accounts[i] = _accounts[i];
        }
    }

    function _store(Settling memory settling, uint256 settledTo) private {
        for (uint256 i = 0; i < settling.accounts.length; i++) {
            _accounts[i] = settling.accounts[i];
        }
        if (settling.clientCredit != 0) _clientCredit += settling.clientCredit;
        _progress.settledEpochs = settledTo.toUint32();
        _progress.credited += settling.credited.toUint128();
    }

    function _terms() private view returns (AgreementTerms memory) {
        return AgreementArgs.decode(Clones.fetchCloneArgs(address(this)));
    }

    /// @dev The caller's seat in an opened epoch.
    function _seatOf(uint256 epoch) private view returns (uint256) {
        EpochDraw storage draw = _draws[epoch];
        if (!draw.isOpen()) revert WorkAgreement_NotOpen(epoch);
        uint256 testerId = TESTERS.testerOf(msg.sender);
        uint32[] memory testerIds = draw.testerIds();
        for (uint256 i = 0; i < testerIds.length; i++) {
            if (testerIds[i] == testerId) return i;
        }
        revert WorkAgreement_NotDrawn(epoch, msg.sender);
    }

    function _tally(AgreementTerms memory terms, uint256 epoch) private view returns (Tally memory) {
        return EpochVerdicts.tally(_draws[epoch], _seats[epoch], terms.workers.length);
    }

    function _creditOf(
        AgreementTerms memory terms,
        address account,
        uint256 testerId
    ) private view returns (uint256 amount) {
        if (testerId != 0) amount = _testerCredit[testerId];
        if (account == terms.client) amount += _clientCredit;
        for (uint256 i = 0; i < terms.workers.length; i++) {
            if (terms.workers[i].operator == account) {
                uint256 blocks = _accounts[i].blocksEarned - _accounts[i].blocksWithdrawn;
                amount += blocks * terms.workers[i].pricePerBlock;
            }
        }
    }

    /// @dev The seed is the epoch's first whole-256-step block that BLOCKHASH still reaches.
    function _drawRequest(
        AgreementTerms memory terms,
        uint256 epoch,
        uint256 from
    ) private view returns (DrawRequest memory) {
        uint256 seedBlock = from + SEED_DELAY;
        seedBlock += ((block.number - 1 - seedBlock) / SEED_REACH) * SEED_REACH;
        uint256 count = terms.workers.length;
        address[] memory excluded = new address[](count + 1);
        for (uint256 i = 0; i < count; i++) {
            excluded[i] = terms.workers[i].operator;
        }
        excluded[count] = terms.client;
        return
            DrawRequest({
                epoch: epoch,
                seedBlock: seedBlock,
                testerCount: terms.testerCount,
                feePerEpoch: terms.testerFeePerEpoch,
                excluded: excluded
            });
    }

    function _accountsOf(uint32[] memory testerIds) private view returns (address[] memory accounts) {
        accounts = new address[](testerIds.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            accounts[i] = TESTERS.accountOf(testerIds[i]);
        }
    }

    function _requireWindow(uint256 from, uint256 to) private view {
        if (block.number < from || block.number > to) revert WorkAgreement_OutsideWindow(from, to, block.number);
    }

    function _windowsOf(AgreementTerms memory terms, uint256 epoch) private pure returns (EpochWindows memory windows) {
        uint256 count = _epochCount(terms);
        if (epoch >= count) revert WorkAgreement_UnknownEpoch(count, epoch);
        uint256 from = terms.start + epoch * terms.epochLength;
        uint256 next = Math.min(from + terms.epochLength, _end(terms));
        windows.from = from;
        windows.to = next - 1;
        windows.commitFrom = from + COMMIT_DELAY;
        windows.commitTo = next - COMMIT_MARGIN;
        windows.revealFrom = next;
        windows.revealTo = next + terms.revealLength - 1;
        windows.appealFrom = windows.revealTo + 1;
        windows.appealTo = windows.revealTo + terms.appealLength;
        windows.finalFrom = windows.appealTo + 1;
    }

    function _end(AgreementTerms memory terms) private pure returns (uint256) {
        return uint256(terms.start) + terms.length;
    }

    function _epochCount(AgreementTerms memory terms) private pure returns (uint256) {
        return Math.ceilDiv(terms.length, terms.epochLength);
    }

    function _price(AgreementTerms memory terms) private pure returns (uint256 total) {
        for (uint256 i = 0; i < terms.workers.length; i++) {
            total += terms.workers[i].pricePerBlock;
        }
    }
}
