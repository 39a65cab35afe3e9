// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {SlotValue} from "../types/ChannelCourtTypes.sol";

/// @title Sets of slots with values, as records have them
library SlotSets {
    uint256 private constant ENTRY_BYTES = 64;

    /// @notice keccak256 of the packed slots and values, which is how calldata has them.
    function hash(SlotValue[] calldata set) internal pure returns (bytes32 setHash) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            let length := mul(set.length, ENTRY_BYTES)
            calldatacopy(data, set.offset, length)
            setHash := keccak256(data, length)
        }
    }

    /// @notice Reverts with ChannelCourt_WrongSet unless the set has this hash.
    function requireHash(SlotValue[] calldata set, bytes32 expected) internal pure {
        bytes32 actual = hash(set);
        if (actual != expected) revert IChannelCourt.ChannelCourt_WrongSet(expected, actual);
    }

    /// @notice Strictly, by slot.
    function isAscending(SlotValue[] calldata set) internal pure returns (bool) {
        for (uint256 i = 1; i < set.length; i++) {
            if (set[i].slot <= set[i - 1].slot) return false;
        }
        return true;
    }

    /// @notice No slot holds anything.
    function isZero(SlotValue[] calldata set) internal pure returns (bool) {
        for (uint256 i = 0; i < set.length; i++) {
            if (set[i].value != 0) return false;
        }
        return true;
    }

    /// @notice The slots of two sets, one behind the other.
    function slotsOf(
        SlotValue[] calldata set,
        SlotValue[] calldata others
    ) internal pure returns (bytes32[] memory slots) {
        slots = new bytes32[](set.length + others.length);
        for (uint256 i = 0; i < set.length; i++) slots[i] = set[i].slot;
        for (uint256 i = 0; i < others.length; i++) slots[set.length + i] = others[i].slot;
    }
}
