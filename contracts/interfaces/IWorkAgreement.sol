// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    AgreementStatus,
    AgreementTerms,
    EpochWindows,
    Outcome,
    SeatReveal,
    SignedCommit,
    TesterSeat
} from "../types/MarketTypes.sol";

/// @title One purchase
/// @notice Client, workers, testers, time and escrow of one agreement. It holds its own ether. The blocks of work
/// [start, end) are cut into epochs; an epoch's phases, for an epoch over blocks [a, b):
///
/// - draw: the hash of block a + 1 is the seed (when nobody opened the epoch within 256 blocks, a + 1 + 256, and so
///   on), testers count by their stake one block before it. Anyone may open the epoch once the seed is mined, and the
///   first commitment does it otherwise;
/// - commit: until block b - 2. The last block of the epoch takes none;
/// - reveal: blocks [b, b + revealLength);
/// - appeal: `appealLength` blocks after that, see {IDisputes}; then the epoch is final and `settle` takes it. An epoch
///   that was appealed or challenged is final after a panel's epoch and reveal window more.
///
/// Commitment: `keccak256(abi.encode(address agreement, uint256 epoch, address tester, uint64 verdicts,
/// string evidenceCid, bytes32 salt))`, with `agreement` this contract, `tester` the committing account, and a Verdict
/// in 2 bits for each worker in the order of `workers()`, the first one lowest. In ethers: `keccak256(AbiCoder
/// .defaultAbiCoder().encode(["address","uint256","address","uint64","string","bytes32"], [...]))`.
///
/// Outcome for a worker, over the T seats of the agreement whether filled or not: more than T/2 `Wrong` is Wrong; else
/// more than T/2 `Wrong` or `Unreachable` is Unreachable; else Ok; with fewer than T/2 reveals NoQuorum. Ok and NoQuorum
/// are paid. What is not paid goes back to the client, as does the fee of a seat without a standing report.
interface IWorkAgreement {
    event ProgramBound(bytes32 indexed ledgerAccount);
    /// @notice In `excused` one bit for each tester, in the order of their seats, that was full.
    event EpochOpened(uint256 indexed epoch, uint256 seedBlock, address[] testers, uint256 excused);
    event VerdictCommitted(uint256 indexed epoch, address indexed tester, bytes32 commitment);
    event VerdictRevealed(
        uint256 indexed epoch,
        address indexed tester,
        uint64 verdicts,
        string evidenceCid,
        bytes32 salt
    );
    /// @notice Outcomes in the order of `workers()`; in `reported` one bit for each seat whose report stands: the fee of
    /// each went to the tester registry.
    event EpochSettled(uint256 indexed epoch, Outcome[] outcomes, uint256 reported);
    /// @notice The work is now `length` blocks long; the client paid `paid` wei for what was added, and was credited with
    /// `surplus` wei that it sent beyond.
    event Extended(uint256 length, uint256 paid, uint256 surplus);
    /// @notice The agreement now ends at `end`; the rest of the escrow, `refund` wei, is the client's.
    event Terminated(uint256 end, uint256 refund);
    /// @notice The worker is gone from this epoch on, and not paid for the one before.
    event WorkerResigned(uint256 indexed workerIndex, uint256 epoch);
    event Withdrawn(address indexed account, uint256 amount);
    event Finalized();

