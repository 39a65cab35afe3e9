// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title A duty and what came of it, in one word
/// @notice The tester's id in 32 bits, then "the report stands", then "a challenge struck it".
library Duties {
    uint256 private constant REPORTED_FLAG = 1 << 32;
    uint256 private constant STRUCK_FLAG = 1 << 33;

    function pack(uint256 testerId, bool reported, bool struck) internal pure returns (uint256 duty) {
        duty = testerId;
        if (reported) duty |= REPORTED_FLAG;
        if (struck) duty |= STRUCK_FLAG;
    }

    function testerIdOf(uint256 duty) internal pure returns (uint256) {
        return uint32(duty);
    }

    /// @notice Whether a report stands. A duty without one is a miss.
    function isReported(uint256 duty) internal pure returns (bool) {
        return duty & REPORTED_FLAG != 0;
    }

    function isStruck(uint256 duty) internal pure returns (bool) {
        return duty & STRUCK_FLAG != 0;
    }
}
