// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Absence, Ballot, Channel, Member, Roster} from "../types/ChannelState.sol";
import {ChannelDelegations} from "./ChannelDelegations.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelTime} from "./ChannelTime.sol";

/// @title Who is in a channel, and whose word counts
library ChannelRoster {
    uint256 internal constant WEIGHT_BITS = 4;
    /// @notice Weights of one for each seat, see ChannelDelegations.
    uint256 internal constant PLAIN_WEIGHTS = type(uint256).max / 15;
    uint256 private constant WEIGHT_MASK = 15;

    /// @dev The number of a set's members.
    function count(uint64 seats) internal pure returns (uint256 members) {
        // Sums of two bits, of four, of eight, and then of all bytes in the highest one: none is over 64.
        unchecked {
            uint256 x = seats;
            x -= (x >> 1) & 0x5555555555555555;
            x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
            x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
            return uint64(x * 0x0101010101010101) >> 56;
        }
    }

    /// @dev The set of one seat.
    function bit(uint256 seat) internal pure returns (uint64) {
        return uint64(1 << seat);
    }

    /// @dev The lowest seat of a set that has one.
    function lowest(uint64 seats) internal pure returns (uint256 seat) {
        return Math.log2(seats & (~seats + 1));
    }

    /// @dev Those who joined and neither left nor were banned, as far as the inbox goes.
    function active(Channel storage self) internal view returns (uint64) {
        Roster memory roster = self.roster;
        return roster.seats & ~roster.leaving;
    }

    /// @dev Those who joined up to an inbox entry, are not gone, and were not banned.
    function electorateAt(Channel storage self, uint64 cursor) internal view returns (uint64 electorate) {
        return joinedBy(self, cursor) & ~self.roster.banned;
    }

    /// @dev Those who joined up to an inbox entry and are not gone.
    function joinedBy(Channel storage self, uint64 cursor) internal view returns (uint64 joined) {
        Roster memory roster = self.roster;
        joined = roster.seats;
        if (roster.newestJoinAt <= cursor) return joined;
        for (uint64 rest = joined; rest != 0; rest &= rest - 1) {
            uint256 seat = lowest(rest);
            if (self.members[self.seated[seat]].joinedAt > cursor) joined &= ~bit(seat);
        }
    }

    /// @dev The members of the record at an inbox entry: those who joined up to it and had not left.
    function membersAt(Channel storage self, uint64 cursor) internal view returns (uint64 members) {
        for (uint64 rest = self.roster.seats; rest != 0; rest &= rest - 1) {
            uint256 seat = lowest(rest);
            Member storage member = self.members[self.seated[seat]];
            (uint64 joinedAt, uint64 leftAt) = (member.joinedAt, member.leftAt);
            if (joinedAt <= cursor && (leftAt == 0 || leftAt > cursor)) members |= bit(seat);
        }
    }

    /// @dev Those of them who count for its certificate: all but those who were absent by then. Of each the last absence is known; who
    /// was absent before counts for records of that time.
    function countedAt(Channel storage self, uint64 cursor) internal view returns (uint64 counted) {
        counted = membersAt(self, cursor);
        for (uint64 rest = counted; rest != 0; rest &= rest - 1) {
            uint256 seat = lowest(rest);
            address account = self.seated[seat];
            Absence memory absence = self.absences[account];
            // One from before it joined again is over.
            if (absence.from > cursor || absence.from < self.members[account].joinedAt) continue;
            if (absence.to == 0 || cursor <= absence.to) counted &= ~bit(seat);
        }
    }

    /// @dev Those who are active and not absent.
    function present(Channel storage self) internal view returns (uint64) {
        return active(self) & ~self.absent;
    }

    /// @dev Whose weight counts: all who may vote, less those banned since, less those who are absent and said nothing.
    function countedOf(Channel storage self, Ballot memory ballot) internal view returns (uint64 counted) {
        counted = ballot.electorate & ~self.roster.banned & ~(self.absent & ~votedIn(ballot));
        if (self.config.aliveSeconds == 0) return counted;
        for (uint64 rest = counted & ~votedIn(ballot); rest != 0; rest &= rest - 1) {
            uint256 seat = lowest(rest);
            if (isAbsent(self, self.members[self.seated[seat]])) counted &= ~bit(seat);
        }
    }

    /// @dev Whose weight counts for a settlement: also that of those who joined after its inbox cursor. They have no vote on it,
    /// but the members of an old cursor, one alone perhaps, must not settle what would have been without them.
    function countedToSettle(Channel storage self, Ballot memory ballot) internal view returns (uint64 counted) {
        Ballot memory all = Ballot(self.roster.seats, ballot.inFavour, ballot.against, ballot.abstained);
        return countedOf(self, all);
    }

    /// @dev Who is for it: those who said so, and those whom they speak for, unless they voted themselves.
    function inFavourOf(Channel storage self, Ballot memory ballot) internal view returns (uint64) {
        return withBackers(self, ballot, ballot.inFavour);
    }

    /// @dev Some who voted, and those of the electorate who back them and did not.
    function withBackers(
        Channel storage self,
        Ballot memory ballot,
        uint64 voters
    ) internal view returns (uint64 speakers) {
        speakers = voters;
        if (!self.hasBackers || count(ballot.electorate) <= ChannelLimits.CANDIDATES) return speakers;
        uint64 silent = ballot.electorate & ~votedIn(ballot);
        for (uint64 rest = voters & self.delegations.backed; rest != 0; rest &= rest - 1) {
            speakers |= self.delegations.backings[lowest(rest)].held & silent;
        }
    }

    /// @dev What a seat weighs.
    function weightOf(uint256 weights, uint256 seat) internal pure returns (uint256) {
        return (weights >> (seat * WEIGHT_BITS)) & WEIGHT_MASK;
    }

    /// @dev What all seats of a set weigh.
    function weightOfAll(uint256 weights, uint64 seats) internal pure returns (uint256 sum) {
        for (; seats != 0; seats &= seats - 1) sum += weightOf(weights, lowest(seats));
    }

    function votedIn(Ballot memory ballot) internal pure returns (uint64) {
        return ballot.inFavour | ballot.against | ballot.abstained;
    }

    /// @dev It did not answer, or is without a heartbeat for too long where heartbeats are asked for.
    function isAbsent(Channel storage self, Member storage member) internal view returns (bool) {
        if (self.absent & bit(member.seat) != 0) return true;
        uint256 aliveMs = self.config.aliveSeconds * ChannelTime.MS_PER_SECOND;
        return aliveMs != 0 && member.lastAliveMs + aliveMs < ChannelTime.nowMs();
    }

    /// @dev An account in the channel, or the one that a signer signs for.
    function requireMember(
        Channel storage self,
        uint256 channel,
        address caller
    ) internal view returns (address account, Member storage member) {
        // A member is itself, even if another one named it as its signer.
        account = caller;
        member = self.members[caller];
        if (isIn(member)) return (account, member);
        account = self.accountOf[caller];
        member = self.members[account];
        if (!isIn(member)) revert IChannelHub.ChannelHub_NotMember(channel, caller);
    }

    /// @dev A member's signer, and its seat as a set; the empty set for who is not in. Reads the slot once, which its fields
    /// one by one would not.
    function badgeOf(Member storage member) internal view returns (address signer, uint64 seat) {
        uint256 slot;
        assembly ("memory-safe") {
            slot := sload(member.slot)
        }
        // From the lowest bit: 160 bits of signer, 64 of join number, 8 of seat, then whether it is gone.
        signer = address(uint160(slot));
        bool isThere = uint64(slot >> 160) != 0 && uint8(slot >> 232) == 0;
        if (isThere) seat = bit(uint8(slot >> 224));
    }

    /// @dev Joined and not gone.
    function isIn(Member storage member) internal view returns (bool) {
        return member.joinNumber != 0 && !member.gone;
    }

    /// @dev Who is there changed with this entry of the inbox: where anybody has delegated, weights may have too.
    function reweigh(Channel storage self, uint64 index) internal {
        if (self.hasBackers && self.delegations.backed != 0) ChannelDelegations.update(self, index);
    }

    /// @dev Those who may lead: of up to five members all that are present.
    function candidates(Channel storage self) internal view returns (uint64 seats) {
        if (count(active(self)) > ChannelLimits.CANDIDATES) return ChannelDelegations.candidatesOf(self);
        return present(self);
    }

    /// @dev The candidate that joined first, or where there is none the active member; zero when there is none but `except`.
    function eldest(Channel storage self, address except) internal view returns (address account) {
        account = eldestOf(self, candidates(self), except);
        if (account == address(0)) account = eldestOf(self, active(self), except);
    }

    /// @dev Who of some members joined first, zero when there is none but `except`.
    function eldestOf(Channel storage self, uint64 seats, address except) internal view returns (address account) {
        uint256 first = type(uint256).max;
        for (; seats != 0; seats &= seats - 1) {
            address candidate = self.seated[lowest(seats)];
            uint256 joinNumber = self.members[candidate].joinNumber;
            if (candidate != except && joinNumber < first) (first, account) = (joinNumber, candidate);
        }
    }
}
