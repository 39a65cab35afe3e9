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
        _requireSorted(changes);
        hashes = new bytes32[]((changes.length + ChannelLimits.CHUNK - 1) / ChannelLimits.CHUNK);
        for (uint256 i = 0; i < hashes.length; i++) {
            uint256 first = i * ChannelLimits.CHUNK;
            uint256 left = changes.length - first;
            hashes[i] = _hashOf(changes, first, left < ChannelLimits.CHUNK ? left : ChannelLimits.CHUNK);
        }
    }

    function _requireSorted(Change[] calldata changes) private pure {
        // Offsets of calldata that is there.
        unchecked {
            for (uint256 i = 1; i < changes.length; i++) {
                if (_slotAt(changes, i) <= _slotAt(changes, i - 1)) revert ChangeSets_Unsorted(_slotAt(changes, i));
            }
        }
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
