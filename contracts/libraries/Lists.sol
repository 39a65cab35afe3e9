// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Lists in memory
library Lists {
    /// @notice Makes a list end after its first `count` entries, which must not be more than it has.
    function shorten(uint256[] memory list, uint256 count) internal pure {
        assembly ("memory-safe") {
            mstore(list, count)
        }
    }
}
