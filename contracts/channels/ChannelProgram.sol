// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelProgram} from "../interfaces/IChannelProgram.sol";
import {ChannelLimits} from "../libraries/ChannelLimits.sol";
import {ChannelSlots} from "../libraries/ChannelSlots.sol";
import {Asset} from "../types/ChannelTypes.sol";
import {ChannelContext} from "./ChannelContext.sol";
import {ChannelPrecompiles} from "./ChannelPrecompiles.sol";

/// @title What every channel's program is made of
/// @notice A program inherits this and is otherwise ordinary Solidity. It tells its state by storage, who calls by
/// `_sender()`, when by `_timeMs()`; it overrides the hooks that it needs, and moves what members own in the exit ledger by
/// `_credit`, `_debit` and `_move`. What it credits and never debited is more than came in, and the vault pays whoever
/// comes first.
///
/// It is compiled without metadata (`appendCBOR: false`), because what stands behind the code is scanned as code.
abstract contract ChannelProgram is ChannelContext, ChannelPrecompiles, IChannelProgram {
    modifier onlySystem() {
        if (_sender() != SYSTEM) revert ChannelProgram_NotSystem(_sender());
        _;
    }

    /// @inheritdoc IChannelProgram
    function initialize(bytes calldata initialState) external onlySystem {
        _initialize(initialState);
    }

    /// @inheritdoc IChannelProgram
    function channelJoin(address member, Asset[] calldata assets, bool hook) external onlySystem {
        // What was asked for before it came is not about its stay.
        delete _requests()[member];
        for (uint256 i = 0; i < assets.length; i++) {
            bytes32 key = ChannelSlots.assetKey(assets[i].token, assets[i].id);
            // What has no room in the channel can be claimed at once: a join does not fail.
            if (!_tryCredit(member, key, assets[i].amount)) _exit(member, key, assets[i].amount);
        }
        if (hook) _onJoin(member, assets);
    }

    /// @inheritdoc IChannelProgram
    function channelLeave(address member, bool hook) external onlySystem {
        if (hook) _onLeave(member);
        mapping(bytes32 => uint256) storage owned = _amounts(ChannelSlots.OWNED)[member];
        bytes32[] storage keys = _keysOf(member);
        for (uint256 i = 0; i < keys.length; i++) {
            _exit(member, keys[i], owned[keys[i]]);
            delete owned[keys[i]];
        }
        delete _assets()[member];
        delete _requests()[member];
    }

    /// @inheritdoc IChannelProgram
    function channelTick() external onlySystem {
        _onTick();
    }

    /// @inheritdoc IChannelProgram
    function channelClose() external onlySystem {
        _onClose();
    }

    /// @inheritdoc IChannelProgram
    function ownedOf(address account, bytes32 assetKey) public view returns (uint256) {
        return _amounts(ChannelSlots.OWNED)[account][assetKey];
    }

    /// @inheritdoc IChannelProgram
    function exitsOf(address account, bytes32 assetKey) public view returns (uint256) {
        return _amounts(ChannelSlots.EXITS)[account][assetKey];
    }

    /// @inheritdoc IChannelProgram
    function assetsOf(address account) public view returns (bytes32[] memory) {
        return _keysOf(account);
    }

    /// @inheritdoc IChannelProgram
    function isLeaveRequested(address member) public view returns (bool) {
        return member != address(0) && _requests()[member];
    }

    /// @inheritdoc IChannelProgram
    function isCloseRequested() public view returns (bool) {
        return _requests()[address(0)];
    }

    /// @inheritdoc IChannelProgram
    function nonceOf(address account) external view returns (uint256 nonce) {
        bytes32 slot = ChannelSlots.nonceSlot(account);
        assembly ("memory-safe") {
            nonce := sload(slot)
        }
    }

    /// @dev Makes the first state out of what the channel was created with.
    function _initialize(bytes calldata initialState) internal virtual {}

    /// @dev A member joined; it owns the assets already. When this fails, the member has joined all the same.
    function _onJoin(address member, Asset[] calldata assets) internal virtual {}

    /// @dev A member is about to leave, with all that it owns. When this fails, it leaves all the same.
    function _onLeave(address member) internal virtual {}

    /// @dev See Config.tickMs.
    function _onTick() internal virtual {}

    /// @dev The channel ends with this record. Who owns what stays as it is then.
    function _onClose() internal virtual {}

    /// @dev Asks for a member's leave: once this is settled, its nodes bring it to the hub. Its leave and its next join undo
    /// it. Address zero, which is no member, is passed over.
    function _requestLeave(address member) internal {
        if (member != address(0)) _requests()[member] = true;
    }

    /// @dev Asks for the end of the channel, for good: once this is settled, its nodes bring it to the hub.
    function _requestClose() internal {
        _requests()[address(0)] = true;
    }

    /// @dev Gives an account some of an asset.
    function _credit(address account, bytes32 assetKey, uint256 amount) internal {
        if (!_tryCredit(account, assetKey, amount)) {
            revert ChannelProgram_TooManyAssets(account, ChannelLimits.ASSETS);
        }
    }

    /// @dev Takes some of an asset from an account.
    function _debit(address account, bytes32 assetKey, uint256 amount) internal {
        mapping(bytes32 => uint256) storage owned = _amounts(ChannelSlots.OWNED)[account];
        uint256 before = owned[assetKey];
        if (before < amount) revert ChannelProgram_OwnsTooLittle(account, assetKey, amount, before);
        owned[assetKey] = before - amount;
        if (before == amount && amount != 0) _forget(account, assetKey);
    }

    function _move(address from, address to, bytes32 assetKey, uint256 amount) internal {
        _debit(from, assetKey, amount);
        _credit(to, assetKey, amount);
    }

    /// @dev Lets an account have some of what it owns before it leaves.
    function _withdraw(address account, bytes32 assetKey, uint256 amount) internal {
        _debit(account, assetKey, amount);
        _exit(account, assetKey, amount);
    }

    /// @return fits False when the account would have too many assets; nothing is done then.
    function _tryCredit(address account, bytes32 assetKey, uint256 amount) private returns (bool fits) {
        if (amount == 0) return true;
        mapping(bytes32 => uint256) storage owned = _amounts(ChannelSlots.OWNED)[account];
        uint256 before = owned[assetKey];
        if (before == 0) {
            bytes32[] storage keys = _keysOf(account);
            if (keys.length == ChannelLimits.ASSETS) return false;
            keys.push(assetKey);
        }
        owned[assetKey] = _add(before, amount);
        return true;
    }

    function _exit(address account, bytes32 assetKey, uint256 amount) private {
        if (amount == 0) return;
        mapping(bytes32 => uint256) storage exits = _amounts(ChannelSlots.EXITS)[account];
        exits[assetKey] = _add(exits[assetKey], amount);
    }

    /// @dev Takes a key off an account's list, on which it is.
    function _forget(address account, bytes32 assetKey) private {
        bytes32[] storage keys = _keysOf(account);
        uint256 i = 0;
        while (keys[i] != assetKey) {
            i++;
        }
        keys[i] = keys[keys.length - 1];
        keys.pop();
    }

    /// @dev At most the largest number: a token that says that there is more of it must not keep its owner in.
    function _add(uint256 a, uint256 b) private pure returns (uint256) {
        unchecked {
            return a + b < a ? type(uint256).max : a + b;
        }
    }

    function _keysOf(address account) private view returns (bytes32[] storage) {
        return _assets()[account];
    }

    function _amounts(
        bytes32 base
    ) private pure returns (mapping(address => mapping(bytes32 => uint256)) storage amounts) {
        assembly ("memory-safe") {
            amounts.slot := base
        }
    }

    function _assets() private pure returns (mapping(address => bytes32[]) storage assets) {
        bytes32 base = ChannelSlots.ASSETS;
        assembly ("memory-safe") {
            assets.slot := base
        }
    }

    function _requests() private pure returns (mapping(address => bool) storage requests) {
        bytes32 base = ChannelSlots.REQUESTS;
        assembly ("memory-safe") {
            requests.slot := base
        }
    }
}
