// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DrawRequest, TesterSettings, TesterView} from "../types/MarketTypes.sol";

/// @title Testers: who they are, what they stake, who is drawn
/// @notice A tester is a twin that posts stake to be drawn, by that stake, into the epochs of agreements. The draw of
/// an epoch depends only on the hash of its seed block S and on this registry's state as of block S - 1, so nothing
/// sent in S or later can change it.
interface ITesterRegistry {
    event DispatcherAttached(address indexed dispatcher, address disputes);
    event TesterRegistered(
        uint256 indexed testerId,
        address indexed account,
        uint96 feePerEpoch,
        uint16 capacity,
        uint128 stake
    );
    event TesterUpdated(uint256 indexed testerId, uint96 feePerEpoch, uint16 capacity, uint128 stake);
    event TesterUnregistered(uint256 indexed testerId);
    event TesterStakeUnbonding(uint256 indexed testerId, uint128 amount, uint64 releaseBlock);
    event TesterStakeWithdrawn(uint256 indexed testerId, address indexed account, uint128 amount);
    /// @notice A duty without a standing report, which cost the tester `penalty` wei.
    event DutyMissed(uint256 indexed testerId, address indexed agreement, uint256 penalty);
    /// @notice An appeal or a challenge took stake from a tester.
    event TesterCharged(uint256 indexed testerId, address indexed agreement, uint256 amount, bool overturned);
    event FeesWithdrawn(uint256 indexed testerId, address indexed account, uint256 amount);

