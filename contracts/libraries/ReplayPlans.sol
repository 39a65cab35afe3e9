// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelProgram} from "../interfaces/IChannelProgram.sol";
import {IChannelReplay} from "../interfaces/IChannelReplay.sol";
import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {Replay, ReplayMark, ReplayPlan} from "../types/ChannelReplayTypes.sol";
import {
    Asset,
    Call,
    ChannelRules,
    InboxEntry,
    InboxKind,
    RecordHeader,
    RecordKind,
    RecordStatus,
    SessionGrant,
    SessionRevoke
} from "../types/ChannelTypes.sol";
import {CallFaults} from "./CallFaults.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelSignatures} from "./ChannelSignatures.sol";
import {ChannelSlots} from "./ChannelSlots.sol";

/// @title What a record is to do
/// @notice As src/channel/sandbox/play-input.ts plays it, and src/channel/read-input.ts reads entries of the inbox. Whether a call
/// or session may stand in a record at all is not asked here: what may not is shown otherwise, see CallFaults and OrderFaults.
library ReplayPlans {
    /// @dev As ChannelContext has it; nobody has its key.
    address private constant SYSTEM = address(uint160(uint256(keccak256("sprf.channel.system"))));

    /// @notice What a record does on these values.
    /// @dev Reverts with _NoKind, _MissingSlot, and as CallFaults reads inputs.
    function planOf(
        address hub,
        ChannelRules memory rules,
        RecordHeader calldata header,
        Replay calldata replay
    ) internal view returns (ReplayPlan memory plan) {
        plan.status = uint8(RecordStatus.Success);
        // Whether a tick is due decides whether any other record may be.
        if (rules.tickMs != 0) _touch(plan, replay, ChannelSlots.CLOCK);
        if (header.kind == uint8(RecordKind.Initialize)) {
            _planGenesis(plan, rules, replay);
        } else if (header.kind == uint8(RecordKind.Call)) {
            _planCall(plan, hub, replay);
        } else if (header.kind == uint8(RecordKind.Tick)) {
            _planTick(plan, rules, replay, header.timeMs);
        } else if (header.kind == uint8(RecordKind.Inbox)) {
            _planEntry(plan, hub, header, replay);
        } else if (header.kind == uint8(RecordKind.Session)) {
            _planSession(plan, replay);
        } else if (header.kind != uint8(RecordKind.Term)) {
            revert IChannelReplay.ChannelReplay_NoKind(header.kind);
        }
    }

    /// @notice What stands behind the data of each call.
    function contextOf(address sender, RecordHeader calldata header) internal pure returns (bytes memory) {
        return abi.encodePacked(sender, header.timeMs, header.height, header.previous);
    }

    /// @dev The clock's mark is the first one; so in `_planTick`.
    function _planGenesis(ReplayPlan memory plan, ChannelRules memory rules, Replay calldata replay) private pure {
        _callSystem(plan, abi.encodeCall(IChannelProgram.initialize, (replay.input)));
        if (rules.tickMs != 0) _write(plan, 0, rules.createdAtMs + rules.tickMs);
    }

    function _planTick(
        ReplayPlan memory plan,
        ChannelRules memory rules,
        Replay calldata replay,
        uint64 timeMs
    ) private pure {
        _callSystem(plan, abi.encodeCall(IChannelProgram.channelTick, ()));
        // There are no ticks in a channel without a clock.
        if (rules.tickMs == 0) plan.lacksSlot = true;
        else if (!plan.lacksSlot) _write(plan, 0, _nextTick(rules, replay, timeMs));
    }

    function _planCall(ReplayPlan memory plan, address hub, Replay calldata replay) private view {
        (Call memory call, bytes memory signature, bytes4[] memory functions) = CallFaults.readCall(replay.input);
        address signer = CallFaults.signerOf(hub, ChannelSignatures.hash(call), signature);
        bool isBySession = signer != call.sender || functions.length != 0;
        _touch(plan, replay, ChannelSlots.nonceSlot(call.sender));
        _callProgram(plan, replay, call, isBySession ? signer : address(0));
    }

    /// @dev The nonce's mark is the last one.
    function _callProgram(
        ReplayPlan memory plan,
        Replay calldata replay,
        Call memory call,
        address sessionKey
    ) private pure {
        _write(plan, plan.markCount - 1, uint256(call.nonce) + 1);
        if (sessionKey != address(0)) _touch(plan, replay, ChannelSlots.sessionSlot(call.sender, sessionKey));
        if (call.data.length > ChannelLimits.CALLDATA_BYTES || call.gasLimit > ChannelLimits.CALL_GAS) {
            plan.status = uint8(RecordStatus.OverLimit);
            return;
        }
        (plan.runs, plan.sender, plan.gasLimit, plan.data) = (true, call.sender, call.gasLimit, call.data);
    }

    function _planEntry(
        ReplayPlan memory plan,
        address hub,
        RecordHeader calldata header,
        Replay calldata replay
    ) private view {
        InboxEntry memory entry = abi.decode(replay.input, (InboxEntry));
        if (entry.kind == InboxKind.Join) {
            (, , Asset[] memory assets) = abi.decode(entry.data, (address, uint64, Asset[]));
            _callSystem(plan, abi.encodeCall(IChannelProgram.channelJoin, (entry.account, assets, true)));
            plan.withoutHook = abi.encodeCall(IChannelProgram.channelJoin, (entry.account, assets, false));
        } else if (entry.kind == InboxKind.Leave || entry.kind == InboxKind.Ban) {
            _callSystem(plan, abi.encodeCall(IChannelProgram.channelLeave, (entry.account, true)));
            plan.withoutHook = abi.encodeCall(IChannelProgram.channelLeave, (entry.account, false));
        } else if (entry.kind == InboxKind.Close) {
            _callSystem(plan, abi.encodeCall(IChannelProgram.channelClose, ()));
        } else if (entry.kind == InboxKind.ForcedCall) {
            _planForced(plan, hub, header, replay, entry.data);
        }
    }

    /// @dev The leader had to take it, whatever it holds: one that is not valid does nothing.
    function _planForced(
        ReplayPlan memory plan,
        address hub,
        RecordHeader calldata header,
        Replay calldata replay,
        bytes memory data
    ) private view {
        (Call memory call, bool isValid, address sessionKey) = _readForced(hub, header, replay, data);
        if (!isValid) {
            plan.status = uint8(RecordStatus.Failed);
            return;
        }
        bytes32 slot = ChannelSlots.nonceSlot(call.sender);
        _touch(plan, replay, slot);
        if (plan.lacksSlot) return;
        if (uint256(_valueOf(replay, slot)) != call.nonce) {
            plan.status = uint8(RecordStatus.Failed);
            return;
        }
        _callProgram(plan, replay, call, sessionKey);
    }

    function _readForced(
        address hub,
        RecordHeader calldata header,
        Replay calldata replay,
        bytes memory data
    ) private view returns (Call memory call, bool isValid, address sessionKey) {
        // Nobody makes a call invalid by giving too little gas to read it.
        CallFaults.requireReadingGas();
        bytes memory signature;
        bytes4[] memory functions;
        try IChannelReplay(address(this)).readCall(data) returns (
            Call memory call_,
            bytes memory signature_,
            bytes4[] memory functions_
        ) {
            (call, signature, functions) = (call_, signature_, functions_);
        } catch {
            return (call, false, address(0));
        }
        if (call.channel != header.channel || call.validUntilMs < header.timeMs) return (call, false, address(0));
        address signer = CallFaults.signerOf(hub, ChannelSignatures.hash(call), signature);
        if (signer == address(0)) return (call, false, address(0));
        if (signer == call.sender && functions.length == 0) return (call, true, address(0));
        uint256 granted = uint256(_valueOf(replay, ChannelSlots.sessionSlot(call.sender, signer)));
        return (call, CallFaults.allows(granted, header.timeMs, functions, call.data), signer);
    }

    function _planSession(ReplayPlan memory plan, Replay calldata replay) private pure {
        (uint8 what, SessionGrant memory grant, SessionRevoke memory revoke, ) = CallFaults.readSession(replay.input);
        if (what == 0) {
            _touch(plan, replay, ChannelSlots.sessionSlot(grant.wallet, grant.key));
            _write(plan, plan.markCount - 1, CallFaults.sessionOf(grant.expiryMs, grant.functions));
            return;
        }
        _touch(plan, replay, ChannelSlots.sessionSlot(revoke.wallet, revoke.key));
        _write(plan, plan.markCount - 1, CallFaults.REVOKED);
        _touch(plan, replay, ChannelSlots.nonceSlot(revoke.wallet));
        _write(plan, plan.markCount - 1, uint256(revoke.nonce) + 1);
    }

    function _callSystem(ReplayPlan memory plan, bytes memory data) private pure {
        (plan.runs, plan.sender, plan.gasLimit, plan.data) = (true, SYSTEM, ChannelLimits.CALL_GAS, data);
    }

    /// @dev As src/domain/channel/ticks.ts: after a pause, at most so many are caught up.
    function _nextTick(
        ChannelRules memory rules,
        Replay calldata replay,
        uint64 timeMs
    ) private pure returns (uint256) {
        uint256 dueMs = uint256(_valueOf(replay, ChannelSlots.CLOCK));
        uint256 tickMs = rules.tickMs;
        if (timeMs < dueMs || timeMs - dueMs <= rules.maxCatchUpTicks * tickMs) return dueMs + tickMs;
        return rules.createdAtMs + ((timeMs - rules.createdAtMs) / tickMs + 1) * tickMs;
    }

    function _touch(ReplayPlan memory plan, Replay calldata replay, bytes32 slot) private pure {
        plan.marks[plan.markCount++].slot = slot;
        (bool isThere, ) = _find(replay.touched, slot);
        if (!isThere) plan.lacksSlot = true;
    }

    function _write(ReplayPlan memory plan, uint256 index, uint256 value) private pure {
        ReplayMark memory mark = plan.marks[index];
        (mark.isWritten, mark.value) = (true, bytes32(value));
    }

    function _valueOf(Replay calldata replay, bytes32 slot) private pure returns (bytes32) {
        (bool isThere, bytes32 value) = _find(replay.touched, slot);
        if (isThere) return value;
        (isThere, value) = _find(replay.besides, slot);
        if (!isThere) revert IChannelReplay.ChannelReplay_MissingSlot(slot);
        return value;
    }

    function _find(SlotValue[] calldata set, bytes32 slot) private pure returns (bool, bytes32) {
        for (uint256 i = 0; i < set.length; i++) {
            if (set[i].slot == slot) return (true, set[i].value);
        }
        return (false, 0);
    }
}
