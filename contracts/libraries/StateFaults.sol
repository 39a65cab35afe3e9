// SPDX-License-Identifier: MIT
pragma solidity ^0.8.31;

import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {RecordHeader, RecordKind, SlotOpening, SlotProof} from "../types/ChannelTypes.sol";
import {ChannelSlots} from "./ChannelSlots.sol";
import {SlotSets} from "./SlotSets.sol";
import {StateTree} from "./StateTree.sol";

/// @title Records that say of the state what it is not
library StateFaults {
    /// @notice The record says of a slot that it held another value than it did.
    /// @param touched All that the record says that it touched.
    /// @dev Reverts with _WrongSet, and as StateTree.
    function isFalseValue(
        RecordHeader memory header,
        bytes32 rootBefore,
        SlotValue[] calldata touched,
        uint256 index,
        SlotProof calldata proof
    ) internal pure returns (bool) {
        SlotSets.requireHash(touched, header.touchedHash);
        return StateTree.valueOf(rootBefore, touched[index].slot, proof) != touched[index].value;
    }

    /// @notice What the record wrote does not lead to the root that it has.
    /// @param proofs Of each slot written, under the root after the slots before it.
    /// @dev Reverts with _WrongSet, and as StateTree.
    function isFalseRoot(
        RecordHeader memory header,
        bytes32 rootBefore,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings
    ) internal pure returns (bool) {
        SlotSets.requireHash(writes, header.writesHash);
        return StateTree.updateAll(rootBefore, writes, proofs, openings) != header.stateRoot;
    }

    /// @notice A tick that is not due, or something else when one is.
    /// @param clock Of the slot that says when the next tick is due.
    /// @dev Reverts as StateTree.
    function isMistimed(
        RecordHeader memory header,
        bytes32 rootBefore,
        uint64 tickMs,
        SlotProof calldata clock
    ) internal pure returns (bool) {
        bool isTick = header.kind == uint8(RecordKind.Tick);
        if (tickMs == 0) return isTick;
        uint256 dueMs = uint256(StateTree.valueOf(rootBefore, ChannelSlots.CLOCK, clock));
        if (header.timeMs < dueMs) return isTick;
        // A term may begin before the tick that is due.
        return !isTick && header.kind != uint8(RecordKind.Term);
    }
}
