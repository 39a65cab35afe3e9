// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Change} from "../types/ChannelTypes.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {MerkleRoots} from "./MerkleRoots.sol";

/// @title What a settlement changes
/// @notice Changes in strictly ascending order of slots, cut into chunks of ChannelLimits.CHUNK, the last one as long as it
/// is. A chunk's hash is keccak256 of its changes, 96 bytes each; the set's root is that of the chunks' hashes, see
/// MerkleRoots, and zero when nothing changed.
library ChangeSets {
    uint256 private constant CHANGE_BYTES = 96;

    /// @notice Slots are not in strictly ascending order.
    error ChangeSets_Unsorted(bytes32 slot);

    /// @dev Reverts with _Unsorted.
    function rootOf(Change[] calldata changes) internal pure returns (bytes32) {
        return MerkleRoots.rootOf(hashesOf(changes));
    }

    /// @notice Hashes of the chunks that these changes are, from a chunk's begin on.
    /// @dev Reverts with _Unsorted.
    function hashesOf(Change[] calldata changes) internal pure returns (bytes32[] memory hashes) {
        (bool sorted, bytes32 slot) = isSorted(changes);
        if (!sorted) revert ChangeSets_Unsorted(slot);
        return hashesAsTheyAre(changes);
    }

    /// @notice The same of changes in any order.
    function hashesAsTheyAre(Change[] calldata changes) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[]((changes.length + ChannelLimits.CHUNK - 1) / ChannelLimits.CHUNK);
        for (uint256 i = 0; i < hashes.length; i++) {
            uint256 first = i * ChannelLimits.CHUNK;
            uint256 left = changes.length - first;
            hashes[i] = _hashOf(changes, first, left < ChannelLimits.CHUNK ? left : ChannelLimits.CHUNK);
        }
    }

    /// @return sorted Whether slots are in strictly ascending order.
    /// @return slot The first that is not above the one before.
    function isSorted(Change[] calldata changes) internal pure returns (bool sorted, bytes32 slot) {
        // Offsets of calldata that is there.
        unchecked {
            for (uint256 i = 1; i < changes.length; i++) {
                slot = _slotAt(changes, i);
                if (slot <= _slotAt(changes, i - 1)) return (false, slot);
            }
        }
        return (true, 0);
    }

    function _slotAt(Change[] calldata changes, uint256 index) private pure returns (bytes32 slot) {
        uint256 size = CHANGE_BYTES;
        // A change is three words, and changes lie one behind the other.
        assembly ("memory-safe") {
            slot := calldataload(add(changes.offset, mul(index, size)))
        }
    }

    function _hashOf(Change[] calldata changes, uint256 first, uint256 count) private pure returns (bytes32) {
        bytes calldata packed;
        uint256 size = CHANGE_BYTES;
        assembly ("memory-safe") {
            packed.offset := add(changes.offset, mul(first, size))
            packed.length := mul(count, size)
        }
        return keccak256(packed);
    }
}
