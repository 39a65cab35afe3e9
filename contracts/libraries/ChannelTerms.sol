// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Channel} from "../types/ChannelState.sol";

/// @title Terms that the hub knows, and terms that members are in
/// @notice Members elect leaders among themselves and count terms on while the hub hears of none. What they bring it then names
/// terms after its own. How far after is limited, or a liar could use up all numbers.
library ChannelTerms {
    /// @notice How far a term may be after the hub's. As far as members believe each other.
    uint64 internal constant AHEAD = 65_536;

    function isNear(Channel storage self, uint64 term) internal view returns (bool) {
        // Not a sum: what is near the largest number is not near at all.
        return term <= self.office.term || term - self.office.term <= AHEAD;
    }
}
