// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Stake that its owner puts down once and uses in many channels
/// @notice An account's ether here is free, reserved for channels, or on its way out. Only the hub reserves, with the account's
/// signed consent to join, and what it takes from a reservation is never more than the reservation. What is reserved cannot
/// be taken out, and what is free leaves no sooner than `unbondingSeconds` after it was asked for.
interface IStakingPool {
    event HubAttached(address indexed hub);
    event Deposited(address indexed account, address indexed from, uint256 amount);
    /// @notice All that the account takes out, `amount` more than before, can be withdrawn from `until` on.
    event UnbondingStarted(address indexed account, uint256 amount, uint256 until);
    event Withdrawn(address indexed account, address indexed to, uint256 amount);
    event Reserved(address indexed account, uint256 indexed channel, uint256 amount);
    event Released(address indexed account, uint256 indexed channel, uint256 amount);
    event Slashed(address indexed account, uint256 indexed channel, uint256 amount);

    /// @notice A hub has this pool already.
    error StakingPool_AlreadyAttached(address hub);
    /// @notice Only the hub may.
    error StakingPool_NotTheHub(address hub, address caller);
    /// @notice As long as nobody could wait for, or no time at all.
    error StakingPool_BadUnbonding(uint256 min, uint256 max, uint256 actual);
    /// @notice The account has less than that free.
    error StakingPool_TooLittleFree(address account, uint256 free, uint256 wanted);
    /// @notice Something of the account is reserved for the channel already.
    error StakingPool_AlreadyReserved(address account, uint256 channel, uint256 amount);
    /// @notice Nothing is on its way out.
    error StakingPool_NothingToWithdraw(address account);
    error StakingPool_StillUnbonding(address account, uint256 until);

    /// @notice Ties this pool to the contract that calls it, for good. ChannelHub does it when it is created.
    /// @dev Reverts with StakingPool_AlreadyAttached.
    function attachHub() external;

    /// @notice Adds what comes along to what an account has free; anybody may.
    function deposit(address account) external payable;

    /// @notice Starts taking `amount` of the caller's free ether out; what was on its way waits with it.
    /// @dev Reverts with StakingPool_TooLittleFree.
    function unbond(uint256 amount) external;

    /// @notice Pays what the caller took out, to any account.
    /// @dev Reverts with StakingPool_NothingToWithdraw, StakingPool_StillUnbonding, or what Ether says if `to` refuses.
    function withdraw(address to) external returns (uint256 amount);

    /// @notice Sets aside what an account stakes in a channel. The hub only.
    /// @dev Reverts with StakingPool_NotTheHub, StakingPool_TooLittleFree, StakingPool_AlreadyReserved.
    function reserve(address account, uint256 channel, uint256 amount) external;

    /// @notice Frees what is left of a reservation, if anything. The hub only.
    /// @dev Reverts with StakingPool_NotTheHub.
    function release(address account, uint256 channel) external returns (uint256 amount);

    /// @notice Takes from a reservation, at most all of it, and pays it to a channel's vault. The hub only.
    /// @dev Reverts with StakingPool_NotTheHub.
    function slash(address account, uint256 channel, uint256 amount, address vault) external returns (uint256 slashed);

    function hub() external view returns (address);

    /// @notice How long taking out takes.
    function unbondingSeconds() external view returns (uint256);

    function freeOf(address account) external view returns (uint256);

    /// @notice Over all channels.
    function reservedOf(address account) external view returns (uint256);

    function reservationOf(address account, uint256 channel) external view returns (uint256);

    /// @return amount On its way out.
    /// @return until From when on it can be withdrawn.
    function unbondingOf(address account) external view returns (uint256 amount, uint256 until);
}
