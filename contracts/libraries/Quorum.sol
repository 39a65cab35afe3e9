// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title When enough members are for something
library Quorum {
    uint256 private constant VOTES = 3;
    uint256 private constant COUNTED = 2;

    /// @dev Strictly more than two thirds, and never nobody.
    function isReached(uint256 weightFor, uint256 weightCounted) internal pure returns (bool) {
        return weightFor * VOTES > weightCounted * COUNTED;
    }
}
