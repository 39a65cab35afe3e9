// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Ballot, Channel, Head, HubState, Member, Proposal} from "../types/ChannelState.sol";
import {
    ChannelRules,
    ChannelView,
    MemberView,
    ProposalType,
    ProposalView,
    SettledHead
} from "../types/ChannelTypes.sol";
import {ChannelDelegations} from "./ChannelDelegations.sol";
import {ChannelProposals} from "./ChannelProposals.sol";
import {ChannelRoster} from "./ChannelRoster.sol";

/// @title What the hub tells of its channels
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelViews {
    using ChannelRoster for Channel;

    /// @notice See `IChannelHub.channelOf`.
    function channelOf(HubState storage state, uint256 channel) external view returns (ChannelView memory self) {
        Channel storage stored = state.channels[channel];
        (self.app, self.program) = (stored.app, stored.program);
        (self.codeHash, self.initialStateHash) = (stored.codeHash, stored.initialStateHash);
        (self.store, self.vault) = (stored.store, stored.vault);
        (self.createdAtMs, self.createdInBlock) = (stored.createdAtMs, stored.createdInBlock);
        self.config = stored.config;
        (self.term, self.leader) = (stored.office.term, stored.office.leader);
        self.memberCount = uint32(ChannelRoster.count(stored.active()));
        self.presentCount = uint32(ChannelRoster.count(stored.present()));
        self.inboxLength = stored.counters.inbox;
        (self.closing, self.closed) = (stored.counters.closeAt != 0, stored.head.closed);
        self.frozen = stored.head.frozen;
    }

    /// @notice See `IChannelHub.rulesOf`.
    function rulesOf(HubState storage state, uint256 channel) external view returns (ChannelRules memory) {
        Channel storage self = state.channels[channel];
        return
            ChannelRules({
                program: self.program,
                createdAtMs: self.createdAtMs,
                tickMs: self.config.tickMs,
                maxCatchUpTicks: self.config.maxCatchUpTicks,
                codeHash: self.codeHash,
                initialStateHash: self.initialStateHash
            });
    }

    /// @notice See `IChannelHub.headOf`.
    function headOf(HubState storage state, uint256 channel) external view returns (SettledHead memory) {
        Head memory head = state.channels[channel].head;
        return
            SettledHead({
                height: head.height,
                timeMs: head.timeMs,
                inboxCursor: head.inboxCursor,
                locked: head.locked,
                recordHash: head.recordHash,
                stateRoot: head.stateRoot
            });
    }

    /// @notice See `IChannelHub.membersOf`.
    function membersOf(HubState storage state, uint256 channel) external view returns (address[] memory accounts) {
        Channel storage self = state.channels[channel];
        uint64 seats = self.roster.seats;
        accounts = new address[](ChannelRoster.count(seats));
        uint256 count;
        for (uint64 rest = seats; rest != 0; rest &= rest - 1) {
            address account = self.seated[ChannelRoster.lowest(rest)];
            uint256 at_ = count++;
            for (; at_ > 0 && _joinedLater(self, accounts[at_ - 1], account); at_--) accounts[at_] = accounts[at_ - 1];
            accounts[at_] = account;
        }
    }

    /// @notice See `IChannelHub.memberOf`.
    function memberOf(
        HubState storage state,
        uint256 channel,
        address account
    ) external view returns (MemberView memory self) {
        Channel storage in_ = state.channels[channel];
        Member storage stored = in_.members[account];
        if (stored.joinNumber == 0) return self;
        (self.signer, self.joinNumber) = (stored.signer, stored.joinNumber);
        (self.joinedAt, self.leftAt, self.gone) = (stored.joinedAt, stored.leftAt, stored.gone);
        self.absent = !stored.gone && in_.isAbsent(stored);
        if (in_.absent & ChannelRoster.bit(stored.seat) != 0 && !stored.gone)
            self.absentAt = in_.absences[account].from;
        (self.lastAliveMs, self.bannedUntilMs) = (stored.lastAliveMs, stored.bannedUntilMs);
        if (stored.pooled) self.stakeSource = address(IChannelHub(address(this)).pool());
        self.stakeWei = stored.stakeWei;
        if (in_.active() & ChannelRoster.bit(stored.seat) == 0 || stored.gone) return self;
        (self.candidate, self.weight) = ChannelDelegations.delegationOf(in_, stored.seat);
    }

    /// @notice See `IChannelHub.proposalOf`.
    function proposalOf(
        HubState storage state,
        uint256 channel,
        uint256 id
    ) external view returns (ProposalView memory self) {
        Channel storage in_ = state.channels[channel];
        Proposal memory stored = in_.proposals[id];
        if (stored.proposalType == ProposalType.None) revert IChannelHub.ChannelHub_UnknownProposal(channel, id);
        self.proposalType = stored.proposalType;
        self.state = ChannelProposals.stateOf(in_, id);
        (self.proposer, self.proposalHash) = (stored.proposer, stored.hash);
        Ballot memory ballot = stored.ballot;
        self.weightFor = ChannelRoster.count(in_.inFavourOf(ballot));
        self.weightAgainst = ChannelRoster.count(in_.withBackers(ballot, ballot.against));
        self.weightAbstained = ChannelRoster.count(in_.withBackers(ballot, ballot.abstained));
        bool settles = stored.proposalType == ProposalType.Settlement;
        self.weightCounted = ChannelRoster.count(settles ? in_.countedToSettle(ballot) : in_.countedOf(ballot));
        self.finalAt = stored.finalAt;
        self.chunksApplied = uint32(stored.chunksApplied);
    }

    function _joinedLater(Channel storage self, address account, address other) private view returns (bool) {
        return self.members[account].joinNumber > self.members[other].joinNumber;
    }
}
