// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Channel} from "../types/ChannelState.sol";
import {InboxEntry, InboxKind} from "../types/ChannelTypes.sol";
import {ChannelTime} from "./ChannelTime.sol";

/// @title What the hub tells a channel, one entry after the other
library ChannelInbox {
    /// @return index The new entry's.
    function add(
        Channel storage self,
        uint256 channel,
        InboxKind kind,
        address account,
        bytes memory data
    ) internal returns (uint64 index) {
        index = ++self.counters.inbox;
        uint64 timeMs = ChannelTime.nowMs();
        self.inbox[index] = keccak256(abi.encode(InboxEntry(index, kind, account, timeMs, data)));
        emit IChannelHub.InboxAdded(channel, index, kind, account, timeMs, data);
    }

    /// @dev Begins the next term; when there is nobody to lead it, the next one who joins will.
    function startTerm(Channel storage self, uint256 channel, address leader) internal {
        if (leader == address(0)) {
            self.office.leader = leader;
            return;
        }
        uint64 term = ++self.office.term;
        self.office.leader = leader;
        // The first join says who leads the first term.
        if (term > 1) add(self, channel, InboxKind.Term, leader, abi.encode(term, leader));
        emit IChannelHub.TermStarted(channel, term, leader);
    }

    /// @dev Begins a term after one that the members may be in, which the hub does not have to know of: they elect without it.
    function startTermAfter(Channel storage self, uint256 channel, address leader, uint64 term) internal {
        if (term > self.office.term && leader != address(0)) self.office.term = term;
        startTerm(self, channel, leader);
    }
}