    /// @notice Only the client may do this.
    error WorkAgreement_NotClient(address client, address caller);
    /// @notice The agreement was bound to a program before.
    error WorkAgreement_AlreadyBound(bytes32 ledgerAccount);
    /// @notice A ledger account is not zero.
    error WorkAgreement_ZeroProgram();
    /// @notice The agreement is over.
    error WorkAgreement_Ended(uint256 end);
    /// @notice Epochs are numbered from 0 to epochCount - 1.
    error WorkAgreement_UnknownEpoch(uint256 count, uint256 epoch);
    /// @notice The action is taken in blocks `from` to `to` of this epoch only.
    error WorkAgreement_OutsideWindow(uint256 from, uint256 to, uint256 current);
    /// @notice The epoch was opened before.
    error WorkAgreement_AlreadyOpen(uint256 epoch);
    /// @notice The caller was not drawn for this epoch.
    error WorkAgreement_NotDrawn(uint256 epoch, address caller);
    /// @notice A commitment is not zero.
    error WorkAgreement_ZeroCommitment();
    /// @notice A tester commits once an epoch.
    error WorkAgreement_AlreadyCommitted(uint256 epoch, address tester);
    /// @notice The tester did not commit, or revealed before.
    error WorkAgreement_NothingToReveal(uint256 epoch, address tester);
    /// @notice What is revealed is not what was committed.
    error WorkAgreement_CommitmentMismatch(uint256 epoch, address tester);
    /// @notice Not a verdict for each worker and nothing more.
    error WorkAgreement_BadVerdicts(uint256 workers, uint256 verdicts);
    /// @notice The evidence's CID is longer than MAX_CID_BYTES.
    error WorkAgreement_CidTooLong(uint256 max, uint256 actual);
    /// @notice `settle` was asked for no epoch.
    error WorkAgreement_NothingToSettle();
    /// @notice Epochs are still to be settled first.
    error WorkAgreement_NotSettled(uint256 expected, uint256 actual);
    /// @notice The agreement was finalized before.
    error WorkAgreement_AlreadyFinalized();
    /// @notice The account has nothing here.
    error WorkAgreement_NothingToWithdraw(address account);
    /// @notice Only the worker's operator may do this.
    error WorkAgreement_NotOperator(address operator, address caller);
    /// @notice Workers are numbered from 0 to count - 1.
    error WorkAgreement_UnknownWorker(uint256 count, uint256 workerIndex);
    /// @notice The worker has resigned.
    error WorkAgreement_AlreadyResigned(uint256 workerIndex);
    /// @notice Nothing was to be added, or the agreement was terminated.
    error WorkAgreement_CannotExtend();
    /// @notice The last epoch is shorter than the others and has begun, so its phases are fixed.
    error WorkAgreement_LastEpochRuns(uint256 epoch);
    /// @notice Less was sent than is required.
    error WorkAgreement_ValueTooLow(uint256 required, uint256 sent);
    /// @notice The agreement was terminated before, or ends with the notice anyway.
    error WorkAgreement_TooLateToTerminate(uint256 epochs);
    /// @notice Only the dispatcher sends ether here.
    error WorkAgreement_NotDispatcher(address caller);
    /// @notice Only the contract of appeals and challenges may do this.
    error WorkAgreement_NotDisputes(address caller);
    /// @notice No such seat, or seats not in ascending order.
    error WorkAgreement_BadSeat(uint256 epoch, uint256 seat);
    /// @notice The seat's tester did not sign this.
    error WorkAgreement_BadSignature(address expected, address actual);
    /// @notice Testers of this epoch committed together before; the others commit alone.
    error WorkAgreement_AlreadyGrouped(uint256 epoch);
    /// @notice The seat committed with others: `revealMany` takes it, with the commitments of all of them.
    error WorkAgreement_BadGroup(uint256 epoch);

    /// @notice Names the smart account (raw ed25519 key of the Stellar account) that this agreement serves, once.
    /// @dev Client only (_NotClient), before `end` (_Ended). Reverts with _ZeroProgram, _AlreadyBound.
    function bindProgram(bytes32 ledgerAccount) external;

    /// @notice Draws an epoch's testers. Anyone, in blocks commitFrom to commitTo of the epoch.
    /// @dev Reverts with _UnknownEpoch, _OutsideWindow, _AlreadyOpen.
    function openEpoch(uint256 epoch) external;

    /// @notice Commits the caller's verdicts, see the formula above. Opens the epoch when nobody did.
    /// @dev Drawn testers (_NotDrawn), in blocks commitFrom to commitTo (_OutsideWindow), once (_AlreadyCommitted).
    /// Reverts also with _UnknownEpoch, _ZeroCommitment, and TesterRegistry_Full for an excused tester without room.
    function commit(uint256 epoch, bytes32 commitment) external;

    /// @notice Commits for several testers of the epoch at once, with their signatures; anyone may bring them, once an
    /// epoch (_AlreadyGrouped). They share one slot of storage and are revealed by `revealMany`.
    /// @param commits In ascending order of seats. Signers are accounts with a key; contracts commit by `commit`.
    /// @dev Reverts as `commit`, and with _BadSeat, _BadSignature, or one of ECDSA's errors.
    function commitMany(uint256 epoch, SignedCommit[] calldata commits) external;

    /// @notice Reveals the verdicts of a seat that committed alone; whoever knows the salt may bring them.
    /// @param report With one verdict for each worker, in the order of `workers()`, and the CID (text) of the evidence,
    /// which may be empty, at most MAX_CID_BYTES bytes.
    /// @dev In blocks revealFrom to revealTo (_OutsideWindow). Reverts also with _UnknownEpoch, _BadSeat, _BadGroup,
    /// _BadVerdicts, _CidTooLong, _NothingToReveal, _CommitmentMismatch.
    function reveal(uint256 epoch, SeatReveal calldata report) external;

    /// @notice Reveals several seats at once, grouped or not.
    /// @param group `keccak256(abi.encode(commitment, tester))` for each commitment of `commitMany`, all of them in its
    /// order, as VerdictCommitted has them; empty when no report is of a grouped seat.
    /// @dev As `reveal`. One bad report fails them all.
    function revealMany(uint256 epoch, bytes32[] calldata group, SeatReveal[] calldata reports) external;

    /// @notice Adds `blocks` of work by the same workers at the same prices, and locks their stake for it. The client
    /// pays for them and for the testers of the epochs that are added; what is too much becomes its credit.
    /// @dev Client only (_NotClient), before `end` (_Ended). Reverts with _LastEpochRuns, _CannotExtend, _AlreadyResigned,
    /// _ValueTooLow, and as `IWorkerDispatcher.extendLocks`.
    function extend(uint256 blocks) external payable;

