// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChangeSets} from "../../libraries/ChangeSets.sol";
import {ChannelLimits} from "../../libraries/ChannelLimits.sol";
import {ChannelSignatures} from "../../libraries/ChannelSignatures.sol";
import {ChannelSlots} from "../../libraries/ChannelSlots.sol";
import {MerkleRoots} from "../../libraries/MerkleRoots.sol";
import {OpcodeScan} from "../../libraries/OpcodeScan.sol";
import {RecordHash} from "../../libraries/RecordHash.sol";
import {StateTree} from "../../libraries/StateTree.sol";
import {
    Ack,
    Batch,
    Call,
    Change,
    InboxEntry,
    JoinConsent,
    Punishment,
    RecordHeader,
    SessionGrant,
    SessionRevoke,
    Settlement,
    SlotOpening,
    SlotProof
} from "../../types/ChannelTypes.sol";

/// @title The libraries of channels, callable by tests
contract ChannelLibraries {
    function check(address program) external view returns (bytes32) {
        return OpcodeScan.check(program);
    }

    function domainOf(address hub) external view returns (bytes32) {
        return ChannelSignatures.domainOf(hub);
    }

    function digestOf(address hub, bytes32 structHash) external view returns (bytes32) {
        return ChannelSignatures.digestOf(hub, structHash);
    }

    function firstForbidden(bytes calldata code) external pure returns (uint256) {
        return OpcodeScan.firstForbidden(code);
    }

    function slotValue(bytes32 root, bytes32 slot, SlotProof calldata proof) external pure returns (bytes32) {
        return StateTree.valueOf(root, slot, proof);
    }

    function updatedRoot(
        bytes32 root,
        bytes32 slot,
        bytes32 value,
        SlotProof calldata proof,
        SlotOpening calldata opening
    ) external pure returns (bytes32) {
        return StateTree.update(root, slot, value, proof, opening);
    }

    function changesRoot(Change[] calldata changes) external pure returns (bytes32) {
        return ChangeSets.rootOf(changes);
    }

    function chunkHashes(Change[] calldata changes) external pure returns (bytes32[] memory) {
        return ChangeSets.hashesOf(changes);
    }

    function merkleRoot(bytes32[] calldata leaves) external pure returns (bytes32) {
        return MerkleRoots.rootOf(leaves);
    }

    function recordHash(RecordHeader calldata header) external pure returns (bytes32) {
        return RecordHash.hash(header);
    }

    function inboxHash(InboxEntry calldata entry) external pure returns (bytes32) {
        return RecordHash.hash(entry);
    }

    function hashCall(Call calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashSessionGrant(SessionGrant calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashSessionRevoke(SessionRevoke calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashBatch(Batch calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashAck(Ack calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashSettlement(Settlement calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashPunishment(Punishment calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function hashJoinConsent(JoinConsent calldata value) external pure returns (bytes32) {
        return ChannelSignatures.hash(value);
    }

    function voteHash(uint256 channel, bytes32 proposalHash, uint8 option) external pure returns (bytes32) {
        return ChannelSignatures.voteHash(channel, proposalHash, option);
    }

    function limits() external pure returns (uint256[6] memory) {
        return
            [
                ChannelLimits.TOUCHED_SLOTS,
                ChannelLimits.CALLDATA_BYTES,
                ChannelLimits.CALL_GAS,
                ChannelLimits.MEMBERS,
                ChannelLimits.ASSETS,
                ChannelLimits.CHUNK
            ];
    }

    function bases() external pure returns (bytes32[7] memory) {
        return
            [
                ChannelSlots.NONCES,
                ChannelSlots.SESSIONS,
                ChannelSlots.CLOCK,
                ChannelSlots.REQUESTS,
                ChannelSlots.OWNED,
                ChannelSlots.EXITS,
                ChannelSlots.ASSETS
            ];
    }
}
