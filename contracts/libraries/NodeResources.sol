// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Resources} from "../types/GridTypes.sol";

/// @title What a machine has, and how much of it is left
library NodeResources {
    /// @notice Cores of a node, at most.
    uint32 internal constant MAX_CRU = 1 << 16;
    /// @notice Bytes of each kind that a node has, at most: 16 PiB.
    uint64 internal constant MAX_BYTES = 1 << 54;

    /// @notice The most that a node can have.
    function most() internal pure returns (Resources memory) {
        return Resources({cru: MAX_CRU, sru: MAX_BYTES, hru: MAX_BYTES, mru: MAX_BYTES});
    }

    /// @notice Whether it has a core and memory, and no more than a node can have.
    function isMachine(Resources memory self) internal pure returns (bool) {
        return self.cru != 0 && self.mru != 0 && fitsIn(self, most());
    }

    /// @notice Whether nothing of it is more than in the other.
    function fitsIn(Resources memory self, Resources memory other) internal pure returns (bool) {
        bool isWorkable = self.cru <= other.cru && self.mru <= other.mru;
        return isWorkable && self.sru <= other.sru && self.hru <= other.hru;
    }

    function plus(Resources memory self, Resources memory other) internal pure returns (Resources memory) {
        return
            Resources({
                cru: self.cru + other.cru,
                sru: self.sru + other.sru,
                hru: self.hru + other.hru,
                mru: self.mru + other.mru
            });
    }

    function minus(Resources memory self, Resources memory other) internal pure returns (Resources memory) {
        return
            Resources({
                cru: self.cru - other.cru,
                sru: self.sru - other.sru,
                hru: self.hru - other.hru,
                mru: self.mru - other.mru
            });
    }
}
