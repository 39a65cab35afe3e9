// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @title Roots of lists of hashes
/// @notice Pairs are hashed in ascending order, as OpenZeppelin's MerkleProof has it, and a node without a partner is carried
/// up as it is.
library MerkleRoots {
    /// @notice Zero for no leaves. Uses up the array.
    function rootOf(bytes32[] memory nodes) internal pure returns (bytes32) {
        uint256 count = nodes.length;
        if (count == 0) return 0;
        while (count > 1) {
            uint256 pairs = count / 2;
            for (uint256 i = 0; i < pairs; i++) {
                nodes[i] = Hashes.commutativeKeccak256(nodes[2 * i], nodes[2 * i + 1]);
            }
            if (count % 2 == 1) nodes[pairs] = nodes[count - 1];
            count -= pairs;
        }
        return nodes[0];
    }
}
