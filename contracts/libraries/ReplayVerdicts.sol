// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {Replay, ReplayMark, ReplayPlan, ScratchRun} from "../types/ChannelReplayTypes.sol";
import {RecordHeader, RecordStatus} from "../types/ChannelTypes.sol";
import {ChannelLimits} from "./ChannelLimits.sol";

/// @title What a run says of a record
/// @notice As src/channel/sandbox/play-input.ts makes a record of a run. What a failed call touched cannot be seen on a chain; where
/// it decides something, the record is believed as far as it may be right.
library ReplayVerdicts {
    uint256 private constant ENTRY_BYTES = 64;

    /// @dev What a record comes to.
    struct Outcome {
        // Nothing is decided before it was called without its hook.
        bool needsSecond;
        uint8 status;
        uint256 gasUsed;
        bytes32 returnHash;
        // Of the touched set and what stands besides it; nothing where the call failed.
        bytes32[] values;
        bool[] touched;
        // All that the program touched is in `touched`.
        bool isSeen;
    }

    /// @notice A call that says that it touched more slots than it may. All that the protocol touches, it does before.
    function isOverLimit(ReplayPlan memory plan, Replay calldata replay) internal pure returns (bool) {
        bool isOne = plan.runs && plan.withoutHook.length == 0;
        return isOne && replay.touched.length > ChannelLimits.TOUCHED_SLOTS;
    }

    /// @notice The same, of what it wrote: nothing but what the protocol does. Its gas and what it returned are believed.
    function isFalseBeyondLimit(
        RecordHeader calldata header,
        ReplayPlan memory plan,
        Replay calldata replay
    ) internal pure returns (bool) {
        Outcome memory outcome;
        (outcome.status, outcome.returnHash) = (header.status, header.returnHash);
        return isFalse(header, plan, replay, outcome);
    }

    /// @notice By one call.
    function outcomeOf(
        ReplayPlan memory plan,
        Replay calldata replay,
        ScratchRun memory run
    ) internal pure returns (Outcome memory outcome) {
        outcome = _outcome(run);
        if (plan.withoutHook.length != 0) {
            outcome.needsSecond = !run.succeeded || _countTouched(plan, replay, run) > ChannelLimits.TOUCHED_SLOTS;
        } else if (isOverLimit(plan, replay)) {
            outcome.status = uint8(RecordStatus.OverLimit);
        }
    }

    /// @notice Of a join or leave, by the call without its hook. It may touch as many slots more than the first one; how many that
    /// one touched is not known when it failed.
    function outcomeWithoutHook(
        RecordHeader calldata header,
        ReplayPlan memory plan,
        Replay calldata replay,
        ScratchRun memory first,
        ScratchRun memory second
    ) internal pure returns (Outcome memory outcome) {
        outcome = _outcome(second);
        outcome.isSeen = first.succeeded && second.succeeded;
        uint256 most = second.succeeded ? _countTouched(plan, replay, second) : replay.touched.length;
        bool mayBeOver = most > ChannelLimits.TOUCHED_SLOTS;
        if (mayBeOver && header.status == uint8(RecordStatus.OverLimit)) outcome.status = header.status;
        if (!first.succeeded) return outcome;
        if (!second.succeeded) {
            outcome.touched = first.touched;
            return outcome;
        }
        for (uint256 i = 0; i < first.touched.length; i++) {
            if (first.touched[i]) outcome.touched[i] = true;
        }
    }

    /// @notice A record whose status and gas are right, and that returned, wrote or touched something else.
    function isFalse(
        RecordHeader calldata header,
        ReplayPlan memory plan,
        Replay calldata replay,
        Outcome memory outcome
    ) internal pure returns (bool) {
        if (outcome.returnHash != header.returnHash) return true;
        return _isOtherSet(plan, replay, outcome) || _writesHash(plan, replay.touched, outcome) != header.writesHash;
    }

    /// @notice The same of a record that runs nothing.
    function isFalseWithoutRun(
        RecordHeader calldata header,
        ReplayPlan memory plan,
        Replay calldata replay
    ) internal pure returns (bool) {
        if (header.status != plan.status || header.gasUsed != 0) return true;
        Outcome memory outcome;
        (outcome.status, outcome.returnHash, outcome.isSeen) = (uint8(RecordStatus.Failed), keccak256(""), true);
        outcome.touched = new bool[](replay.touched.length);
        return isFalse(header, plan, replay, outcome);
    }

    function _outcome(ScratchRun memory run) private pure returns (Outcome memory) {
        RecordStatus status = run.succeeded ? RecordStatus.Success : RecordStatus.Failed;
        return Outcome(false, uint8(status), run.gasUsed, run.returnHash, run.values, run.touched, run.succeeded);
    }

    /// @dev Slots that a call touched, with those that the protocol did before.
    function _countTouched(
        ReplayPlan memory plan,
        Replay calldata replay,
        ScratchRun memory run
    ) private pure returns (uint256 count) {
        for (uint256 i = 0; i < replay.touched.length; i++) {
            if (run.touched[i] || _isMarked(plan, replay.touched[i].slot)) count++;
        }
    }

    /// @dev A slot in the touched set that nobody touched, or one besides it that the program did.
    function _isOtherSet(
        ReplayPlan memory plan,
        Replay calldata replay,
        Outcome memory outcome
    ) private pure returns (bool) {
        uint256 count = replay.touched.length;
        for (uint256 i = count; i < outcome.touched.length; i++) {
            if (outcome.touched[i]) return true;
        }
        if (!outcome.isSeen) return false;
        for (uint256 i = 0; i < count; i++) {
            if (!outcome.touched[i] && !_isMarked(plan, replay.touched[i].slot)) return true;
        }
        return false;
    }

    /// @dev Of what the program wrote, if its call counts, and of what the protocol wrote after it.
    function _writesHash(
        ReplayPlan memory plan,
        SlotValue[] calldata touched,
        Outcome memory outcome
    ) private pure returns (bytes32 writesHash) {
        bytes memory writes = new bytes(touched.length * ENTRY_BYTES);
        uint256 length;
        for (uint256 i = 0; i < touched.length; i++) {
            (bytes32 slot, bytes32 before) = (touched[i].slot, touched[i].value);
            bytes32 value = outcome.status == uint8(RecordStatus.Success) ? outcome.values[i] : before;
            for (uint256 j = 0; j < plan.markCount; j++) {
                ReplayMark memory mark = plan.marks[j];
                if (mark.slot == slot && mark.isWritten) value = mark.value;
            }
            if (value == before) continue;
            assembly ("memory-safe") {
                let entry := add(add(writes, 0x20), length)
                mstore(entry, slot)
                mstore(add(entry, 0x20), value)
            }
            length += ENTRY_BYTES;
        }
        assembly ("memory-safe") {
            writesHash := keccak256(add(writes, 0x20), length)
        }
    }

    function _isMarked(ReplayPlan memory plan, bytes32 slot) private pure returns (bool) {
        for (uint256 i = 0; i < plan.markCount; i++) {
            if (plan.marks[i].slot == slot) return true;
        }
        return false;
    }
}