    /// @notice The dispatcher is attached once, by itself, in its constructor.
    error TesterRegistry_AlreadyAttached(address dispatcher);
    /// @notice Only agreements made by the dispatcher may call this.
    error TesterRegistry_NotAnAgreement(address caller);
    /// @notice The caller has no twin.
    error TesterRegistry_NotATwin(address account);
    /// @notice The caller is already a tester.
    error TesterRegistry_AlreadyRegistered(address account, uint256 testerId);
    /// @notice The caller is no active tester.
    error TesterRegistry_NotRegistered(address account);
    /// @notice No tester has this id.
    error TesterRegistry_UnknownTester(uint256 testerId);
    /// @notice Capacity is 1 to MAX_CAPACITY (0 pauses, in `updateTester` only).
    error TesterRegistry_BadCapacity(uint256 max, uint256 actual);
    /// @notice The stake does not back the capacity.
    error TesterRegistry_StakeTooLow(uint256 required, uint256 actual);
    /// @notice More than the free stake was asked for.
    error TesterRegistry_StakeNotFree(uint256 free, uint256 asked);
    /// @notice Nothing can be withdrawn before `releaseBlock`, or nothing is unbonding.
    error TesterRegistry_NothingToWithdraw(uint256 releaseBlock, uint256 unbonding);
    /// @notice A tester asks for at most `maxFeePerEpoch`.
    error TesterRegistry_BadFee(uint256 max, uint256 actual);
    /// @notice There are too many testers with fees like this one.
    error TesterRegistry_ClassFull(uint256 feePerEpoch);
    /// @notice The tester has as many duties as it has room for.
    error TesterRegistry_Full(uint256 testerId);
    /// @notice The account has earned no fees that it did not withdraw.
    error TesterRegistry_NoFees(address account);
    /// @notice What an agreement pays is not what it credits.
    error TesterRegistry_BadValue(uint256 expected, uint256 actual);
    /// @notice A constructor number is out of bounds.
    error TesterRegistry_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);

    /// @notice Registers the caller, a twin, as a tester. The value sent is its stake.
    /// @param feePerEpoch Least wei per epoch that it works for.
    /// @param capacity Duties at once, 1 to MAX_CAPACITY.
    /// @return testerId Counts from 1. An account that left gets its old id back.
    /// @dev Reverts with TesterRegistry_NotATwin, _AlreadyRegistered, _BadCapacity, _BadFee, _StakeTooLow.
    function registerTester(uint96 feePerEpoch, uint16 capacity) external payable returns (uint256 testerId);

    /// @notice Changes the caller's fee and capacity and adds the value sent to its stake. Capacity 0 pauses.
    /// Epochs already seeded are still drawn by what was registered before.
    /// @dev Reverts with TesterRegistry_NotRegistered, _BadCapacity, _BadFee,
    /// _StakeTooLow.
    function updateTester(uint96 feePerEpoch, uint16 capacity) external payable;

    /// @notice Takes the caller out of future draws and starts unbonding all of its stake. Duties that it has, go on.
    /// @dev Reverts with TesterRegistry_NotRegistered.
    function unregisterTester() external;

    /// @notice Starts unbonding `amount` wei of the caller's free stake. The wait of an earlier one starts again.
    /// @dev Reverts with TesterRegistry_NotRegistered, _StakeNotFree, and _StakeTooLow when less than
    /// capacity x dutyStake would stay.
    function unbondStake(uint128 amount) external;

    /// @notice Sends the caller what has finished unbonding and is not set aside for a duty.
    /// @dev Reverts with TesterRegistry_NothingToWithdraw, Ether_TransferFailed.
    function withdrawStake() external;

    /// @notice Sends the caller the fees of all its settled epochs, of whatever agreements.
    /// @return amount Wei.
    /// @dev Reverts with TesterRegistry_NoFees, Ether_TransferFailed.
    function withdrawFees() external returns (uint256 amount);

    /// @notice Ties this registry to the dispatcher that calls it, and to the contract of its appeals and challenges, for
    /// good. The dispatcher does it when it is created.
    /// @dev Reverts with TesterRegistry_AlreadyAttached.
    function attachDispatcher(address disputes) external;

    /// @notice Draws testers for an epoch, or for the panel of its appeals, and sets their duty's stake aside.
    /// @return drawn At most `testerCount`, each its account above the 32 bits of its id; fewer when the list has not
    /// enough eligible testers.
    /// @return excused Bit i is set when drawn[i] was already full: no duty was given to it.
    /// @dev Only agreements for themselves, and the contract of appeals: TesterRegistry_NotAnAgreement. The caller
    /// vouches that blockhash(seedBlock) is available.
    function assign(DrawRequest calldata request) external returns (uint256[] memory drawn, uint256 excused);

    /// @notice Gives a duty to a tester that was excused.
    /// @param number The agreement's.
    /// @dev Callers as for `assign`. Reverts with TesterRegistry_Full.
    function takeDuty(uint32 number, uint256 testerId) external;

    /// @notice Ends duties: credits fees, counts reports and misses, burns what a miss costs. The value is the fee of
    /// each report that stands (_BadValue).
    /// @param number The agreement's.
    /// @param fee Wei.
    /// @param duties Each as `Duties` packs it: the tester's id, whether its report stands, and whether a challenge
    /// struck it, which has cost the tester what a miss does already.
    /// @dev Callers as for `assign`.
    function conclude(uint32 number, uint256 fee, uint256[] calldata duties) external payable;

    /// @notice Takes stake that is set aside for a duty of the tester and sends it to the caller.
    /// @param overturned Whether a verdict of the tester was overturned; else its report was struck.
    /// @return taken Wei: `amount`, or what is left.
    /// @dev Only the contract of appeals and challenges (_NotAnAgreement).
    function charge(
        address agreement,
        uint256 testerId,
        uint256 amount,
        bool overturned
    ) external returns (uint256 taken);

    /// @notice The accounts that `assign` would draw.
    function draw(DrawRequest calldata request) external view returns (address[] memory accounts);

    /// @notice Wei that a miss costs, and that a challenge of a report has to put up.
    function missPenalty() external view returns (uint256);

    /// @notice The highest fee an agreement may promise a tester for an epoch, in wei: so that the stake of one duty
    /// covers every appeal that can overturn it.
    function maxFeePerEpoch() external view returns (uint256);

    /// @notice The dispatcher whose agreements are served; zero until it is attached.
    function dispatcher() external view returns (address);

    /// @notice The numbers fixed at deployment.
    function settings() external view returns (TesterSettings memory);

    /// @notice How many tester ids were given out; ids run from 1 to this number.
    function testerCount() external view returns (uint256);

    /// @notice How many testers can be drawn now or once they have room: registered, with a capacity that is not zero.
    function activeCount() external view returns (uint256);

    /// @notice How many of them work for this fee, without these accounts, which must be distinct. Fees are sorted into
    /// powers of two: testers whose fee lies in the class of `feePerEpoch` itself count only when it is the class's
    /// highest, so there may be more than said.
    function availableFor(uint256 feePerEpoch, address[] calldata excluded) external view returns (uint256);

    /// @notice The id of the account's tester, 0 when it never was one.
    function testerOf(address account) external view returns (uint256 testerId);

    /// @notice The account of a tester, zero when there is none.
    function accountOf(uint256 testerId) external view returns (address);

    /// @notice The accounts of testers, in the same order.
    function accountsOf(uint32[] calldata testerIds) external view returns (address[] memory);

    /// @notice All about one tester. Reverts with TesterRegistry_UnknownTester.
    function tester(uint256 testerId) external view returns (TesterView memory);

    /// @notice Testers by id, from `fromId` on (ids count from 1), at most `count` and at most MAX_PAGE.
    function testers(uint256 fromId, uint256 count) external view returns (TesterView[] memory);
}
