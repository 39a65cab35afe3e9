// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {
    MarketSettings,
    PurchaseRequest,
    WorkerReport,
    WorkerSeat,
    WorkerTerms,
    WorkerView
} from "../types/MarketTypes.sol";

/// @title The market: workers, their stake, purchases, reputation
/// @notice Workers register what they offer and stake ether on it; clients buy agreements; each agreement reports
/// back when it ends. All prices are wei per block and worker, all lengths are blocks. An operator (the account that
/// posted the stake) has at most one entry per application type. Nobody owns the market and no number can be changed.
interface IWorkerDispatcher {
    event WorkerRegistered(
        uint256 indexed workerId,
        address indexed operator,
        uint256 indexed twinId,
        WorkerTerms terms,
        uint256 stake
    );
    event WorkerUpdated(uint256 indexed workerId, WorkerTerms terms, uint256 stake);
    event WorkerPaused(uint256 indexed workerId);
    event WorkerUnpaused(uint256 indexed workerId);
    event WorkerUnregistered(uint256 indexed workerId);
    event StakeAdded(uint256 indexed workerId, uint256 amount);
    event StakeUnbonding(uint256 indexed workerId, uint256 amount, uint256 releaseBlock);
    event StakeWithdrawn(uint256 indexed workerId, address indexed operator, uint256 amount);
    /// @notice A worker was put into a new agreement; what a worker's daemon listens to.
    event WorkerAssigned(uint256 indexed workerId, address indexed agreement, uint256 locked);
    /// @notice An agreement was extended, and locks so much in all.
    event LockExtended(uint256 indexed workerId, address indexed agreement, uint256 locked);
    /// @notice A worker's part in an agreement is over and the rest of its lock is open again.
    event WorkerReleased(uint256 indexed workerId, address indexed agreement, uint256 unlocked);
    /// @notice A worker was found wrong: `amount` wei of its lock are gone, `toClient` to the client, the rest burnt.
    event WorkerSlashed(uint256 indexed workerId, address indexed agreement, uint256 amount, uint256 toClient);
    event AgreementCreated(
        address indexed agreement,
        address indexed client,
        uint256 indexed number,
        bytes32 applicationType,
        uint256[] workerIds,
        uint256 start,
        uint256 length,
        uint256 paid
    );
    /// @notice A purchase sent too little; everything went back and nothing was bought.
    event PurchaseRejected(address indexed client, uint256 required, uint256 sent);
    event AgreementFinalized(address indexed agreement);

