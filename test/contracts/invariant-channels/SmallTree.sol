// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {StateTree} from "../../../contracts/libraries/StateTree.sol";
import {Change, SlotProof} from "../../../contracts/types/ChannelTypes.sol";

/// @title A state tree of a few slots, made anew each time
/// @notice By its definition in StateTree, and by none of its code but the leaves'.
library SmallTree {
    /// @dev Of the new values of changes.
    function rootOf(Change[] memory state) internal pure returns (bytes32) {
        (bytes32[] memory paths, bytes32[] memory values) = _leavesOf(state);
        return _nodeOf(paths, values, 0);
    }

    function prove(Change[] memory state, bytes32 slot) internal pure returns (SlotProof memory proof) {
        (bytes32[] memory paths, bytes32[] memory values) = _leavesOf(state);
        bytes32 path = StateTree.pathOf(slot);
        bytes32[] memory down = new bytes32[](256);
        uint256 depth;
        while (paths.length > 1) {
            bool isRight = _isRight(path, depth);
            (bytes32[] memory otherPaths, bytes32[] memory otherValues) = _half(paths, values, depth, !isRight);
            down[depth] = _nodeOf(otherPaths, otherValues, depth + 1);
            (paths, values) = _half(paths, values, depth, isRight);
            depth++;
        }
        if (paths.length == 1) (proof.leafPath, proof.leafValue) = (paths[0], values[0]);
        proof.siblings = new bytes32[](depth);
        for (uint256 i = 0; i < depth; i++) proof.siblings[i] = down[depth - 1 - i];
    }

    function _leavesOf(Change[] memory state) private pure returns (bytes32[] memory paths, bytes32[] memory values) {
        (paths, values) = (new bytes32[](state.length), new bytes32[](state.length));
        uint256 count;
        for (uint256 i = 0; i < state.length; i++) {
            if (state[i].newValue == 0) continue;
            (paths[count], values[count]) = (StateTree.pathOf(state[i].slot), state[i].newValue);
            count++;
        }
        _shorten(paths, count);
        _shorten(values, count);
    }

    function _nodeOf(bytes32[] memory paths, bytes32[] memory values, uint256 depth) private pure returns (bytes32) {
        if (paths.length == 0) return 0;
        if (paths.length == 1) return StateTree.leafOf(paths[0], values[0]);
        (bytes32[] memory leftPaths, bytes32[] memory leftValues) = _half(paths, values, depth, false);
        (bytes32[] memory rightPaths, bytes32[] memory rightValues) = _half(paths, values, depth, true);
        return
            keccak256(
                abi.encode(_nodeOf(leftPaths, leftValues, depth + 1), _nodeOf(rightPaths, rightValues, depth + 1))
            );
    }

    function _half(
        bytes32[] memory paths,
        bytes32[] memory values,
        uint256 depth,
        bool isRight
    ) private pure returns (bytes32[] memory halfPaths, bytes32[] memory halfValues) {
        (halfPaths, halfValues) = (new bytes32[](paths.length), new bytes32[](paths.length));
        uint256 count;
        for (uint256 i = 0; i < paths.length; i++) {
            if (_isRight(paths[i], depth) != isRight) continue;
            (halfPaths[count], halfValues[count]) = (paths[i], values[i]);
            count++;
        }
        _shorten(halfPaths, count);
        _shorten(halfValues, count);
    }

    function _isRight(bytes32 path, uint256 depth) private pure returns (bool) {
        return (uint256(path) >> (255 - depth)) & 1 == 1;
    }

    function _shorten(bytes32[] memory list, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(list, length)
        }
    }
}
