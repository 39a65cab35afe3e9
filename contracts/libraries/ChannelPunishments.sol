// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Ballot, Channel, Member, Proposal} from "../types/ChannelState.sol";
import {ChannelNotice, InboxKind, Punishment, PunishmentReason} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelTerms} from "./ChannelTerms.sol";
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
    /// @notice What a proof takes as a fine is divided by this; one part of it has a new owner, the rest none.
    uint256 internal constant HALVES = 2;
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
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
        if (punishment.channel != channel) revert IChannelHub.ChannelHub_NotOfChannel(channel);
        Member storage target = self.members[punishment.target];
        bool isKnown =
            ChannelRoster.isIn(target) &&
                self.roster.banned & ChannelRoster.bit(target.seat) == 0 &&
                punishment.reason != uint8(PunishmentReason.None) &&
                punishment.reason <= uint8(type(PunishmentReason).max) &&
                ChannelTerms.isNear(self, punishment.term);
        if (!isKnown || !(_leads(self, punishment) || self.config.votesAreProof)) {
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
        bool isLeader = _leads(self, punishment);
        if (others == 1) {
            verdict.suspends = isLeader && accusers == 1;
            // Nobody else has seen who leads a term that the hub does not know.
            verdict.bans = verdict.suspends && punishment.term == self.office.term;
            return verdict;
        }
        // Who leads a term that the hub does not know, a quorum says, which could elect another one itself.
        uint256 supporters = ChannelRoster.count(self.inFavourOf(proposal.ballot) & counted);
        bool isQuorum = Quorum.isReached(supporters, ChannelRoster.count(counted));
        verdict.suspends = isLeader && accusers >= ACCUSERS && (isQuorum || punishment.term == self.office.term);
        verdict.fines = self.config.votesAreProof && accusers >= ACCUSERS && isQuorum;
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
        if (verdict.suspends) self.startTermAfter(channel, leader, self.punishments[id].term);
        if (verdict.bans) ChannelNotices.tell(self, channel, ChannelNotice.MemberBanned, target);
    }

    /// @dev Bans all who voted for a settlement that a proof undid, and fines them. Who reports gets nothing for that: it may be
    /// one of them.
    function convict(Channel storage self, uint256 channel, uint256 id, IStakingPool pool) internal {
        Ballot memory ballot = self.proposals[id].ballot;
        uint64 guilty = ballot.inFavour & ~self.roster.banned;
        uint64 others = ballot.electorate & ~ballot.inFavour & ~self.roster.banned;
        self.roster.banned |= guilty;
        self.roster.leaving |= guilty;
        bool suspends = self.office.leader != address(0) && guilty & _seatOf(self, self.office.leader) != 0;
        address leader = suspends ? self.eldest(address(0)) : self.office.leader;
        uint256 finesWei;
        for (; guilty != 0; guilty &= guilty - 1) {
            finesWei += _expel(self, channel, id, pool, self.seated[ChannelRoster.lowest(guilty)], leader);
        }
        if (suspends) self.startTerm(channel, leader);
        share(self, others, finesWei / HALVES);
    }

    /// @dev It has the office, or leads a later term that the members have elected, as those say who accuse it.
    function _leads(Channel storage self, Punishment memory punishment) private view returns (bool) {
        if (punishment.term > self.office.term) return true;
        return punishment.target == self.office.leader && punishment.term == self.office.term;
    }

    function _expel(
        Channel storage self,
        uint256 channel,
        uint256 id,
        IStakingPool pool,
        address target,
        address leader
    ) private returns (uint256 fineWei) {
        fineWei = take(self, channel, pool, target);
        uint64 untilMs = ban(self, channel, target, leader);
        emit IChannelHub.MemberBanned(channel, id, target, untilMs, fineWei);
    }

    function _seatOf(Channel storage self, address account) private view returns (uint64) {
        return ChannelRoster.bit(self.members[account].seat);
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
        self.reweigh(index);
    }

    /// @dev The reporter, if it may lead.
    function successor(Channel storage self, address reporter, address target) internal view returns (address) {
        // Who is no member has the number of somebody's seat all the same.
        bool mayLead = ChannelRoster.isIn(self.members[reporter]) && self.candidates() & _seatOf(self, reporter) != 0;
        return mayLead ? reporter : self.eldest(target);
    }

    /// @dev Takes the fine from the stake; the others share it evenly, and the reporter gets what cannot be shared.
    function _fine(
        Channel storage self,
        uint256 channel,
        IStakingPool pool,
        address target,
        Proposal memory proposal
    ) private returns (uint256 fineWei) {
        fineWei = take(self, channel, pool, target);
        if (fineWei == 0) return 0;
        uint256 restWei = share(self, proposal.ballot.electorate & ~self.roster.banned, fineWei);
        self.credits[proposal.proposer] += restWei;
    }

    /// @dev Takes the fine from a member's stake, into the vault.
    function take(
        Channel storage self,
        uint256 channel,
        IStakingPool pool,
        address target
    ) internal returns (uint256 fineWei) {
        Member storage member = self.members[target];
        fineWei = Math.min(self.config.fineWei, member.stakeWei);
        if (fineWei == 0) return 0;
        member.stakeWei -= fineWei;
        if (member.pooled) pool.slash(target, channel, fineWei, self.vault);
    }

    /// @dev Credits a fine, or the half of it that the rule leaves, to the members of some seats, evenly. What a proof takes is
    /// halved first, and nobody has a claim to the rest: if all of it could come back to the channel's members, a liar that is all
    /// of them would pay nothing.
    /// @return restWei What cannot be shared evenly, or by anybody.
    function share(Channel storage self, uint64 others, uint256 amountWei) internal returns (uint256 restWei) {
        restWei = amountWei;
        uint256 count = ChannelRoster.count(others);
        if (count == 0) return restWei;
        uint256 each = amountWei / count;
        for (; others != 0; others &= others - 1) {
            self.credits[self.seated[ChannelRoster.lowest(others)]] += each;
            restWei -= each;
        }
    }
}