    /// @notice The caller has no twin, so nobody could write to it.
    error WorkerDispatcher_NotATwin(address account);
    /// @notice The operator already has an entry for this application type.
    error WorkerDispatcher_AlreadyRegistered(address operator, bytes32 applicationType, uint256 workerId);
    /// @notice No worker has this id.
    error WorkerDispatcher_UnknownWorker(uint256 workerId);
    /// @notice Only the worker's operator may do this.
    error WorkerDispatcher_NotOperator(address operator, address caller);
    /// @notice The worker is not in a status that allows this.
    error WorkerDispatcher_WrongStatus(uint256 workerId);
    /// @notice A price is at least one tick: one wei per block.
    error WorkerDispatcher_ZeroPrice();
    /// @notice Slots are 1 to MAX_SLOTS, and not fewer than are in use.
    error WorkerDispatcher_BadSlots(uint256 min, uint256 max, uint256 actual);
    /// @notice More vetted digests than MAX_DIGESTS.
    error WorkerDispatcher_TooManyDigests(uint256 max, uint256 actual);
    /// @notice An entry's application type cannot change; register another entry.
    error WorkerDispatcher_ApplicationFixed(bytes32 expected, bytes32 actual);
    /// @notice The free stake does not back every free slot.
    error WorkerDispatcher_StakeTooLow(uint256 required, uint256 actual);
    /// @notice More than the free stake was asked for.
    error WorkerDispatcher_StakeNotFree(uint256 free, uint256 asked);
    /// @notice Nothing is unbonding, or not before `releaseBlock`.
    error WorkerDispatcher_NothingToWithdraw(uint256 releaseBlock, uint256 unbonding);
    /// @notice Zero redundancy, or more than MAX_REDUNDANCY (a Stellar account has at most 20 signers).
    error WorkerDispatcher_BadRedundancy(uint256 max, uint256 actual);
    /// @notice A length is 1 to `settings().maxLength` blocks, and to the worker's own limit.
    error WorkerDispatcher_BadLength(uint256 max, uint256 actual);
    /// @notice The purchase starts later than MAX_START_DELAY blocks from now.
    error WorkerDispatcher_BadStartDelay(uint256 max, uint256 actual);
    /// @notice The number of testers is 1, 3, 5 or 7.
    error WorkerDispatcher_BadTesterCount(uint256 actual);
    /// @notice A tester fee is at most the registry's `maxFeePerEpoch`.
    error WorkerDispatcher_BadTesterFee(uint256 max, uint256 actual);
    /// @notice Not enough workers fit the request.
    error WorkerDispatcher_NotEnoughWorkers(uint256 wanted, uint256 have);
    /// @notice Not enough testers that work for the fee, besides the client and the workers.
    error WorkerDispatcher_NotEnoughTesters(uint256 wanted, uint256 have);
    /// @notice A worker that the client named has no free slot, no stake for it, or is paused.
    error WorkerDispatcher_WorkerNotAvailable(uint256 workerId);
    /// @notice The client named two workers of one operator.
    error WorkerDispatcher_DuplicateOperator(address operator);
    /// @notice The client named workers of different application types.
    error WorkerDispatcher_MixedApplications(bytes32 expected, bytes32 actual);
    /// @notice Only agreements that this dispatcher made may report.
    error WorkerDispatcher_NotAnAgreement(address caller);
    /// @notice The worker left, is paused, or asks for more now than it did: its agreement cannot be extended.
    error WorkerDispatcher_WorkerNotWilling(uint256 workerId);
    /// @notice A constructor number is out of bounds.
    error WorkerDispatcher_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);
    /// @notice A constructor address has no code.
    error WorkerDispatcher_NotAContract(bytes32 name, address account);

    /// @notice Registers the caller, a twin, as a worker. The value sent is its stake, at least
    /// slots x max(minSlotStake, stakeFactor x pricePerBlock x maxLength).
    /// @return workerId Counts from 1.
    /// @dev Reverts with _NotATwin, _AlreadyRegistered, _ZeroPrice, _BadLength, _BadSlots, _TooManyDigests, _StakeTooLow.
    function registerWorker(WorkerTerms calldata terms) external payable returns (uint256 workerId);

    /// @notice Changes what a worker offers and adds the value sent to its stake. Agreements keep what they were
    /// bought for. The application type must be the registered one.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _WrongStatus (unregistered), _ApplicationFixed,
    /// and as `registerWorker` does.
    function updateWorker(uint256 workerId, WorkerTerms calldata terms) external payable;

    /// @notice Takes a worker out of the order book for maintenance. Its agreements go on.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _WrongStatus (not active).
    function pauseWorker(uint256 workerId) external;

    /// @notice Puts a paused worker back.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _WrongStatus (not paused).
    function unpauseWorker(uint256 workerId) external;

    /// @notice Takes a worker out for good and starts unbonding its free stake. Its agreements go on; what they hold
    /// locked is free once they are finalized and is then unbonded with `unbondStake`.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _WrongStatus (already unregistered).
    function unregisterWorker(uint256 workerId) external;

    /// @notice Adds the value sent to the worker's stake.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _WrongStatus (unregistered).
    function addStake(uint256 workerId) external payable;

    /// @notice Starts unbonding `amount` wei of the worker's free stake; it can be withdrawn `unbondingLength` blocks
    /// later. The wait of an earlier one starts again. A worker left with too little for a slot leaves the order book.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _StakeNotFree.
    function unbondStake(uint256 workerId, uint256 amount) external;

    /// @notice Sends the operator what has finished unbonding.
    /// @dev Operator only (_NotOperator). Reverts with _UnknownWorker, _NothingToWithdraw, Ether_TransferFailed.
    function withdrawStake(uint256 workerId) external;

    /// @notice Buys an agreement with `redundancy` workers for `length` blocks, beginning now: application type zero,
    /// 3 testers at the default fee. The workers are drawn by stake among the 3 x redundancy cheapest.
    /// @return agreement The new agreement. **Zero when the value is too low**: then nothing was bought, all of the
    /// value went back and PurchaseRejected says what would have been required. What is too much goes back.
    /// @dev Anyone with a twin. Reverts with _NotATwin, _BadRedundancy, _BadLength, _NotEnoughWorkers,
    /// _NotEnoughTesters, and Ether_TransferFailed when the caller refuses what goes back.
    function buyContract(uint256 redundancy, uint256 length) external payable returns (address agreement);

    /// @notice As `buyContract`, with everything that can be asked for.
    /// @dev Reverts also with _BadStartDelay, _BadTesterCount, _BadTesterFee.
    function buyContractFor(PurchaseRequest calldata request) external payable returns (address agreement);

    /// @notice As `buyContract`, with the workers that the client chose: distinct operators, one application type.
    /// @dev Reverts also with _UnknownWorker, _WorkerNotAvailable, _DuplicateOperator, _MixedApplications.
    function buyContractWith(uint256[] calldata workerIds, uint256 length) external payable returns (address agreement);

    /// @notice The most that `buyContract` can cost in this state of the market, in wei: the dearest draw.
    /// @dev Reverts as `buyContract` does, but for the caller's twin and transfers.
    function quote(uint256 redundancy, uint256 length) external view returns (uint256 atMost);

    /// @notice The most that `buyContractFor` can cost in this state of the market, in wei.
    function quoteFor(PurchaseRequest calldata request) external view returns (uint256 atMost);

    /// @notice What `buyContractWith` costs, in wei.
    function quoteWith(uint256[] calldata workerIds, uint256 length) external view returns (uint256 exact);

    /// @notice The workers that a purchase would draw from: the cheapest that fit, at most 3 x redundancy.
    function candidates(PurchaseRequest calldata request) external view returns (uint256[] memory workerIds);

    /// @notice Takes an agreement's final report: slashes those found wrong, opens the locks, frees the slots, writes the
    /// records. Each wrong epoch takes `slashShare` of the lock: first to the client, up to its loss, the rest is burnt.
    /// @param number The agreement's.
    /// @param length Blocks that were bought in all, by which the locks were made.
    /// @return compensation Wei sent to the agreement for its client.
    /// @dev Only agreements (_NotAnAgreement), which report once.
    function report(
        uint32 number,
        address client,
        uint256 length,
        WorkerReport[] calldata reports
    ) external returns (uint256 compensation);

    /// @notice Locks more stake of an agreement's workers.
    /// @param number The agreement's.
    /// @param oldLength, newLength Blocks bought in all, before and now.
    /// @dev Only agreements (_NotAnAgreement). Reverts with _BadLength, _WorkerNotWilling, _StakeNotFree.
    function extendLocks(uint32 number, uint256 oldLength, uint256 newLength, WorkerSeat[] calldata seats) external;

    /// @notice The numbers fixed at deployment.
    function settings() external view returns (MarketSettings memory);

    /// @notice The contract that holds the identities.
    function twins() external view returns (address);

    /// @notice The contract that holds the testers.
    function testers() external view returns (address);

    /// @notice The contract that holds the workers' records.
    function records() external view returns (address);

    /// @notice The code that agreements are clones of.
    function implementation() external view returns (address);

    /// @notice How many worker ids were given out; ids run from 1 to this number.
    function workerCount() external view returns (uint256);

    /// @notice All about one worker. Reverts with _UnknownWorker.
    function worker(uint256 workerId) external view returns (WorkerView memory);

    /// @notice Workers by id, from `fromId` on (ids count from 1), at most `count` and at most MAX_PAGE.
    function workers(uint256 fromId, uint256 count) external view returns (WorkerView[] memory);

    /// @notice The operator's entry for an application type, 0 when it has none.
    function workerOf(address operator, bytes32 applicationType) external view returns (uint256 workerId);

    /// @notice The stake in wei that an agreement over `length` blocks at this price locks.
    function lockFor(uint256 pricePerBlock, uint256 length) external view returns (uint256);

    /// @notice As {IWorkerRecords-reputationOf}.
    function reputationOf(uint256 workerId) external view returns (uint256 basisPoints);

    /// @notice How many agreements were made; their numbers run from 1 to this.
    function agreementCount() external view returns (uint256);

    /// @notice The address of the agreement of this number, made or to be made.
    function agreementAt(uint256 number) external view returns (address);

    /// @notice Agreements by number, from `fromNumber` on (numbers count from 1), at most `count` and MAX_PAGE.
    function agreements(uint256 fromNumber, uint256 count) external view returns (address[] memory);

    /// @notice True for an address that this dispatcher made.
    function isAgreement(address account) external view returns (bool);
}
