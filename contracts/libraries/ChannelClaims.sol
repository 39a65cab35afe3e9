// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelVault} from "../interfaces/IChannelVault.sol";
import {Channel, Holding, HubState} from "../types/ChannelState.sol";
import {Asset, AssetKind, InboxEntry, InboxKind, SettlementMode, SlotProof} from "../types/ChannelTypes.sol";
import {ChannelSlots} from "./ChannelSlots.sol";
import {StateTree} from "./StateTree.sol";
import {StoreClones} from "./StoreClones.sol";

/// @title What members take out of a channel
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelClaims {
    /// @dev Whose claim to which asset.
    struct Claim {
        uint256 channel;
        address member;
        bytes32 assetKey;
        // Who gets it.
        address to;
    }

    /// @notice See `IChannelHub.claim`.
    function claim(HubState storage state, Claim calldata self) external returns (uint256 amount) {
        Channel storage channel = state.channels[self.channel];
        if (channel.config.mode != SettlementMode.Slots) revert IChannelHub.ChannelHub_WrongMode(self.channel);
        _requireUnlocked(channel, self.channel);
        // What counts then is a root, which the store need not have.
        if (channel.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(self.channel);
        // Asked of the vault, because the store takes what the hub says for changes.
        uint256 due = IChannelVault(channel.vault).entitlementOf(
            channel.store,
            self.member,
            self.assetKey,
            channel.head.closed
        );
        return _pay(channel, self, due);
    }

    /// @notice See `IChannelHub.claimByProof`.
    function claimByProof(
        HubState storage state,
        Claim calldata self,
        SlotProof calldata exits,
        SlotProof calldata owned
    ) external returns (uint256 amount) {
        Channel storage channel = state.channels[self.channel];
        if (!channel.head.frozen) _requireUnlocked(channel, self.channel);
        else if (!channel.head.closed) revert IChannelChallenges.ChannelHub_Frozen(self.channel);
        bytes32 root = channel.head.stateRoot;
        uint256 due = uint256(StateTree.valueOf(root, ChannelSlots.exitsSlot(self.member, self.assetKey), exits));
        if (channel.head.closed) {
            due += uint256(StateTree.valueOf(root, ChannelSlots.ownedSlot(self.member, self.assetKey), owned));
            due += channel.untaken[self.member][self.assetKey];
        }
        return _pay(channel, self, due);
    }

    /// @notice See `IChannelChallenges.reclaim`.
    function reclaim(HubState storage state, uint256 channel, InboxEntry calldata entry) external {
        Channel storage self = state.channels[channel];
        if (!self.head.frozen) revert IChannelChallenges.ChannelHub_NotFrozen(channel);
        if (!self.head.closed) revert IChannelChallenges.ChannelHub_Frozen(channel);
        bool isUntaken =
            entry.kind == InboxKind.Join &&
                entry.index > self.head.inboxCursor &&
                self.inbox[entry.index] == keccak256(abi.encode(entry));
        if (!isUntaken) revert IChannelChallenges.ChannelHub_BadEntry(channel, entry.index);
        // Once.
        self.inbox[entry.index] = 0;
        (, , Asset[] memory received) = abi.decode(entry.data, (address, uint64, Asset[]));
        for (uint256 i = 0; i < received.length; i++) {
            bytes32 assetKey = ChannelSlots.assetKey(received[i].token, received[i].id);
            self.untaken[entry.account][assetKey] += received[i].amount;
        }
        emit IChannelChallenges.Reclaimed(channel, entry.account, entry.index);
    }

    /// @notice See `IChannelHub.withdrawStake`.
    function withdrawStake(
        HubState storage state,
        uint256 channel,
        address account,
        address to
    ) external returns (uint256 amount) {
        Channel storage self = state.channels[channel];
        amount = self.credits[account];
        if (amount == 0) revert IChannelHub.ChannelHub_NothingToClaim(channel, account, 0);
        self.credits[account] = 0;
        emit IChannelHub.StakeWithdrawn(channel, account, to, amount);
        IChannelVault(self.vault).pay(Asset(AssetKind.Ether, address(0), 0, amount), to);
    }

    /// @notice See `IChannelHub.materialise`.
    function materialise(
        HubState storage state,
        uint256 channel,
        bytes32[] calldata slots,
        bytes32[] calldata values,
        SlotProof[] calldata proofs
    ) external {
        Channel storage self = state.channels[channel];
        if (self.config.mode != SettlementMode.Root) revert IChannelHub.ChannelHub_WrongMode(channel);
        if (slots.length != values.length || slots.length != proofs.length) {
            revert IChannelHub.ChannelHub_TooMany(slots.length);
        }
        for (uint256 i = 0; i < slots.length; i++) {
            bytes32 value = StateTree.valueOf(self.head.stateRoot, slots[i], proofs[i]);
            if (value != values[i]) revert IChannelHub.ChannelHub_BadProof(slots[i]);
            StoreClones.write(self.store, slots[i], value);
        }
        emit IChannelHub.Materialised(channel, slots);
    }

    function _requireUnlocked(Channel storage self, uint256 channel) private view {
        if (self.head.locked) revert IChannelHub.ChannelHub_Locked(channel);
    }

    /// @dev Pays what is due and was not paid, as far as the vault has it.
    function _pay(Channel storage channel, Claim calldata self, uint256 due) private returns (uint256 amount) {
        Holding storage holding = channel.holdings[self.assetKey];
        uint256 paid = channel.paid[self.member][self.assetKey];
        amount = due > paid ? due - paid : 0;
        if (amount > holding.amount) amount = holding.amount;
        if (amount == 0) {
            revert IChannelHub.ChannelHub_NothingToClaim(self.channel, self.member, self.assetKey);
        }
        channel.paid[self.member][self.assetKey] = paid + amount;
        holding.amount -= amount;
        emit IChannelHub.Claimed(self.channel, self.member, self.assetKey, amount);
        IChannelVault(channel.vault).pay(Asset(holding.kind, holding.token, holding.id, amount), self.to);
    }
}
