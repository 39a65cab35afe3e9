// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Conviction} from "../types/ChannelCourtTypes.sol";
import {Channel, HubState, Member} from "../types/ChannelState.sol";
import {ChannelNotice, ProposalState} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelProposals} from "./ChannelProposals.sol";
import {ChannelPunishments} from "./ChannelPunishments.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelSettlements} from "./ChannelSettlements.sol";

/// @title What follows from a proof
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelVerdicts {
    using ChannelInbox for Channel;
    using ChannelPunishments for Channel;
    using ChannelRoster for Channel;
    using ChannelSettlements for Channel;

    uint256 private constant HALVES = 2;

    /// @notice See `IChannelHub.convict`.
    function convict(HubState storage state, Conviction calldata conviction, IStakingPool pool) external {
        Channel storage self = state.channels[conviction.channel];
        (address signer, uint64 term) = (conviction.signer, conviction.term);
        address account = self.accountOf[signer];
        if (account == address(0)) revert IChannelHub.ChannelHub_NotMember(conviction.channel, signer);
        if (self.convicted[signer][term]) {
            revert IChannelHub.ChannelHub_AlreadyConvicted(conviction.channel, signer, term);
        }
        self.convicted[signer][term] = true;
        (uint256 fineWei, uint256 rewardWei) = _fine(self, conviction, pool, account);
        emit IChannelHub.Convicted(conviction.channel, term, conviction.height, account, fineWei, rewardWei);
        _expel(self, conviction, account, fineWei);
    }

    /// @notice See `IChannelHub.voidSettlement`.
    function voidSettlement(HubState storage state, uint256 channel, uint256 id, uint64 height) external {
        Channel storage self = state.channels[channel];
        ProposalState now_ = ChannelProposals.stateOf(self, id);
        bool isOpen = now_ == ProposalState.Proposed || now_ == ProposalState.Passed || now_ == ProposalState.Pending;
        // What is being written is final in all but name.
        if (!isOpen || (self.head.locked && self.head.settling == id)) {
            revert IChannelHub.ChannelHub_WrongState(channel, id, now_);
        }
        self.voidSettlement(channel, id);
        emit IChannelHub.SettlementVoided(channel, id, height);
    }

    /// @dev Bans the leader and gives its office to another one: to the reporter if it is a member.
    function _expel(Channel storage self, Conviction calldata conviction, address account, uint256 fineWei) private {
        uint256 channel = conviction.channel;
        uint64 seat = ChannelRoster.bit(self.members[account].seat);
        bool isBanned = self.roster.banned & seat != 0;
        bool leads = self.office.leader == account;
        self.roster.banned |= seat;
        self.roster.leaving |= seat;
        address next = leads ? self.successor(conviction.reporter, account) : self.office.leader;
        if (!isBanned) {
            uint64 untilMs = self.ban(channel, account, next);
            emit IChannelHub.MemberBanned(channel, 0, account, untilMs, fineWei);
        }
        // After the ban, so that nodes take both entries in this order.
        if (leads) self.startTerm(channel, next);
        if (!isBanned) ChannelNotices.tell(self, channel, ChannelNotice.MemberBanned, account);
    }

    /// @dev Takes the fine from the stake. Half of it stays in the vault, and nobody has a claim to it: if all of it could come
    /// back to the channel's members, a liar that is all of them would pay nothing.
    function _fine(
        Channel storage self,
        Conviction calldata conviction,
        IStakingPool pool,
        address account
    ) private returns (uint256 fineWei, uint256 rewardWei) {
        Member storage member = self.members[account];
        fineWei = Math.min(self.config.fineWei, member.stakeWei);
        if (fineWei == 0) return (0, 0);
        member.stakeWei -= fineWei;
        if (member.pooled) pool.slash(account, conviction.channel, fineWei, self.vault);
        if (conviction.rewarded) {
            rewardWei = fineWei / HALVES;
            self.credits[conviction.reporter] += rewardWei;
            return (fineWei, rewardWei);
        }
        uint64 others = self.active() & ~ChannelRoster.bit(member.seat);
        uint256 count = ChannelRoster.count(others);
        if (count == 0) return (fineWei, 0);
        uint256 share = fineWei / HALVES / count;
        for (; others != 0; others &= others - 1) {
            self.credits[self.seated[ChannelRoster.lowest(others)]] += share;
        }
    }
}
