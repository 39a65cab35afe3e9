// SPDX-License-Identifier: MIT
pragma solidity ^0.8.31;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {SlotOpening, SlotProof} from "../types/ChannelTypes.sol";

/// @title The tree over a channel's state
/// @notice A binary tree over the paths keccak256(slot), highest bit first, 0 to the left. A subtree without slots is zero; one
/// with a single slot is its leaf, keccak256(path, value, 1); any other is keccak256(left, right). Slots whose value is
/// zero are not in it.
library StateTree {
    uint256 private constant MAX_DEPTH = 256;
    uint256 private constant LEAF_TAG = 1;

    /// @notice The proof ends somewhere else than on the slot's path.
    error StateTree_WrongPath(bytes32 slot);
    /// @notice The proof does not lead to this root.
    error StateTree_WrongRoot(bytes32 expected, bytes32 actual);
    /// @notice What stands beside a leaf that goes must be shown.
    error StateTree_WrongOpening(bytes32 expected, bytes32 actual);

    /// @notice Not one proof and one opening for each slot.
    error StateTree_WrongCount(uint256 writes, uint256 proofs, uint256 openings);

    /// @notice A slot's value under a root, zero when it has none.
    /// @dev Reverts with _WrongPath, _WrongRoot.
    function valueOf(bytes32 root, bytes32 slot, SlotProof calldata proof) internal pure returns (bytes32) {
        bytes32 path = pathOf(slot);
        _requireProof(root, slot, path, proof);
        return proof.leafPath == path ? proof.leafValue : bytes32(0);
    }

    /// @notice The root after a slot got another value.
    /// @param opening What stands beside the slot's leaf when that goes (its value becomes zero); otherwise nothing is
    /// asked of it.
    /// @dev Reverts as `valueOf`, and with _WrongOpening.
    function update(
        bytes32 root,
        bytes32 slot,
        bytes32 value,
        SlotProof calldata proof,
        SlotOpening calldata opening
    ) internal pure returns (bytes32) {
        bytes32 path = pathOf(slot);
        _requireProof(root, slot, path, proof);
        bool isThere = proof.leafPath == path && proof.leafValue != 0;
        if (value == 0) return isThere ? _without(path, proof, opening) : root;
        bytes32 node = leafOf(path, value);
        if (!isThere && proof.leafValue != 0) node = _besides(path, node, proof);
        return _fold(path, node, proof.siblings, 0);
    }

    /// @notice The root after several slots got other values, one after the other: each proof is under the root that the ones
    /// before it have led to.
    /// @dev Reverts with _WrongCount, and as `update`.
    function updateAll(
        bytes32 root,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings
    ) internal pure returns (bytes32) {
        uint256 count = writes.length;
        if (proofs.length != count || openings.length != count) {
            revert StateTree_WrongCount(count, proofs.length, openings.length);
        }
        for (uint256 i = 0; i < count; i++) {
            root = update(root, writes[i].slot, writes[i].value, proofs[i], openings[i]);
        }
        return root;
    }

    /// @notice Where a slot stands.
    function pathOf(bytes32 slot) internal pure returns (bytes32) {
        return keccak256(abi.encode(slot));
    }

    function leafOf(bytes32 path, bytes32 value) internal pure returns (bytes32) {
        return keccak256(abi.encode(path, value, LEAF_TAG));
    }

    function _requireProof(bytes32 root, bytes32 slot, bytes32 path, SlotProof calldata proof) private pure {
        uint256 depth = proof.siblings.length;
        bytes32 node;
        if (depth > MAX_DEPTH) revert StateTree_WrongPath(slot);
        if (proof.leafValue != 0) {
            if (_commonBits(path, proof.leafPath) < depth) revert StateTree_WrongPath(slot);
            node = leafOf(proof.leafPath, proof.leafValue);
        }
        bytes32 actual = _fold(path, node, proof.siblings, 0);
        if (actual != root) revert StateTree_WrongRoot(root, actual);
    }

    /// @dev The root above a node that has the siblings from `first` on.
    function _fold(
        bytes32 path,
        bytes32 node,
        bytes32[] calldata siblings,
        uint256 first
    ) private pure returns (bytes32) {
        uint256 depth = siblings.length;
        for (uint256 i = first; i < depth; i++) {
            node = _pair(path, depth - 1 - i, node, siblings[i]);
        }
        return node;
    }

    /// @dev Two leaves instead of the one at the proof's end, as deep as their paths part.
    function _besides(bytes32 path, bytes32 leaf, SlotProof calldata proof) private pure returns (bytes32 node) {
        uint256 depth = _commonBits(path, proof.leafPath);
        node = _pair(path, depth, leaf, leafOf(proof.leafPath, proof.leafValue));
        while (depth > proof.siblings.length) {
            depth--;
            node = _pair(path, depth, node, 0);
        }
    }

    /// @dev The root without the leaf at the proof's end. A leaf that is left alone goes up to where it has company.
    function _without(
        bytes32 path,
        SlotProof calldata proof,
        SlotOpening calldata opening
    ) private pure returns (bytes32) {
        bytes32[] calldata siblings = proof.siblings;
        if (siblings.length == 0) return 0;
        bytes32 opened =
            opening.isLeaf
                ? leafOf(opening.first, opening.second)
                : Hashes.efficientKeccak256(opening.first, opening.second);
        if (opened != siblings[0]) revert StateTree_WrongOpening(siblings[0], opened);
        if (!opening.isLeaf) return _fold(path, 0, siblings, 0);
        uint256 i = 1;
        while (i < siblings.length && siblings[i] == 0) {
            i++;
        }
        return _fold(path, opened, siblings, i);
    }

    /// @dev A node and its sibling, in the order that the path's bit at this depth says.
    function _pair(bytes32 path, uint256 depth, bytes32 node, bytes32 sibling) private pure returns (bytes32) {
        bool isRight = (uint256(path) >> (MAX_DEPTH - 1 - depth)) & 1 == 1;
        return isRight ? Hashes.efficientKeccak256(sibling, node) : Hashes.efficientKeccak256(node, sibling);
    }

    /// @dev With how many equal bits two paths begin.
    function _commonBits(bytes32 a, bytes32 b) private pure returns (uint256 bits) {
        uint256 difference = uint256(a ^ b);
        assembly ("memory-safe") {
            bits := clz(difference)
        }
    }
}
