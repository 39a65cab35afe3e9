// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title A value over time, by blocks
/// @notice OpenZeppelin's checkpoints with the newest one in front, in a slot of its own: who asks for a block after the
/// last change, as a draw mostly does, reads one slot.
library BlockHistory {
    using Checkpoints for Checkpoints.Trace208;
    using SafeCast for uint256;

    struct History {
        // The block since which it holds above, 208 bits of value below; zero when nothing was ever set.
        uint256 newest;
        Checkpoints.Trace208 older;
    }

    uint256 private constant VALUE_BITS = 208;

    /// @notice The value from this block on.
    function set(History storage self, uint256 value) internal {
        uint208 checked = value.toUint208();
        uint256 newest = self.newest;
        uint256 since = newest >> VALUE_BITS;
        if (newest != 0 && since != block.number) self.older.push(uint48(since), uint208(newest));
        self.newest = (block.number << VALUE_BITS) | checked;
    }

    function latest(History storage self) internal view returns (uint256) {
        return uint208(self.newest);
    }

    /// @notice The value as of the end of a block.
    function asOf(History storage self, uint256 blockNumber) internal view returns (uint256) {
        uint256 newest = self.newest;
        if (newest >> VALUE_BITS <= blockNumber) return uint208(newest);
        return self.older.upperLookupRecent(uint48(blockNumber));
    }
}
