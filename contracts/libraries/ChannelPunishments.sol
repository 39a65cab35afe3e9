// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Channel, Member, Proposal} from "../types/ChannelState.sol";
import {ChannelNotice, InboxKind, Punishment, PunishmentReason} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {Quorum} from "./Quorum.sol";

/// @title What happens to who is accused
/// @notice Of two members, the other one's word removes the leader and bans it for a while. Of more, two members besides the
/// accused take the office from a leader; where votes are proof, a quorum of them bans and fines anybody.
library ChannelPunishments {
    using ChannelInbox for Channel;
    using ChannelRoster for Channel;

    /// @notice How long who was banned may not join again.
    uint64 internal constant BAN_MS = 5 minutes * uint64(ChannelTime.MS_PER_SECOND);
    uint256 private constant ACCUSERS = 2;

    /// @dev What votes allow.
    struct Verdict {
        bool suspends;
        bool bans;
        bool fines;
    }

    /// @dev The accused is in the channel, and votes can do something about it.
    /// @return electorate All active members but the accused.
    function requireValid(
        Channel storage self,
        uint256 channel,
        Punishment memory punishment
    ) internal view returns (uint64 electorate) {
        if (punishment.channel != channel) revert IChannelHub.ChannelHub_NotOfChannel(channel);
        Member storage target = self.members[punishment.target];
        bool isKnown =
            ChannelRoster.isIn(target) &&
                self.roster.banned & ChannelRoster.bit(target.seat) == 0 &&
                punishment.reason != uint8(PunishmentReason.None) &&
                punishment.reason <= uint8(type(PunishmentReason).max) &&
                punishment.term <= self.office.term;
        bool isLeader = punishment.target == self.office.leader && punishment.term == self.office.term;
        if (!isKnown || !(isLeader || self.config.votesAreProof)) {
            revert IChannelHub.ChannelHub_BadPunishment(channel);
        }
        return self.active() & ~ChannelRoster.bit(target.seat);
    }

    /// @dev Seats that went to others, or an accused that is out already, make it void.
    function isVoid(
        Channel storage self,
        Proposal memory proposal,
        Punishment memory punishment
    ) internal view returns (bool) {
        if (proposal.vacancies != self.office.vacancies || self.punished[proposal.hash]) return true;
        Member storage target = self.members[punishment.target];
        return self.roster.banned & ChannelRoster.bit(target.seat) != 0;
    }

    function verdictOf(
        Channel storage self,
        Proposal memory proposal,
        Punishment memory punishment
    ) internal view returns (Verdict memory verdict) {
        uint64 counted = self.countedOf(proposal.ballot);
        uint256 accusers = ChannelRoster.count(proposal.ballot.inFavour & counted);
        uint256 others = ChannelRoster.count(proposal.ballot.electorate);
        bool isLeader = punishment.target == self.office.leader && punishment.term == self.office.term;
        if (others == 1) {
            verdict.bans = isLeader && accusers == 1;
            verdict.suspends = verdict.bans;
            return verdict;
        }
        verdict.suspends = isLeader && accusers >= ACCUSERS;
        verdict.fines =
            self.config.votesAreProof &&
            accusers >= ACCUSERS &&
            Quorum.isReached(accusers, ChannelRoster.count(counted));
        verdict.bans = verdict.fines;
    }

    /// @dev Does what the votes allow and was not done yet.
    function punish(
        Channel storage self,
        uint256 channel,
        uint256 id,
        IStakingPool pool,
        Verdict memory verdict
    ) internal {
        Proposal memory proposal = self.proposals[id];
        address target = self.punishments[id].target;
        bool ends = verdict.bans || !self.config.votesAreProof;
        if (ends) self.proposals[id].isFinal = true;
        uint64 seat = ChannelRoster.bit(self.members[target].seat);
        if (verdict.bans) {
            self.roster.banned |= seat;
            self.roster.leaving |= seat;
            self.punished[proposal.hash] = true;
        }
        address leader = verdict.suspends ? successor(self, proposal.proposer, target) : self.office.leader;
        uint256 fineWei = verdict.fines ? _fine(self, channel, pool, target, proposal) : 0;
        if (verdict.bans)
            emit IChannelHub.MemberBanned(channel, id, target, ban(self, channel, target, leader), fineWei);
        // After the ban, so that nodes take both entries in this order.
        if (verdict.suspends) self.startTerm(channel, leader);
        if (verdict.bans) ChannelNotices.tell(self, channel, ChannelNotice.MemberBanned, target);
    }

    /// @dev Tells the channel that a member is out, and who leads now.
    function ban(
        Channel storage self,
        uint256 channel,
        address target,
        address leader
    ) internal returns (uint64 untilMs) {
        Member storage member = self.members[target];
        untilMs = ChannelTime.nowMs() + BAN_MS;
        member.bannedUntilMs = untilMs;
        uint64 index = self.add(channel, InboxKind.Ban, target, abi.encode(untilMs, leader));
        if (member.leftAt == 0) member.leftAt = index;
    }

    /// @dev The reporter, unless it is leaving itself.
    function successor(Channel storage self, address reporter, address target) internal view returns (address) {
        bool isActive = self.active() & ChannelRoster.bit(self.members[reporter].seat) != 0;
        return isActive ? reporter : self.eldest(target);
    }

    /// @dev Takes the fine from the stake; the others share it evenly, and the reporter gets what cannot be shared.
    function _fine(
        Channel storage self,
        uint256 channel,
        IStakingPool pool,
        address target,
        Proposal memory proposal
    ) private returns (uint256 fineWei) {
        Member storage member = self.members[target];
        fineWei = Math.min(self.config.fineWei, member.stakeWei);
        if (fineWei == 0) return 0;
        member.stakeWei -= fineWei;
        if (member.pooled) pool.slash(target, channel, fineWei, self.vault);
        uint64 others = proposal.ballot.electorate & ~self.roster.banned;
        uint256 share = fineWei / ChannelRoster.count(others);
        uint256 restWei = fineWei;
        for (; others != 0; others &= others - 1) {
            self.credits[self.seated[ChannelRoster.lowest(others)]] += share;
            restWei -= share;
        }
        self.credits[proposal.proposer] += restWei;
    }
}
