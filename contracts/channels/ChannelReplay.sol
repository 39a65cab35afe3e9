// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelReplay} from "../interfaces/IChannelReplay.sol";
import {IChannelScratch} from "../interfaces/IChannelScratch.sol";
import {CallFaults} from "../libraries/CallFaults.sol";
import {GasProbe} from "../libraries/GasProbe.sol";
import {ReplayPlans} from "../libraries/ReplayPlans.sol";
import {ReplayVerdicts} from "../libraries/ReplayVerdicts.sol";
import {SlotSets} from "../libraries/SlotSets.sol";
import {StateTree} from "../libraries/StateTree.sol";
import {SlotValue} from "../types/ChannelCourtTypes.sol";
import {Replay, ReplayPlan, ScratchRun} from "../types/ChannelReplayTypes.sol";
import {Call, ChannelView, RecordHeader, SlotProof} from "../types/ChannelTypes.sol";
import {ChannelScratch} from "./ChannelScratch.sol";

/// @title Where the chain runs a record again, see {IChannelReplay}
contract ChannelReplay is IChannelReplay {
    /// @dev Where it is run, and what.
    struct Subject {
        address scratch;
        address program;
    }

    uint256 private constant SELECTOR_BYTES = 4;

    address private immutable SCRATCH = address(new ChannelScratch());
    address private immutable PROBE = GasProbe.deploy();

    /// @inheritdoc IChannelReplay
    function openReplay(
        bytes32 root,
        SlotValue[] calldata touched,
        SlotValue[] calldata besides,
        SlotProof[] calldata proofs
    ) external returns (address scratch) {
        if (proofs.length != touched.length + besides.length) {
            revert ChannelReplay_WrongCount(touched.length + besides.length, proofs.length);
        }
        _requireValues(root, touched, proofs, 0);
        _requireValues(root, besides, proofs, touched.length);
        (bytes32 touchedHash, bytes32 besidesHash) = (SlotSets.hash(touched), SlotSets.hash(besides));
        scratch = scratchOf(root, touchedHash, besidesHash, block.number);
        if (scratch.code.length != 0) return scratch;
        Clones.cloneDeterministic(SCRATCH, _saltOf(root, touchedHash, besidesHash, block.number));
        IChannelScratch(scratch).load(touched);
        if (besides.length != 0) IChannelScratch(scratch).load(besides);
        emit ReplayOpened(root, touchedHash, besidesHash, scratch);
    }

    /// @inheritdoc IChannelReplay
    function isFalse(
        IChannelHub hub,
        RecordHeader calldata header,
        bytes32 rootBefore,
        Replay calldata replay
    ) external returns (bool) {
        bytes32 actual = keccak256(replay.input);
        if (actual != header.inputHash) revert IChannelCourt.ChannelCourt_WrongInput(header.inputHash, actual);
        address scratch = _requireOpened(header, rootBefore, replay);
        if (!SlotSets.isAscending(replay.touched)) return true;
        ChannelView memory channel = hub.channelOf(header.channel);
        ReplayPlan memory plan = ReplayPlans.planOf(address(hub), channel, header, replay);
        if (plan.lacksSlot) return true;
        if (!plan.runs) return ReplayVerdicts.isFalseWithoutRun(header, plan, replay);
        _requireProgram(channel);
        return _isFalseRun(Subject(scratch, channel.program), header, plan, replay);
    }

    /// @inheritdoc IChannelReplay
    function requireRulesGas() public {
        // What scratches are clones of holds no values.
        ScratchRun memory probe = _run(SCRATCH, PROBE, GasProbe.GAS_LIMIT, "", new bytes32[](0));
        uint256 used = probe.succeeded ? probe.gasUsed : GasProbe.GAS_LIMIT;
        if (used != GasProbe.GAS) revert ChannelReplay_OtherGas(GasProbe.GAS, used);
    }

    /// @inheritdoc IChannelReplay
    function scratchOf(
        bytes32 root,
        bytes32 touchedHash,
        bytes32 besidesHash,
        uint256 openedIn
    ) public view returns (address) {
        return Clones.predictDeterministicAddress(SCRATCH, _saltOf(root, touchedHash, besidesHash, openedIn));
    }

    /// @inheritdoc IChannelReplay
    function readCall(
        bytes calldata input
    ) external pure returns (Call memory call, bytes memory signature, bytes4[] memory functions) {
        return CallFaults.readCall(input);
    }

    function _isFalseRun(
        Subject memory subject,
        RecordHeader calldata header,
        ReplayPlan memory plan,
        Replay calldata replay
    ) private returns (bool) {
        bytes32[] memory slots = SlotSets.slotsOf(replay.touched, replay.besides);
        // A slot that comes twice is warm the second time, so that nothing of the touched set stands besides it too.
        _requireCold(subject.scratch, slots);
        bytes memory context = ReplayPlans.contextOf(plan.sender, header);
        ScratchRun memory first =
            _run(subject.scratch, subject.program, plan.gasLimit, bytes.concat(plan.data, context), slots);
        ReplayVerdicts.Outcome memory outcome = ReplayVerdicts.outcomeOf(plan, replay, first);
        if (outcome.needsSecond) {
            ScratchRun memory second =
                _run(subject.scratch, subject.program, plan.gasLimit, bytes.concat(plan.withoutHook, context), slots);
            outcome = ReplayVerdicts.outcomeWithoutHook(header, plan, replay, first, second);
        }
        if (outcome.status != header.status || outcome.gasUsed != header.gasUsed) {
            // Where gas costs something else, calls end otherwise without anybody's fault.
            requireRulesGas();
            return true;
        }
        return ReplayVerdicts.isFalse(header, plan, replay, outcome);
    }

    function _requireOpened(
        RecordHeader calldata header,
        bytes32 rootBefore,
        Replay calldata replay
    ) private view returns (address scratch) {
        SlotSets.requireHash(replay.touched, header.touchedHash);
        scratch = scratchOf(rootBefore, header.touchedHash, SlotSets.hash(replay.besides), replay.openedIn);
        // In the block in which they were loaded, slots may be warm, and the values before a transaction others.
        if (replay.openedIn >= block.number || scratch.code.length == 0) {
            revert ChannelReplay_NotOpened(scratch, replay.openedIn);
        }
    }

    function _requireProgram(ChannelView memory channel) private view {
        bytes32 actual = channel.program.codehash;
        if (actual != channel.codeHash) {
            revert ChannelReplay_ProgramChanged(channel.program, channel.codeHash, actual);
        }
    }

    function _requireCold(address scratch, bytes32[] memory slots) private view {
        (, bytes memory result) = scratch.staticcall(abi.encodeCall(IChannelScratch.requireCold, (slots)));
        if (bytes4(result) != IChannelScratch.ChannelScratch_Cold.selector) revert ChannelReplay_NotRun(result);
    }

    function _run(
        address scratch,
        address program,
        uint256 gasLimit,
        bytes memory data,
        bytes32[] memory slots
    ) private returns (ScratchRun memory) {
        (, bytes memory result) = scratch.call(abi.encodeCall(IChannelScratch.run, (program, gasLimit, data, slots)));
        if (bytes4(result) != IChannelScratch.ChannelScratch_Ran.selector) revert ChannelReplay_NotRun(result);
        assembly ("memory-safe") {
            // The error's arguments alone.
            let length := sub(mload(result), SELECTOR_BYTES)
            result := add(result, SELECTOR_BYTES)
            mstore(result, length)
        }
        return abi.decode(result, (ScratchRun));
    }

    /// @param first Proof of the first slot.
    function _requireValues(
        bytes32 root,
        SlotValue[] calldata slots,
        SlotProof[] calldata proofs,
        uint256 first
    ) private pure {
        for (uint256 i = 0; i < slots.length; i++) {
            bytes32 expected = StateTree.valueOf(root, slots[i].slot, proofs[first + i]);
            if (expected != slots[i].value) revert ChannelReplay_WrongValue(slots[i].slot, expected, slots[i].value);
        }
    }

    function _saltOf(
        bytes32 root,
        bytes32 touchedHash,
        bytes32 besidesHash,
        uint256 openedIn
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(root, touchedHash, besidesHash, openedIn));
    }
}
