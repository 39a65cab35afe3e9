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
    uint256 private constant INDEX_SHIFT = 56;
    uint256 private constant TIME_SHIFT = 56 + 96;
    uint256 private constant LAPSE_SHIFT = 56 + 96 + 32;

    function unpack(uint256 word) internal pure returns (Meter memory meter) {
        read(meter, word);
    }

    /// @dev As `unpack`, in the memory of a meter that is needed no more.
    function read(Meter memory meter, uint256 word) internal pure {
        meter.rate = word & type(uint56).max;
        meter.index = (word >> INDEX_SHIFT) & type(uint96).max;
        meter.reportedAt = (word >> TIME_SHIFT) & type(uint32).max;
        meter.lapse = word >> LAPSE_SHIFT;
    }

    /// @dev Each field has no more than its bits: rates and indexes are a stream's, times and intervals are not after 2106.
    function pack(uint256 rate, uint256 index, uint256 reportedAt, uint256 lapse) internal pure returns (uint256 word) {
        return rate | (index << INDEX_SHIFT) | (reportedAt << TIME_SHIFT) | (lapse << LAPSE_SHIFT);
    }

    function pack(Meter memory meter) internal pure returns (uint256 word) {
        return pack(meter.rate, meter.index, meter.reportedAt, meter.lapse);
    }
}
