// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Backing, Channel, Delegations, HubState, Member} from "../types/ChannelState.sol";
import {InboxKind} from "../types/ChannelTypes.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelRoster} from "./ChannelRoster.sol";

/// @title Who speaks for whom, where there are more members than candidates
/// @notice Called by ChannelHub and its libraries with the hub's own state. A library of its own because of the limit on a
/// contract's size.
library ChannelDelegations {
    using ChannelInbox for Channel;
    using ChannelRoster for Channel;

    uint256 private constant SEAT_BITS = 8;
    uint256 private constant SEAT_MASK = 0xff;

    /// @notice See `IChannelHub.delegate`.
    function delegate(HubState storage state, uint256 channel, address candidate) external {
        Channel storage self = state.channels[channel];
        if (self.head.closed || self.counters.closeAt != 0) revert IChannelHub.ChannelHub_Closed(channel);
        (address account, Member storage member) = self.requireMember(channel, msg.sender);
        if (member.leftAt != 0) revert IChannelHub.ChannelHub_AlreadyLeaving(channel, account);
        Delegations storage all = self.delegations;
        uint64 backer = ChannelRoster.bit(member.seat);
        bool isDelegating = all.delegating & backer != 0;
        if (isDelegating) _drop(all, member.seat);
        if (candidate == address(0)) {
            if (!isDelegating) revert IChannelHub.ChannelHub_BadDelegation(channel, account, candidate);
        } else {
            _append(self, channel, account, candidate);
        }
        uint64 index = self.add(channel, InboxKind.Delegate, account, abi.encode(candidate));
        _update(self, index);
    }

    /// @notice Somebody came, left, was banned, is absent or is back, with this entry of the inbox: what holds may be
    /// something else now.
    function update(Channel storage self, uint64 index) external {
        _update(self, index);
    }

    /// @notice The weights of all seats as of an entry of the inbox, four bits each, see `_weightsNow`.
    function weightsAt(Channel storage self, uint64 cursor) external view returns (uint256) {
        uint64[] storage changedAt = self.delegations.changedAt;
        (uint256 low, uint256 high) = (0, changedAt.length);
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (changedAt[middle] > cursor) high = middle;
            else low = middle + 1;
        }
        return low == 0 ? ChannelRoster.PLAIN_WEIGHTS : self.delegations.weights[changedAt[low - 1]];
    }

    /// @notice Seats of those who may lead: those present with most weight, by join number where they have the same. Those who
    /// gave their voice to another one may not.
    function candidatesOf(Channel storage self) external view returns (uint64 candidates) {
        uint64 rest = self.present();
        uint256 weights = _weightsNow(self);
        uint256[] memory best = new uint256[](ChannelLimits.CANDIDATES);
        for (; rest != 0; rest &= rest - 1) {
            uint256 seat = ChannelRoster.lowest(rest);
            uint256 weight = ChannelRoster.weightOf(weights, seat);
            if (weight == 0) continue;
            // More weight first, then who joined earlier; the seat takes no part.
            uint256 rank = (weight << 72) | (uint256(~self.members[self.seated[seat]].joinNumber) << SEAT_BITS) | seat;
            for (uint256 i = 0; i < best.length; i++) {
                if (rank > best[i]) (rank, best[i]) = (best[i], rank);
            }
        }
        for (uint256 i = 0; i < best.length; i++) {
            if (best[i] != 0) candidates |= ChannelRoster.bit(best[i] & SEAT_MASK);
        }
    }

    /// @notice To whom a member delegated, and what it weighs.
    function delegationOf(Channel storage self, uint8 seat) external view returns (address candidate, uint32 weight) {
        Delegations storage all = self.delegations;
        weight = uint32(ChannelRoster.weightOf(_weightsNow(self), seat));
        if (all.delegating & ChannelRoster.bit(seat) != 0) candidate = self.seated[_candidateOf(all, seat)];
    }

    function _update(Channel storage self, uint64 index) private {
        Delegations storage all = self.delegations;
        uint64 active = self.active();
        for (uint64 gone = all.delegating & ~active; gone != 0; gone &= gone - 1) {
            _drop(all, ChannelRoster.lowest(gone));
        }
        for (uint64 gone = all.backed & ~active; gone != 0; gone &= gone - 1) {
            uint256 seat = ChannelRoster.lowest(gone);
            all.delegating &= ~_seatsOf(all.backings[seat].order, ChannelLimits.MEMBERS);
            delete all.backings[seat];
            all.backed &= ~ChannelRoster.bit(seat);
        }
        uint256 cap = capOf(active);
        for (uint64 rest = all.backed; rest != 0; rest &= rest - 1) {
            Backing storage backing = all.backings[ChannelRoster.lowest(rest)];
            uint64 held = _seatsOf(backing.order, cap);
            if (backing.held != held) backing.held = held;
        }
        _keep(all, index, _weightsNow(self));
    }

    /// @dev Writes down what weighs how much from an entry on.
    function _keep(Delegations storage all, uint64 index, uint256 weights) private {
        uint256 count = all.changedAt.length;
        uint256 before = count == 0 ? ChannelRoster.PLAIN_WEIGHTS : all.weights[all.changedAt[count - 1]];
        if (weights == before) return;
        all.changedAt.push(index);
        all.weights[index] = weights;
    }

    /// @dev Puts a member behind those who back a candidate already.
    function _append(Channel storage self, uint256 channel, address account, address candidate) private {
        Delegations storage all = self.delegations;
        (uint64 backer, uint256 seat) = (ChannelRoster.bit(self.members[account].seat), self.members[candidate].seat);
        uint64 active = self.active();
        bool isTaken =
            ChannelRoster.isIn(self.members[candidate]) &&
                active & ChannelRoster.bit(seat) != 0 &&
                account != candidate &&
                // Nobody passes on what it was given, so that there are no chains.
                all.backed & backer == 0 &&
                all.delegating & ChannelRoster.bit(seat) == 0;
        if (!isTaken) revert IChannelHub.ChannelHub_BadDelegation(channel, account, candidate);
        Backing storage backing = all.backings[seat];
        (uint256 cap, uint192 order) = (capOf(active), backing.order);
        uint256 count = ChannelRoster.count(_seatsOf(order, ChannelLimits.MEMBERS));
        if (count >= cap) revert IChannelHub.ChannelHub_CandidateFull(channel, candidate, cap);
        backing.order = uint192(order | ((uint256(self.members[account].seat) + 1) << (count * SEAT_BITS)));
        all.delegating |= backer;
        all.backed |= ChannelRoster.bit(seat);
        self.hasBackers = true;
    }

    /// @dev Takes a member out of the list that it is in.
    function _drop(Delegations storage all, uint256 seat) private {
        uint256 candidate = _candidateOf(all, seat);
        (uint256 order, uint256 rest, uint256 shift) = (all.backings[candidate].order, 0, 0);
        for (; order != 0; order >>= SEAT_BITS) {
            uint256 place = order & SEAT_MASK;
            if (place == seat + 1) continue;
            rest |= place << shift;
            shift += SEAT_BITS;
        }
        all.backings[candidate].order = uint192(rest);
        all.delegating &= ~ChannelRoster.bit(seat);
        if (rest != 0) return;
        all.backed &= ~ChannelRoster.bit(candidate);
        all.backings[candidate].held = 0;
    }

    /// @dev Whose list a member is in, which is in one.
    function _candidateOf(Delegations storage all, uint256 seat) private view returns (uint256 candidate) {
        for (uint64 rest = all.backed; rest != 0; rest &= rest - 1) {
            candidate = ChannelRoster.lowest(rest);
            if (_seatsOf(all.backings[candidate].order, ChannelLimits.MEMBERS) & ChannelRoster.bit(seat) != 0) break;
        }
    }

    /// @dev A member's own and those of who back it; none of who backs another one. Who is absent has nobody's, and brings none.
    function _weightsNow(Channel storage self) private view returns (uint256 weights) {
        Delegations storage all = self.delegations;
        weights = ChannelRoster.PLAIN_WEIGHTS;
        uint64 present = self.present();
        for (uint64 rest = all.backed & present; rest != 0; rest &= rest - 1) {
            uint256 seat = ChannelRoster.lowest(rest);
            uint64 held = all.backings[seat].held & present;
            weights += ChannelRoster.count(held) << (seat * ChannelRoster.WEIGHT_BITS);
            for (; held != 0; held &= held - 1) {
                weights -= 1 << (ChannelRoster.lowest(held) * ChannelRoster.WEIGHT_BITS);
            }
        }
    }

    /// @dev How many may back one candidate: five of them then have room for all the others.
    function capOf(uint64 active) internal pure returns (uint256) {
        uint256 members = ChannelRoster.count(active);
        if (members <= ChannelLimits.CANDIDATES) return 0;
        return (members - 1) / ChannelLimits.CANDIDATES;
    }

    /// @dev The first ones of a list, as a set.
    function _seatsOf(uint192 order, uint256 cap) private pure returns (uint64 seats) {
        for (uint256 rest = order; rest != 0 && cap != 0; (rest >>= SEAT_BITS, cap--)) {
            seats |= ChannelRoster.bit((rest & SEAT_MASK) - 1);
        }
    }
}
