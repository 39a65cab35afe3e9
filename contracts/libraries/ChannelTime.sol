// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title The chain's time as channels count it
library ChannelTime {
    uint256 internal constant MS_PER_SECOND = 1_000;

    /// @dev A block's seconds have 40 bits for some 30,000 years.
    function nowMs() internal view returns (uint64) {
        return uint64(block.timestamp * MS_PER_SECOND);
    }
}
