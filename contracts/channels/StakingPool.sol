// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IChannelVault} from "../interfaces/IChannelVault.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Ether} from "../libraries/Ether.sol";

/// @title Stake for many channels, see {IStakingPool}
contract StakingPool is IStakingPool {
    using SafeCast for uint256;

    /// @dev Two slots.
    struct Account {
        uint128 free;
        uint128 reserved;
        uint128 unbonding;
        uint64 unbondsAt;
    }

    uint256 private constant MAX_UNBONDING_SECONDS = 365 days;

    uint256 private immutable UNBONDING_SECONDS;

    address private _hub;
    mapping(address account => Account) private _accounts;
    mapping(address account => mapping(uint256 channel => uint256 amount)) private _reservations;

    modifier onlyHub() {
        if (msg.sender != _hub) revert StakingPool_NotTheHub(_hub, msg.sender);
        _;
    }

    /// @param unbondingSeconds_ See unbondingSeconds; longer than channels take to settle and to be challenged, a year at most.
    constructor(uint256 unbondingSeconds_) {
        if (unbondingSeconds_ == 0 || unbondingSeconds_ > MAX_UNBONDING_SECONDS) {
            revert StakingPool_BadUnbonding(1, MAX_UNBONDING_SECONDS, unbondingSeconds_);
        }
        UNBONDING_SECONDS = unbondingSeconds_;
    }

    /// @inheritdoc IStakingPool
    function attachHub() external {
        if (_hub != address(0)) revert StakingPool_AlreadyAttached(_hub);
        _hub = msg.sender;
        emit HubAttached(msg.sender);
    }

    /// @inheritdoc IStakingPool
    function deposit(address account) external payable {
        _accounts[account].free += msg.value.toUint128();
        emit Deposited(account, msg.sender, msg.value);
    }

    /// @inheritdoc IStakingPool
    function unbond(uint256 amount) external {
        Account storage self = _accounts[msg.sender];
        _takeFree(msg.sender, amount);
        self.unbonding += uint128(amount);
        self.unbondsAt = (block.timestamp + UNBONDING_SECONDS).toUint64();
        emit UnbondingStarted(msg.sender, amount, self.unbondsAt);
    }

    /// @inheritdoc IStakingPool
    function withdraw(address to) external returns (uint256 amount) {
        Account storage self = _accounts[msg.sender];
        amount = self.unbonding;
        if (amount == 0) revert StakingPool_NothingToWithdraw(msg.sender);
        if (block.timestamp < self.unbondsAt) revert StakingPool_StillUnbonding(msg.sender, self.unbondsAt);
        self.unbonding = 0;
        emit Withdrawn(msg.sender, to, amount);
        Ether.pay(to, amount);
    }

    /// @inheritdoc IStakingPool
    function reserve(address account, uint256 channel, uint256 amount) external onlyHub {
        uint256 known = _reservations[account][channel];
        if (known != 0) revert StakingPool_AlreadyReserved(account, channel, known);
        _takeFree(account, amount);
        _accounts[account].reserved += uint128(amount);
        _reservations[account][channel] = amount;
        emit Reserved(account, channel, amount);
    }

    /// @inheritdoc IStakingPool
    function release(address account, uint256 channel) external onlyHub returns (uint256 amount) {
        amount = _reservations[account][channel];
        if (amount == 0) return 0;
        _takeReserved(account, channel, amount);
        _accounts[account].free += uint128(amount);
        emit Released(account, channel, amount);
    }

    /// @inheritdoc IStakingPool
    function slash(
        address account,
        uint256 channel,
        uint256 amount,
        address vault
    ) external onlyHub returns (uint256 slashed) {
        uint256 reservation = _reservations[account][channel];
        slashed = amount < reservation ? amount : reservation;
        if (slashed == 0) return 0;
        _takeReserved(account, channel, slashed);
        emit Slashed(account, channel, slashed);
        IChannelVault(vault).fund{value: slashed}();
    }

    /// @inheritdoc IStakingPool
    function hub() external view returns (address) {
        return _hub;
    }

    /// @inheritdoc IStakingPool
    function unbondingSeconds() external view returns (uint256) {
        return UNBONDING_SECONDS;
    }

    /// @inheritdoc IStakingPool
    function freeOf(address account) external view returns (uint256) {
        return _accounts[account].free;
    }

    /// @inheritdoc IStakingPool
    function reservedOf(address account) external view returns (uint256) {
        return _accounts[account].reserved;
    }

    /// @inheritdoc IStakingPool
    function reservationOf(address account, uint256 channel) external view returns (uint256) {
        return _reservations[account][channel];
    }

    /// @inheritdoc IStakingPool
    function unbondingOf(address account) external view returns (uint256 amount, uint256 until) {
        return (_accounts[account].unbonding, _accounts[account].unbondsAt);
    }

    /// @dev What passes fits 128 bits, as what is free does.
    function _takeFree(address account, uint256 amount) private {
        uint256 free = _accounts[account].free;
        if (amount > free) revert StakingPool_TooLittleFree(account, free, amount);
        _accounts[account].free = uint128(free - amount);
    }

    function _takeReserved(address account, uint256 channel, uint256 amount) private {
        _reservations[account][channel] -= amount;
        _accounts[account].reserved -= uint128(amount);
    }
}
