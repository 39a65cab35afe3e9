// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Channel, HubState} from "../types/ChannelState.sol";
import {Change, ChangePart, InboxEntry, RecordHeader, Settlement, SlotProof} from "../types/ChannelTypes.sol";
import {ChangeSets} from "./ChangeSets.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelPunishments} from "./ChannelPunishments.sol";
import {ChannelTiming} from "./ChannelTiming.sol";
import {ChannelVoids} from "./ChannelVoids.sol";
import {MerkleRoots} from "./MerkleRoots.sol";
import {StateTree} from "./StateTree.sol";

/// @title Proofs that a settlement is false
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelFaults {
    using ChannelPunishments for Channel;
    using ChannelVoids for Channel;

    /// @dev What is accused.
    struct Accused {
        uint256 channel;
        uint256 proposal;
        IStakingPool pool;
    }

    /// @notice See `IChannelChallenges.proveHead`.
    function proveHead(
        HubState storage state,
        Accused calldata accused,
        RecordHeader calldata header,
        bytes32[] calldata proof
    ) external {
        Channel storage self = state.channels[accused.channel];
        Settlement memory settlement = self.requireOpen(accused.channel, accused.proposal);
        bytes32 hash = keccak256(abi.encode(header));
        bool isIn =
            header.height > settlement.fromHeight &&
                header.height <= settlement.toHeight &&
                header.channel == accused.channel;
        if (hash == settlement.head) {
            bool isTrue =
                isIn &&
                    header.height == settlement.toHeight &&
                    header.stateRoot == settlement.stateRoot &&
                    header.timeMs == settlement.timeMs &&
                    header.inboxCursor == settlement.inboxCursor;
            _requireFault(accused, !isTrue || _isElsewhere(self, settlement, header));
        } else {
            if (!MerkleProof.verifyCalldata(proof, settlement.recordsRoot, hash)) _revertForeign(accused);
            // Another record at the head's height, or one that has no place here.
            bool isOut = !isIn || header.height == settlement.toHeight;
            _requireFault(accused, isOut || _isElsewhere(self, settlement, header));
        }
        _convict(self, accused);
    }

    /// @notice See `IChannelChallenges.proveChange`.
    function proveChange(
        HubState storage state,
        Accused calldata accused,
        ChangePart calldata part,
        uint256 index,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external {
        Channel storage self = state.channels[accused.channel];
        Settlement memory settlement = self.requireOpen(accused.channel, accused.proposal);
        _requirePart(accused, settlement, part);
        if (index >= part.changes.length) _revertForeign(accused);
        Change calldata change = part.changes[index];
        bool isTrue =
            change.oldValue == StateTree.valueOf(self.head.stateRoot, change.slot, before) &&
                change.newValue == StateTree.valueOf(settlement.stateRoot, change.slot, after_);
        _requireFault(accused, !isTrue);
        _convict(self, accused);
    }

    /// @notice See `IChannelChallenges.proveOmission`.
    function proveOmission(
        HubState storage state,
        Accused calldata accused,
        ChangePart calldata part,
        bytes32 slot,
        SlotProof calldata before,
        SlotProof calldata after_
    ) external {
        Channel storage self = state.channels[accused.channel];
        Settlement memory settlement = self.requireOpen(accused.channel, accused.proposal);
        uint256 chunks = _requirePart(accused, settlement, part);
        bool differs =
            StateTree.valueOf(self.head.stateRoot, slot, before) !=
                StateTree.valueOf(settlement.stateRoot, slot, after_);
        _requireFault(accused, differs && !_has(part.changes, slot));
        if (_isWithin(part.changes, slot) || _isSearched(self, accused, part, chunks, slot)) _convict(self, accused);
    }

    /// @notice See `IChannelChallenges.proveSkipped`.
    function proveSkipped(HubState storage state, Accused calldata accused, InboxEntry calldata entry) external {
        Channel storage self = state.channels[accused.channel];
        Settlement memory settlement = self.requireOpen(accused.channel, accused.proposal);
        if (self.inbox[entry.index] != keccak256(abi.encode(entry))) _revertForeign(accused);
        bool isSkipped =
            entry.index > settlement.inboxCursor && settlement.timeMs > entry.timeMs + ChannelTiming.INCLUSION_MS;
        _requireFault(accused, isSkipped);
        self.voidSettlement(accused.channel, accused.proposal);
    }

    /// @dev The first record does not follow what is final. Of record 0 the hub has no hash.
    function _isElsewhere(
        Channel storage self,
        Settlement memory settlement,
        RecordHeader calldata header
    ) private view returns (bool) {
        return
            settlement.fromHeight != 0 &&
            header.height == settlement.fromHeight + 1 &&
            header.previous != self.head.recordHash;
    }

    /// @dev Void is what it is first, so that those who are banned are not asked about it.
    function _convict(Channel storage self, Accused calldata accused) private {
        self.voidSettlement(accused.channel, accused.proposal);
        self.convict(accused.channel, accused.proposal, accused.pool);
    }

    /// @dev Changes in ascending order, the chunks of which are on the settlement's list.
    function _requirePart(
        Accused calldata accused,
        Settlement memory settlement,
        ChangePart calldata part
    ) private pure returns (uint256 chunks) {
        bytes32[] memory hashes = ChangeSets.hashesOf(part.changes);
        chunks = hashes.length;
        uint256 count = part.chunkHashes.length;
        if (part.first > count || chunks > count - part.first) _revertForeign(accused);
        for (uint256 i = 0; i < chunks; i++) {
            if (hashes[i] != part.chunkHashes[part.first + i]) _revertForeign(accused);
        }
        if (MerkleRoots.rootOf(part.chunkHashes) != settlement.changesRoot) _revertForeign(accused);
    }

    /// @dev Whether the slot would be in one of these chunks, since each is in ascending order.
    function _isWithin(Change[] calldata changes, bytes32 slot) private pure returns (bool) {
        for (uint256 first = 0; first < changes.length; first += ChannelLimits.CHUNK) {
            uint256 last = Math.min(first + ChannelLimits.CHUNK, changes.length) - 1;
            if (changes[first].slot < slot && slot < changes[last].slot) return true;
        }
        return false;
    }

    /// @dev Whether all chunks were shown, in this transaction or in earlier ones. The root does not say in which order chunks
    /// are, nor which of its nodes are none: only who has seen all of them knows that a slot is in none.
    function _isSearched(
        Channel storage self,
        Accused calldata accused,
        ChangePart calldata part,
        uint256 chunks,
        bytes32 slot
    ) private returns (bool) {
        bytes32 search = keccak256(abi.encode(accused.proposal, keccak256(abi.encodePacked(part.chunkHashes)), slot));
        if (part.first > self.searched[search]) _revertForeign(accused);
        uint256 next = part.first + chunks;
        if (next == part.chunkHashes.length) return true;
        if (next > self.searched[search]) self.searched[search] = next;
        return false;
    }

    function _has(Change[] calldata changes, bytes32 slot) private pure returns (bool) {
        for (uint256 i = 0; i < changes.length; i++) {
            if (changes[i].slot == slot) return true;
        }
        return false;
    }

    function _requireFault(Accused calldata accused, bool isFault) private pure {
        if (!isFault) revert IChannelChallenges.ChannelHub_NoFault(accused.channel, accused.proposal);
    }

    function _revertForeign(Accused calldata accused) private pure {
        revert IChannelChallenges.ChannelHub_NotOfSettlement(accused.channel, accused.proposal);
    }
}
