// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Channel, Proposal} from "../types/ChannelState.sol";
import {ProposalType, Settlement} from "../types/ChannelTypes.sol";
import {ChannelTiming} from "./ChannelTiming.sol";

/// @title What takes a settlement away again
library ChannelVoids {
    /// @dev A settlement that can still be undone: it is not final, nothing of it is applied, and no other one is.
    function requireOpen(
        Channel storage self,
        uint256 channel,
        uint256 id
    ) internal view returns (Settlement memory settlement) {
        Proposal storage proposal = self.proposals[id];
        settlement = self.settlements[id];
        bool isOpen =
            proposal.proposalType == ProposalType.Settlement &&
                !proposal.isFinal &&
                !self.head.closed &&
                !self.voided[proposal.hash] &&
                (
                    self.head.frozen
                        ? isBrought(self, id)
                        : settlement.fromHeight == self.head.height && !(self.head.locked && self.head.settling == id)
                );
        if (!isOpen) revert IChannelChallenges.ChannelHub_NotChallengeable(channel, id);
    }

    /// @dev Takes a settlement away for good: nobody can bring it again, whatever was signed. In a frozen channel the next lower
    /// one that was brought takes its place, and there is another window to look at that.
    function voidSettlement(Channel storage self, uint256 channel, uint256 id) internal {
        bytes32 hash = self.proposals[id].hash;
        if (self.voided[hash]) return;
        (self.voided[hash], self.counters.hasVoid) = (true, true);
        emit IChannelChallenges.SettlementVoided(channel, id, hash);
        emit IChannelHub.ProposalRejected(channel, id);
        if (self.head.settling == id) self.head.settling = 0;
        if (!self.head.frozen || self.freeze.best != id) return;
        uint40 best = self.certified[id].replaces;
        while (best != 0 && self.voided[self.proposals[best].hash]) {
            best = self.certified[best].replaces;
        }
        self.freeze.best = best;
        // Its clock begins now, and stands still if it is asked for already.
        if (self.challenges[best].open != 0) self.challenges[best].stoppedAt = uint40(block.timestamp);
        self.freeze.endsAt = uint40(block.timestamp + ChannelTiming.answerSeconds(self));
    }

    /// @dev It was brought to a frozen channel and is not void. All of these can be challenged, whichever is the highest: one
    /// after the other, a cartel could keep an exit waiting for as many windows as it brings settlements.
    function isBrought(Channel storage self, uint256 id) internal view returns (bool) {
        return self.certified[id].joined != 0 && !self.voided[self.proposals[id].hash];
    }
}
