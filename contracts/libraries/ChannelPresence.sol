// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Absence, Channel, HubState, Member} from "../types/ChannelState.sol";
import {InboxKind} from "../types/ChannelTypes.sol";
import {ChannelDelegations} from "./ChannelDelegations.sol";
import {ChannelInbox} from "./ChannelInbox.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {Quorum} from "./Quorum.sol";

/// @title Who is there and who leads, as IChannelAbsence finds
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelPresence {
    using ChannelInbox for Channel;
    using ChannelRoster for Channel;

    /// @notice See `IChannelHub.setPresence`.
    function setPresence(
        HubState storage state,
        uint256 channel,
        address account,
        bool absent
    ) external returns (uint64 entry) {
        Channel storage self = state.channels[channel];
        uint64 seat = ChannelRoster.bit(self.members[account].seat);
        entry = self.add(channel, InboxKind.Presence, account, abi.encode(absent));
        if (absent) {
            self.absent |= seat;
            self.absences[account] = Absence(entry, 0);
        } else if (self.absent & seat != 0) {
            self.absent &= ~seat;
            self.absences[account].to = entry;
        }
        self.reweigh(entry);
    }

    /// @notice See `IChannelHub.setOffice`.
    function setOffice(HubState storage state, uint256 channel, uint64 term, address leader, bool isElected) external {
        Channel storage self = state.channels[channel];
        if (!isElected) {
            if (leader == address(0)) leader = self.eldestOf(self.candidates(), self.office.leader);
            self.startTermAfter(channel, leader, term);
            return;
        }
        (self.office.leader, self.office.term) = (leader, term);
        emit IChannelHub.TermStarted(channel, term, leader);
    }

    /// @notice See `IChannelHub.isQuorumAt`.
    function isQuorumAt(
        HubState storage state,
        uint256 channel,
        uint64 cursor,
        address[] calldata members
    ) external view returns (bool) {
        Channel storage self = state.channels[channel];
        uint64 counted = self.countedAt(cursor);
        uint64 named;
        for (uint256 i = 0; i < members.length; i++) {
            Member storage member = self.members[members[i]];
            if (ChannelRoster.isIn(member)) named |= ChannelRoster.bit(member.seat);
        }
        uint256 weights = ChannelDelegations.weightsAt(self, cursor);
        uint256 weight = ChannelRoster.weightOfAll(weights, named & counted);
        return Quorum.isReached(weight, ChannelRoster.weightOfAll(weights, counted));
    }
}
