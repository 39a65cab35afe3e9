// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AgreementStatus, EpochWindows, Outcome, TesterSeat, Verdict, WorkerSeat} from "../types/MarketTypes.sol";

/// @title One purchase
/// @notice Client, workers, testers, time and escrow of one agreement. It holds its own ether. The blocks of work
/// [start, end) are cut into epochs; an epoch's phases, for an epoch over blocks [a, b):
///
/// - draw: the hash of block a + 1 is the seed (when nobody opened the epoch within 256 blocks, a + 1 + 256, and so
///   on), testers count by their stake one block before it. Anyone may open the epoch once the seed is mined;
/// - commit: once opened, until block b - 2. The last block of the epoch takes none;
/// - reveal: blocks [b, b + revealLength);
/// - appeal: `appealLength` blocks after that; then the epoch is final and `settle` takes it.
///
/// Commitment: `keccak256(abi.encode(address agreement, uint256 epoch, address tester, uint8[] verdicts,
/// string evidenceCid, bytes32 salt))`, with `agreement` this contract, `tester` the committing account, and one
/// verdict for each worker in the order of `workers()`. In ethers: `keccak256(AbiCoder.defaultAbiCoder().encode(
/// ["address","uint256","address","uint8[]","string","bytes32"], [...]))`.
///
/// Outcome for a worker, over the T seats of the agreement whether filled or not: more than T/2 `Wrong` is Wrong; else
/// more than T/2 `Wrong` or `Unreachable` is Unreachable; else Ok; with fewer than T/2 reveals NoQuorum.
interface IWorkAgreement {
    event ProgramBound(bytes32 indexed ledgerAccount);
    event EpochOpened(uint256 indexed epoch, uint256 seedBlock, uint32[] testerIds, uint256 excused);
    event VerdictCommitted(uint256 indexed epoch, address indexed tester, bytes32 commitment);
    event VerdictRevealed(
        uint256 indexed epoch,
        address indexed tester,
        Verdict[] verdicts,
        string evidenceCid,
        bytes32 salt
    );
    /// @notice Outcomes in the order of `workers()`.
    event EpochSettled(uint256 indexed epoch, Outcome[] outcomes, uint256 reveals);
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
    /// @notice The epoch was not opened.
    error WorkAgreement_NotOpen(uint256 epoch);
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
    /// @notice One verdict for each worker.
    error WorkAgreement_BadVerdictCount(uint256 expected, uint256 actual);
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
    /// @notice The account refused its ether.
    error WorkAgreement_TransferFailed(address account, uint256 amount);

    /// @notice Names the smart account (raw ed25519 key of the Stellar account) that this agreement serves, once.
    /// @dev Client only (_NotClient), before `end` (_Ended). Reverts with _ZeroProgram, _AlreadyBound.
    function bindProgram(bytes32 ledgerAccount) external;

    /// @notice Draws an epoch's testers. Anyone, in blocks commitFrom to commitTo of the epoch.
    /// @dev Reverts with _UnknownEpoch, _OutsideWindow, _AlreadyOpen.
    function openEpoch(uint256 epoch) external;

    /// @notice Commits the caller's verdicts, see the formula above.
    /// @dev Drawn testers (_NotDrawn), in blocks commitFrom to commitTo (_OutsideWindow), once (_AlreadyCommitted).
    /// Reverts also with _UnknownEpoch, _NotOpen, _ZeroCommitment.
    function commit(uint256 epoch, bytes32 commitment) external;

    /// @notice Reveals the caller's verdicts.
    /// @param verdicts One for each worker, in the order of `workers()`.
    /// @param evidenceCid CID (text) of the evidence, may be empty, at most MAX_CID_BYTES bytes.
    /// @dev Drawn testers who committed (_NotDrawn, _NothingToReveal), in blocks revealFrom to revealTo
    /// (_OutsideWindow). Reverts also with _UnknownEpoch, _BadVerdictCount, _CidTooLong, _CommitmentMismatch.
    function reveal(uint256 epoch, Verdict[] calldata verdicts, string calldata evidenceCid, bytes32 salt) external;

    /// @notice Credits workers, testers and client with the next final epochs, at most `maxEpochs` of them. Anyone.
    /// @return settled How many epochs were taken; 0 when none is final yet.
    /// @dev Reverts with _NothingToSettle when `maxEpochs` is zero.
    function settle(uint256 maxEpochs) external returns (uint256 settled);

    /// @notice Sends the caller all that it was credited with.
    /// @return amount Wei.
    /// @dev Reverts with _NothingToWithdraw, _TransferFailed.
    function withdraw() external returns (uint256 amount);

    /// @notice Reports to the dispatcher, which opens the workers' locks and frees their slots. Anyone, once every
    /// epoch is settled.
    /// @dev Reverts with _NotSettled, _AlreadyFinalized.
    function finalize() external;

    /// @notice The account that bought the agreement.
    function client() external view returns (address);

    /// @notice Worker ids of the dispatcher. Verdicts and outcomes are in this order.
    function workers() external view returns (uint256[] memory);

    /// @notice Twin ids of the workers, in the same order.
    function workerTwins() external view returns (uint256[] memory);

    /// @notice Each worker's id, twin, operator and price.
    function workerSeats() external view returns (WorkerSeat[] memory);

    /// @notice Wei per block for all workers together.
    function price() external view returns (uint256);

    /// @notice Wei per block of each worker, in the order of `workers()`.
    function prices() external view returns (uint256[] memory);

    /// @notice First block of work.
    function start() external view returns (uint256);

    /// @notice First block after the work: the agreement ends with the block before.
    function end() external view returns (uint256);

    /// @notice T, the seats for testers in each epoch.
    function testerCount() external view returns (uint256);

    /// @notice Wei that a tester gets for each epoch that it reveals.
    function testerFeePerEpoch() external view returns (uint256);

    /// @notice Blocks in an epoch, but for a shorter last one.
    function epochLength() external view returns (uint256);

    /// @notice Blocks of a reveal window.
    function revealLength() external view returns (uint256);

    /// @notice Blocks of an appeal window.
    function appealLength() external view returns (uint256);

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

    /// @notice Outcomes as the reveals so far would make them, final or not.
    function tallyOf(uint256 epoch) external view returns (Outcome[] memory outcomes, uint256 reveals);

    /// @notice Epochs settled so far; the next one to settle.
    function settledEpochs() external view returns (uint256);

    /// @notice Wei that the account can withdraw now.
    function creditOf(address account) external view returns (uint256);

    /// @notice Wei that no account was credited with yet.
    function unsettled() external view returns (uint256);

    /// @notice The dispatcher that made this agreement.
    function dispatcher() external view returns (address);
}
