// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Drawing by weight, without putting back
library WeightedDraw {
    /// @notice Moves `count` drawn entries to the front of `ids`: each next one is drawn from the rest in proportion to
    /// its weight. `weights` is moved along. No weight is zero; their sum fits 256 bits.
    function draw(
        bytes32 seed,
        uint256[] memory ids,
        uint256[] memory weights,
        uint256 size,
        uint256 count
    ) internal pure {
        uint256 total;
        for (uint256 i = 0; i < size; i++) {
            total += weights[i];
        }
        for (uint256 drawn = 0; drawn < count && drawn < size; drawn++) {
            uint256 ticket = uint256(keccak256(abi.encode(seed, drawn))) % total;
            uint256 i = drawn;
            while (ticket >= weights[i]) {
                ticket -= weights[i];
                i++;
            }
            total -= weights[i];
            (ids[drawn], ids[i]) = (ids[i], ids[drawn]);
            (weights[drawn], weights[i]) = (weights[i], weights[drawn]);
        }
    }
}
