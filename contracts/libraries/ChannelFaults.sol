// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Fault} from "../types/ChannelCourtTypes.sol";
import {Channel} from "../types/ChannelState.sol";
import {Settlement} from "../types/ChannelTypes.sol";

/// @title From where on which terms are void
/// @notice A fault (height, term) makes void what the leaders of that term and of earlier ones have signed from that height on. A
/// settlement over the height must show that its record there is of a later term; terms never fall along a chain, so
/// what follows is of later terms too. Faults are forgotten once a final settlement has passed them.
library ChannelFaults {
    /// @dev Leaders that have left can be convicted without a stake: their number must not make settlements dear. They led
    /// earlier than whoever leads now, and the faults of the two earliest terms are joined.
    uint256 private constant MAX_FAULTS = 8;

    /// @return isNew False when this is void already, or final.
    function addFault(Channel storage self, uint64 height, uint64 term) internal returns (bool isNew) {
        if (height <= finalHeight(self)) return false;
        Fault[] storage faults = self.faults;
        for (uint256 i = 0; i < faults.length; i++) {
            if (faults[i].height <= height && faults[i].term >= term) return false;
        }
        for (uint256 i = faults.length; i > 0; i--) {
            if (faults[i - 1].height >= height && faults[i - 1].term <= term) _remove(faults, i - 1);
        }
        faults.push(Fault(height, term));
        if (faults.length > MAX_FAULTS) _join(faults);
        return true;
    }

    /// @dev Forgets what a final settlement has passed.
    function dropFaults(Channel storage self, uint64 height) internal {
        Fault[] storage faults = self.faults;
        for (uint256 i = faults.length; i > 0; i--) {
            if (faults[i - 1].height <= height) _remove(faults, i - 1);
        }
    }

    /// @dev Whether no record of a proposed settlement is void. What is being applied cannot be stopped any more.
    function isClean(Channel storage self, uint256 proposal) internal view returns (bool clean) {
        if (self.faults.length == 0 || (self.head.locked && self.head.settling == proposal)) return true;
        (clean, ) = _judge(self, self.settlements[proposal]);
    }

    /// @dev Reverts if a record of a settlement is void.
    function requireClean(Channel storage self, Settlement memory settlement) internal view {
        (bool clean, Fault memory fault) = _judge(self, settlement);
        if (!clean) revert IChannelHub.ChannelHub_Void(settlement.channel, fault.height, fault.term);
    }

    /// @dev The settlement that passed, unless it has become void since.
    function inFlight(Channel storage self) internal view returns (uint256 proposal) {
        proposal = self.head.settling;
        if (proposal != 0 && !isClean(self, proposal)) return 0;
    }

    /// @dev With a settlement whose parts are being written, its end.
    function finalHeight(Channel storage self) internal view returns (uint64) {
        return self.head.locked ? self.settlements[self.head.settling].toHeight : self.head.height;
    }

    function _judge(
        Channel storage self,
        Settlement memory settlement
    ) private view returns (bool clean, Fault memory fault) {
        Fault[] storage faults = self.faults;
        for (uint256 i = 0; i < faults.length; i++) {
            fault = faults[i];
            if (fault.height > settlement.toHeight) continue;
            // Called by the hub's libraries: this is the hub.
            uint64 term = IChannelHub(address(this)).court().termAt(
                settlement.channel,
                settlement.recordsRoot,
                fault.height
            );
            if (term <= fault.term) return (false, fault);
        }
        clean = true;
    }

    /// @dev Makes one of the two faults of the lowest terms: from the lower height, up to the later term.
    function _join(Fault[] storage faults) private {
        (uint256 first, uint256 second) = (0, 1);
        if (faults[second].term < faults[first].term) (first, second) = (second, first);
        for (uint256 i = 2; i < faults.length; i++) {
            if (faults[i].term < faults[first].term) (first, second) = (i, first);
            else if (faults[i].term < faults[second].term) second = i;
        }
        if (faults[first].height < faults[second].height) faults[second].height = faults[first].height;
        _remove(faults, first);
    }

    function _remove(Fault[] storage faults, uint256 index) private {
        uint256 last = faults.length - 1;
        if (index != last) faults[index] = faults[last];
        faults.pop();
    }
}
