// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What a contract costs now.
struct Meter {
    // 56 bits.
    uint256 rate;
    // 96 bits. Of the user's stream: up to where this contract was settled.
    uint256 index;
    // 32 bits. By the node's clock: of the newest report, or of the confirmation.
    uint256 reportedAt;
    // 32 bits. The interval at whose start the rate lapses. NEVER_LAPSES for a name.
    uint256 lapse;
}

/// @title A contract's meter in one slot
/// @notice Packed by hand, see UserStream.
library Meters {
    uint256 private constant RATE_BITS = 56;
    uint256 private constant INDEX_BITS = 96;
    uint256 private constant TIME_BITS = 32;

    function unpack(uint256 word) internal pure returns (Meter memory meter) {
        meter.rate = word & ((1 << RATE_BITS) - 1);
        meter.index = (word >> RATE_BITS) & ((1 << INDEX_BITS) - 1);
        meter.reportedAt = (word >> (RATE_BITS + INDEX_BITS)) & ((1 << TIME_BITS) - 1);
        meter.lapse = word >> (RATE_BITS + INDEX_BITS + TIME_BITS);
    }

    /// @dev Each field has no more than its bits: rates and indexes are a stream's, times and intervals are not after 2106.
    function pack(uint256 rate, uint256 index, uint256 reportedAt, uint256 lapse) internal pure returns (uint256 word) {
        return
            rate |
            (index << RATE_BITS) |
            (reportedAt << (RATE_BITS + INDEX_BITS)) |
            (lapse << (RATE_BITS + INDEX_BITS + TIME_BITS));
    }

    function pack(Meter memory meter) internal pure returns (uint256 word) {
        return pack(meter.rate, meter.index, meter.reportedAt, meter.lapse);
    }
}