    /// @notice Ends the agreement with the epoch after the running one; before `start`, with its first epoch. What is
    /// left of the escrow becomes the client's credit at once.
    /// @dev Client only (_NotClient), before `end` (_Ended), once and in time (_TooLateToTerminate).
    function terminate() external;

    /// @notice Takes a worker out: it is not paid for the running epoch nor for those to come. The running epoch and those
    /// before stay open to verdicts of Wrong, and its stake stays locked until `finalize`.
    /// @dev Its operator only (_NotOperator), before `end` (_Ended). Reverts with _UnknownWorker, _AlreadyResigned.
    function resign(uint256 workerIndex) external;

    /// @notice Marks an epoch as appealed or challenged.
    /// @dev Only IDisputes (_NotDisputes).
    function contest(uint256 epoch) external;

    /// @notice Credits workers and client with the next final epochs, at most `maxEpochs` and MAX_SETTLE of them, and
    /// hands the testers' fees to their registry. Anyone.
    /// @return settled How many epochs were taken; 0 when none is final yet.
    /// @dev Reverts with _NothingToSettle when `maxEpochs` is zero.
    function settle(uint256 maxEpochs) external returns (uint256 settled);

    /// @notice Sends the caller all that it was credited with.
    /// @return amount Wei.
    /// @dev Client and workers. Reverts with _NothingToWithdraw, Ether_TransferFailed.
    function withdraw() external returns (uint256 amount);

    /// @notice Settles what is left, at most MAX_SETTLE epochs, and reports to the dispatcher, which opens the workers'
    /// locks, frees their slots and slashes those found wrong. Anyone, once every epoch is final.
    /// @dev Reverts with _NotSettled, _AlreadyFinalized.
    function finalize() external;

    /// @notice Place among the dispatcher's agreements, counted from 1.
    function number() external view returns (uint256);

    /// @notice All that was fixed at the purchase.
    function terms() external view returns (AgreementTerms memory);

    /// @notice The account that bought the agreement.
    function client() external view returns (address);

    /// @notice Worker ids of the dispatcher. Verdicts and outcomes are in this order.
    function workers() external view returns (uint256[] memory);

    /// @notice Wei per block for all workers together.
    function price() external view returns (uint256);

    /// @notice Wei per block of each worker, in the order of `workers()`.
    function prices() external view returns (uint256[] memory);

    /// @notice First block of work.
    function start() external view returns (uint256);

    /// @notice First block after the work: the agreement ends with the block before.
    function end() external view returns (uint256);

    /// @notice Epochs of this agreement.
    function epochCount() external view returns (uint256);

    /// @notice The epoch of a block. Reverts with _OutsideWindow for a block outside [start, end).
    function epochAt(uint256 blockNumber) external view returns (uint256);

    /// @notice An epoch's phases in blocks. Reverts with _UnknownEpoch.
    function windowsOf(uint256 epoch) external view returns (EpochWindows memory);

    /// @notice Where the agreement stands now.
    function status() external view returns (AgreementStatus);

    /// @notice The bound smart account, zero when there is none.
    function program() external view returns (bytes32);

    /// @notice First epoch in which an Ok needs the worker's signed answer: the one after the program was bound, 0 when
    /// it was bound before `start`; the largest number when no program is bound.
    function boundFrom() external view returns (uint256 epoch);

    /// @notice First epoch without this worker: the one after that in which it resigned, 0 when it did before `start`;
    /// the largest number while it has not.
    function resignedFrom(uint256 workerIndex) external view returns (uint256 epoch);

    /// @notice Accounts of the testers of the running epoch; empty outside [start, end) and before it was opened.
    function testers() external view returns (address[] memory);

    /// @notice Accounts of the testers drawn for an epoch; empty when it was not opened. Reverts with _UnknownEpoch.
    function testersOf(uint256 epoch) external view returns (address[] memory);

    /// @notice The testers drawn for an epoch with what they did; empty when it was not opened.
    function seatsOf(uint256 epoch) external view returns (TesterSeat[] memory);

    /// @notice True when the epoch was opened.
    function isOpen(uint256 epoch) external view returns (bool);

    /// @notice The testers that `openEpoch` would draw in the block of the call; once opened, those drawn. Empty when
    /// the epoch cannot be opened then (before its commit window or after).
    function previewTesters(uint256 epoch) external view returns (address[] memory);

    /// @notice Outcomes of an epoch in the order of `workers()`; all Pending until the epoch is final.
    function outcomesOf(uint256 epoch) external view returns (Outcome[] memory);

    /// @notice Outcomes as the reveals so far would make them, final or not: without appeals, challenges, resignations.
    function tallyOf(uint256 epoch) external view returns (Outcome[] memory outcomes, uint256 reveals);

    /// @notice Epochs settled so far; the next one to settle.
    function settledEpochs() external view returns (uint256);

    /// @notice Wei that the account can withdraw now.
    function creditOf(address account) external view returns (uint256);

    /// @notice Wei that no account was credited with yet.
    function unsettled() external view returns (uint256);

    /// @notice The dispatcher that made this agreement.
    function dispatcher() external view returns (address);

    /// @notice The contract of appeals and challenges.
    function disputes() external view returns (address);
}
