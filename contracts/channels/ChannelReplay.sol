// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

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
import {Replay, ReplayLoading, ReplayPlace, ReplayPlan, ScratchRun} from "../types/ChannelReplayTypes.sol";
import {Call, ChannelRules, RecordHeader, RecordKind, RecordStatus, SlotProof} from "../types/ChannelTypes.sol";
import {ChannelScratch} from "./ChannelScratch.sol";

/// @title Where the chain runs a record again, see {IChannelReplay}
contract ChannelReplay is IChannelReplay {
    /// @dev Where it is run, and what.
    struct Subject {
        address scratch;
        address program;
    }

    uint256 private constant SELECTOR_BYTES = 4;
    /// @dev Slots that one transaction loads: 22,100 gas each.
    uint256 private constant PART = 256;

    address private immutable SCRATCH = address(new ChannelScratch());
    address private immutable PROBE = GasProbe.deploy();
    mapping(address scratch => ReplayLoading) private _loadings;

    /// @inheritdoc IChannelReplay
    function openReplay(
        bytes32 root,
        SlotValue[] calldata touched,
        SlotValue[] calldata besides,
        SlotProof[] calldata proofs
    ) external returns (address scratch) {
        if (proofs.length != besides.length) revert ChannelReplay_WrongCount(besides.length, proofs.length);
        for (uint256 i = 0; i < besides.length; i++) {
            bytes32 expected = StateTree.valueOf(root, besides[i].slot, proofs[i]);
            if (expected != besides[i].value) {
                revert ChannelReplay_WrongValue(besides[i].slot, expected, besides[i].value);
            }
        }
        bytes32 touchedHash = SlotSets.hash(touched);
        ReplayPlace memory place = ReplayPlace(root, SlotSets.hash(besides), block.number);
        scratch = _scratchOf(place, touchedHash);
        if (scratch.code.length != 0) return scratch;
        Clones.cloneDeterministic(SCRATCH, _saltOf(place, touchedHash));
        bool isLong = touched.length > PART;
        IChannelScratch(scratch).load(isLong ? touched[:PART] : touched);
        if (isLong) _loadings[scratch] = ReplayLoading(uint128(PART), uint128(block.number));
        if (besides.length != 0) IChannelScratch(scratch).load(besides);
        emit ReplayOpened(root, touchedHash, place.besidesHash, scratch);
    }

    /// @inheritdoc IChannelReplay
    function loadMore(ReplayPlace calldata place, SlotValue[] calldata touched) external {
        address scratch = _scratchOf(place, SlotSets.hash(touched));
        ReplayLoading memory loading = _loadings[scratch];
        if (loading.count == 0) revert ChannelReplay_NotOpened(scratch, place.openedIn);
        uint256 end = Math.min(loading.count + PART, touched.length);
        _loadings[scratch] = ReplayLoading(uint128(end), uint128(block.number));
        IChannelScratch(scratch).load(touched[loading.count:end]);
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
        SlotSets.requireHash(replay.touched, header.touchedHash);
        bool isGenesis = header.kind == uint8(RecordKind.Initialize);
        if (!SlotSets.isAscending(replay.touched) || (isGenesis && !SlotSets.isZero(replay.touched))) return true;
        ChannelRules memory rules = hub.rulesOf(header.channel);
        ReplayPlan memory plan = ReplayPlans.planOf(address(hub), rules, header, replay);
        if (plan.lacksSlot) return true;
        ReplayPlace memory place = ReplayPlace(rootBefore, SlotSets.hash(replay.besides), replay.openedIn);
        address scratch = _scratchOf(place, header.touchedHash);
        bool isOpened = _isOpened(scratch, replay);
        bool isOver = ReplayVerdicts.isOverLimit(plan, replay);
        // What the plan took from the slots besides was proven when they were loaded.
        if (!isOpened && ((plan.runs && !isOver) || replay.besides.length != 0)) {
            revert ChannelReplay_NotOpened(scratch, replay.openedIn);
        }
        if (!plan.runs) return ReplayVerdicts.isFalseWithoutRun(header, plan, replay);
        if (isOver && header.status != uint8(RecordStatus.OverLimit)) return true;
        if (!isOpened) return ReplayVerdicts.isFalseBeyondLimit(header, plan, replay);
        _requireProgram(rules);
        return _isFalseRun(Subject(scratch, rules.program), header, plan, replay);
    }

    /// @inheritdoc IChannelReplay
    function scratchOf(ReplayPlace calldata place, bytes32 touchedHash) external view returns (address) {
        return _scratchOf(place, touchedHash);
    }

    /// @inheritdoc IChannelReplay
    function loadedOf(ReplayPlace calldata place, bytes32 touchedHash) external view returns (uint256) {
        return _loadings[_scratchOf(place, touchedHash)].count;
    }

    /// @inheritdoc IChannelReplay
    function requireRulesGas() public {
        // What scratches are clones of holds no values.
        ScratchRun memory probe = _run(SCRATCH, PROBE, GasProbe.GAS_LIMIT, "", new bytes32[](0));
        uint256 used = probe.succeeded ? probe.gasUsed : GasProbe.GAS_LIMIT;
        if (used != GasProbe.GAS) revert ChannelReplay_OtherGas(GasProbe.GAS, used);
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
        ScratchRun memory first = _run(
            subject.scratch,
            subject.program,
            plan.gasLimit,
            bytes.concat(plan.data, context),
            slots
        );
        ReplayVerdicts.Outcome memory outcome = ReplayVerdicts.outcomeOf(plan, replay, first);
        if (outcome.needsSecond) {
            ScratchRun memory second = _run(
                subject.scratch,
                subject.program,
                plan.gasLimit,
                bytes.concat(plan.withoutHook, context),
                slots
            );
            outcome = ReplayVerdicts.outcomeWithoutHook(header, plan, replay, first, second);
        }
        if (outcome.status != header.status || outcome.gasUsed != header.gasUsed) {
            // Where gas costs something else, calls end otherwise without anybody's fault.
            requireRulesGas();
            return true;
        }
        return ReplayVerdicts.isFalse(header, plan, replay, outcome);
    }

    /// @dev In the block in which they were loaded, slots may be warm, and the values before a transaction others.
    function _isOpened(address scratch, Replay calldata replay) private view returns (bool) {
        if (replay.openedIn >= block.number || scratch.code.length == 0) return false;
        uint256 count = replay.touched.length;
        if (count <= PART) return true;
        ReplayLoading memory loading = _loadings[scratch];
        return loading.count == count && loading.lastBlock < block.number;
    }

    function _requireProgram(ChannelRules memory rules) private view {
        bytes32 actual = rules.program.codehash;
        if (actual != rules.codeHash) revert ChannelReplay_ProgramChanged(rules.program, rules.codeHash, actual);
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

    function _scratchOf(ReplayPlace memory place, bytes32 touchedHash) private view returns (address) {
        return Clones.predictDeterministicAddress(SCRATCH, _saltOf(place, touchedHash));
    }

    function _saltOf(ReplayPlace memory place, bytes32 touchedHash) private pure returns (bytes32) {
        return keccak256(abi.encode(place, touchedHash));
    }
}
