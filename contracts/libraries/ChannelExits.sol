// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Certified, Channel, Freeze, HubState, Member, Proposal} from "../types/ChannelState.sol";
import {
    Ack,
    Change,
    FreezeView,
    InboxEntry,
    InboxKind,
    ProposalType,
    RecordHeader,
    Settlement,
    SettlementMode,
    SignedAck
} from "../types/ChannelTypes.sol";
import {ChangeSets} from "./ChangeSets.sol";
import {ChannelDelegations} from "./ChannelDelegations.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelSettlements} from "./ChannelSettlements.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {ChannelTiming} from "./ChannelTiming.sol";
import {Quorum} from "./Quorum.sol";

/// @title How members leave when no settlement lets them
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelExits {
    using ChannelRoster for Channel;
    using ChannelSettlements for Channel;

    /// @notice See `IChannelChallenges.freeze`.
    function freeze(HubState storage state, uint256 channel, InboxEntry calldata entry) external {
        Channel storage self = state.channels[channel];
        if (self.head.closed) revert IChannelHub.ChannelHub_Closed(channel);
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
        bool isExit =
            self.inbox[entry.index] == keccak256(abi.encode(entry)) &&
                entry.index > self.head.inboxCursor &&
                (entry.kind == InboxKind.Leave || entry.kind == InboxKind.Ban || entry.kind == InboxKind.Close);
        if (!isExit) revert IChannelChallenges.ChannelHub_BadEntry(channel, entry.index);
        uint256 from = _freezesFrom(self, entry);
        if (block.timestamp < from) revert IChannelChallenges.ChannelHub_TooEarly(channel, from);
        (self.head.frozen, self.head.settling) = (true, 0);
        uint40 endsAt = uint40(block.timestamp + ChannelTiming.answerSeconds(self));
        self.freeze = Freeze(endsAt, uint40(block.timestamp + ChannelTiming.mostFreezeSeconds(self)), 0);
        emit IChannelChallenges.ChannelFrozen(channel, entry.index, endsAt);
    }

    /// @notice See `IChannelChallenges.bring`.
    function bring(
        HubState storage state,
        bytes32 domain,
        Settlement calldata settlement,
        RecordHeader calldata header,
        SignedAck[] calldata acks,
        Change[] calldata changes
    ) external returns (uint256 id) {
        Channel storage self = state.channels[settlement.channel];
        _requireMayBring(self, settlement, header);
        bytes32 hash = ChannelSignatures.hash(settlement);
        if (self.voided[hash]) revert IChannelHub.ChannelHub_Voided(settlement.channel, hash);
        _requireCertificate(self, domain, header, acks);
        _requireChanges(self, settlement, changes);
        return _keep(self, settlement, hash, header.term);
    }

    /// @notice See `IChannelChallenges.conclude`.
    function conclude(HubState storage state, uint256 channel, IStakingPool pool) external {
        Channel storage self = state.channels[channel];
        _requireFrozen(self, channel);
        (uint256 id, uint256 endsAt) = (self.freeze.best, self.freeze.endsAt);
        if (block.timestamp < endsAt || self.challenges[id].open != 0) {
            revert IChannelChallenges.ChannelHub_TooEarly(channel, endsAt);
        }
        if (id != 0) self.proposals[id].isFinal = true;
        self.end(channel, id, pool, self.settlements[id]);
    }

    /// @notice See `IChannelChallenges.freezeOf`.
    function freezeOf(HubState storage state, uint256 channel) external view returns (FreezeView memory) {
        Channel storage self = state.channels[channel];
        return FreezeView(self.head.frozen, self.freeze.endsAt, self.freeze.best);
    }

    /// @dev From now on it is the highest one, and there is time to look at it.
    function _keep(
        Channel storage self,
        Settlement calldata settlement,
        bytes32 hash,
        uint64 term
    ) private returns (uint256 id) {
        id = ++self.counters.proposals;
        Proposal storage proposal = self.proposals[id];
        (proposal.proposer, proposal.proposalType, proposal.hash) = (msg.sender, ProposalType.Settlement, hash);
        self.settlements[id] = settlement;
        uint256 joined = ChannelRoster.count(self.joinedBy(settlement.inboxCursor));
        self.certified[id] = Certified(term, self.freeze.best, uint8(joined));
        uint40 endsAt = uint40(block.timestamp + ChannelTiming.answerSeconds(self));
        if (endsAt < self.freeze.endsAt) endsAt = self.freeze.endsAt;
        (self.freeze.endsAt, self.freeze.best) = (endsAt, uint40(id));
        uint256 channel = settlement.channel;
        emit IChannelHub.ProposalCreated(
            channel,
            id,
            ProposalType.Settlement,
            msg.sender,
            hash,
            abi.encode(settlement)
        );
        emit IChannelChallenges.SettlementBrought(channel, id, term, settlement.toHeight, endsAt);
    }

    /// @dev A settlement that contains the exit and is not void may end, and be executed; but not for ever.
    function _freezesFrom(Channel storage self, InboxEntry calldata entry) private view returns (uint256 from) {
        uint256 asked = entry.timeMs / ChannelTime.MS_PER_SECOND;
        from = asked + ChannelTiming.exitSeconds(self);
        uint256 settling = self.head.settling;
        if (settling == 0 || self.settlements[settling].inboxCursor < entry.index) return from;
        uint256 most = asked + ChannelTiming.mostExitSeconds(self);
        if (self.challenges[settling].open != 0) return most;
        uint256 ends = self.proposals[settling].finalAt + ChannelTiming.answerSeconds(self);
        if (ends > most) ends = most;
        return ends > from ? ends : from;
    }

    /// @dev Of this channel, from what is final on, with the record that it names, and higher than what was brought.
    function _requireMayBring(
        Channel storage self,
        Settlement calldata settlement,
        RecordHeader calldata header
    ) private view {
        uint256 channel = settlement.channel;
        _requireFrozen(self, channel);
        (uint256 best, uint256 endsAt) = (self.freeze.best, self.freeze.endsAt);
        // While a demand waits there is no end; but nobody brings one after the other for ever.
        bool isOver = block.timestamp >= endsAt && self.challenges[best].open == 0;
        if (isOver || block.timestamp >= self.freeze.bringUntil) {
            revert IChannelChallenges.ChannelHub_TooLate(channel);
        }
        if (settlement.mode != uint8(self.config.mode)) revert IChannelHub.ChannelHub_NotOfChannel(channel);
        uint64 height = self.head.height;
        if (settlement.fromHeight != height || settlement.toHeight <= height) {
            revert IChannelHub.ChannelHub_WrongHeights(height, settlement.fromHeight, settlement.toHeight);
        }
        (uint64 least, uint64 most) = (self.head.inboxCursor, self.counters.inbox);
        if (settlement.inboxCursor < least || settlement.inboxCursor > most) {
            revert IChannelHub.ChannelHub_WrongCursor(least, most, settlement.inboxCursor);
        }
        bool isHead =
            keccak256(abi.encode(header)) == settlement.head &&
                header.channel == channel &&
                header.height == settlement.toHeight &&
                header.timeMs == settlement.timeMs &&
                header.stateRoot == settlement.stateRoot &&
                header.inboxCursor == settlement.inboxCursor;
        if (!isHead) revert IChannelChallenges.ChannelHub_NotOfSettlement(channel, 0);
        if (best == 0) return;
        _requireHigher(self, channel, best, header);
    }

    /// @dev More of those who are in the channel had joined; or as many, and its term is higher; or that is the same, and its
    /// height. Those who were there before somebody joined can always agree on what would have been without that, in any term.
    function _requireHigher(
        Channel storage self,
        uint256 channel,
        uint256 best,
        RecordHeader calldata header
    ) private view {
        (Certified memory highest, uint64 to) = (self.certified[best], self.settlements[best].toHeight);
        uint256 joined = ChannelRoster.count(self.joinedBy(header.inboxCursor));
        bool isHigher =
            joined != highest.joined
                ? joined > highest.joined
                : header.term > highest.term || (header.term == highest.term && header.height > to);
        if (!isHigher) revert IChannelChallenges.ChannelHub_NotHigher(channel, highest.term, to);
    }

    /// @dev Acks of a quorum of the members at the record.
    function _requireCertificate(
        Channel storage self,
        bytes32 domain,
        RecordHeader calldata header,
        SignedAck[] calldata acks
    ) private view {
        uint64 members = self.membersAt(header.inboxCursor);
        bytes32 recordHash = keccak256(abi.encode(header));
        uint64 acked;
        for (uint256 i = 0; i < acks.length; i++) {
            Member storage member = self.members[acks[i].member];
            (address signer, uint64 seat) = ChannelRoster.badgeOf(member);
            if (seat & members == 0) revert IChannelHub.ChannelHub_NotMember(header.channel, acks[i].member);
            Ack memory ack = Ack(header.channel, header.term, header.height, recordHash, acks[i].certified);
            bytes32 digest = MessageHashUtils.toTypedDataHash(domain, ChannelSignatures.hash(ack));
            (address actual, , ) = ECDSA.tryRecoverCalldata(digest, acks[i].signature);
            if (actual != signer) revert IChannelHub.ChannelHub_BadSignature(signer, actual);
            acked |= seat;
        }
        uint256 weights = ChannelDelegations.weightsAt(self, header.inboxCursor);
        uint256 weight = ChannelRoster.weightOfAll(weights, acked);
        uint256 counted = ChannelRoster.weightOfAll(weights, members);
        if (!Quorum.isReached(weight, counted)) revert IChannelHub.ChannelHub_NoQuorum(weight, counted);
    }

    /// @dev Who claims needs the state, so what changed in it is in the transaction.
    function _requireChanges(
        Channel storage self,
        Settlement calldata settlement,
        Change[] calldata changes
    ) private view {
        if (self.config.mode == SettlementMode.Root) {
            if (changes.length != 0) revert IChannelHub.ChannelHub_WrongMode(settlement.channel);
            return;
        }
        bytes32 root = ChangeSets.rootOf(changes);
        if (root != settlement.changesRoot) revert IChannelHub.ChannelHub_WrongChanges(settlement.changesRoot, root);
    }

    function _requireFrozen(Channel storage self, uint256 channel) private view {
        if (self.head.closed) revert IChannelHub.ChannelHub_Closed(channel);
        if (!self.head.frozen) revert IChannelChallenges.ChannelHub_NotFrozen(channel);
    }
}
