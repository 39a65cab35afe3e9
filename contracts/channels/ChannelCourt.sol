// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {CallFaults} from "../libraries/CallFaults.sol";
import {OrderFaults} from "../libraries/OrderFaults.sol";
import {RecordHash} from "../libraries/RecordHash.sol";
import {RecordOpenings} from "../libraries/RecordOpenings.sol";
import {StateFaults} from "../libraries/StateFaults.sol";
import {Conviction, Opening, SlotValue, UserWord} from "../types/ChannelCourtTypes.sol";
import {
    Call,
    InboxEntry,
    RecordHeader,
    SessionGrant,
    SessionRevoke,
    SlotOpening,
    SlotProof
} from "../types/ChannelTypes.sol";

/// @title Where a leader is convicted by what it signed, see {IChannelCourt}
contract ChannelCourt is IChannelCourt {
    using RecordOpenings for Opening;

    uint256 private constant BLOCKS_AHEAD = 2;

    IChannelHub private _hub;
    mapping(bytes32 commitment => uint256 blockNumber) private _commitments;
    mapping(uint256 channel => mapping(bytes32 recordsRoot => mapping(uint64 height => uint64 term))) private _terms;

    /// @inheritdoc IChannelCourt
    function attachHub() external {
        if (address(_hub) != address(0)) revert ChannelCourt_AlreadyAttached(address(_hub));
        _hub = IChannelHub(msg.sender);
    }

    /// @inheritdoc IChannelCourt
    function commit(bytes32 commitment) external {
        // Nobody takes a commitment's age by making it again.
        if (_commitments[commitment] != 0) return;
        _commitments[commitment] = block.number;
        emit Committed(commitment);
    }

    /// @inheritdoc IChannelCourt
    function accuseEquivocation(Opening calldata one, Opening calldata other, bytes32 salt) external {
        (
            RecordHeader memory header,
            bytes32 recordHash,
            RecordHeader memory second,
            bytes32 otherHash,
            bool isOne
        ) = RecordOpenings.openTwo(one, other, _hub);
        bool isFault = isOne && header.height == second.height && recordHash != otherHash;
        _convict(header, recordHash, salt, isFault, false);
    }

    /// @inheritdoc IChannelCourt
    function accuseUnlinked(Opening calldata record, Opening calldata before, bytes32 salt) external {
        (
            RecordHeader memory header,
            bytes32 recordHash,
            RecordHeader memory last,
            bytes32 lastHash,
            bool isOne
        ) = RecordOpenings.openTwo(record, before, _hub);
        bool isFault = isOne && OrderFaults.isUnlinked(header, last.height, lastHash);
        _convict(header, recordHash, salt, isFault, true);
    }

    /// @inheritdoc IChannelCourt
    function accuseMisplaced(Opening calldata record, RecordHeader calldata before, bytes32 salt) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        RecordOpenings.requireBefore(header, before);
        _convict(header, recordHash, salt, OrderFaults.isMisplaced(header, before, _hub), true);
    }

    /// @inheritdoc IChannelCourt
    function accuseMistimed(
        Opening calldata record,
        RecordHeader calldata before,
        SlotProof calldata clock,
        bytes32 salt
    ) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        RecordOpenings.requireBefore(header, before);
        uint64 tickMs = _hub.channelOf(header.channel).config.tickMs;
        _convict(header, recordHash, salt, StateFaults.isMistimed(header, before.stateRoot, tickMs, clock), true);
    }

    /// @inheritdoc IChannelCourt
    function accusePastEntry(Opening calldata record, InboxEntry calldata entry, bytes32 salt) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        _convict(header, recordHash, salt, OrderFaults.isPastEntry(header, entry, _hub), true);
    }

    /// @inheritdoc IChannelCourt
    function accuseFalseValue(
        Opening calldata record,
        RecordHeader calldata before,
        SlotValue[] calldata touched,
        uint256 index,
        SlotProof calldata proof,
        bytes32 salt
    ) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        RecordOpenings.requireBefore(header, before);
        bool isFault = StateFaults.isFalseValue(header, before.stateRoot, touched, index, proof);
        _convict(header, recordHash, salt, isFault, true);
    }

    /// @inheritdoc IChannelCourt
    function accuseFalseRoot(
        Opening calldata record,
        RecordHeader calldata before,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings,
        bytes32 salt
    ) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        RecordOpenings.requireBefore(header, before);
        bool isFault = StateFaults.isFalseRoot(header, before.stateRoot, writes, proofs, openings);
        _convict(header, recordHash, salt, isFault, true);
    }

    /// @inheritdoc IChannelCourt
    function accuseForged(
        Opening calldata record,
        RecordHeader calldata before,
        UserWord calldata word,
        bytes32 salt
    ) external {
        (RecordHeader memory header, bytes32 recordHash) = record.open(_hub);
        RecordOpenings.requireBefore(header, before);
        bool isFault = CallFaults.isForged(header, before.stateRoot, word, address(_hub));
        _convict(header, recordHash, salt, isFault, true);
    }

    /// @inheritdoc IChannelCourt
    function showRemade(RecordHeader calldata header, bytes32[] calldata proof, bytes32 recordsRoot) external {
        bytes32 actual = MerkleProof.processProofCalldata(proof, RecordHash.hash(header));
        if (actual != recordsRoot) revert ChannelCourt_WrongRoot(recordsRoot, actual);
        mapping(uint64 height => uint64 term) storage terms = _terms[header.channel][recordsRoot];
        // The same height twice under one root is another fault; what is right must not suffer from it.
        if (header.term <= terms[header.height]) return;
        terms[header.height] = header.term;
        emit Remade(header.channel, recordsRoot, header.height, header.term);
    }

    /// @inheritdoc IChannelCourt
    function termAt(uint256 channel, bytes32 recordsRoot, uint64 height) external view returns (uint64) {
        return _terms[channel][recordsRoot][height];
    }

    /// @inheritdoc IChannelCourt
    function committedIn(bytes32 commitment) external view returns (uint256) {
        return _commitments[commitment];
    }

    /// @inheritdoc IChannelCourt
    function hub() external view returns (IChannelHub) {
        return _hub;
    }

    /// @inheritdoc IChannelCourt
    function readCall(
        bytes calldata input
    ) external pure returns (Call memory call, bytes memory signature, bytes4[] memory functions) {
        return CallFaults.readCall(input);
    }

    /// @inheritdoc IChannelCourt
    function readSession(
        bytes calldata input
    )
        external
        pure
        returns (uint8 what, SessionGrant memory grant, SessionRevoke memory revoke, bytes memory signature)
    {
        return CallFaults.readSession(input);
    }

    /// @inheritdoc IChannelCourt
    function commitmentOf(
        address reporter,
        uint256 channel,
        bytes32 recordHash,
        bytes32 salt
    ) public pure returns (bytes32) {
        return keccak256(abi.encode(reporter, channel, recordHash, salt));
    }

    function _convict(RecordHeader memory header, bytes32 recordHash, bytes32 salt, bool isFault, bool voids) private {
        (uint256 channel, uint64 term, uint64 height) = (header.channel, header.term, header.height);
        if (!isFault) revert ChannelCourt_NoFault(channel, term, height);
        uint256 madeIn = _commitments[commitmentOf(msg.sender, channel, recordHash, salt)];
        bool rewarded = madeIn != 0 && block.number >= madeIn + BLOCKS_AHEAD;
        _hub.convict(Conviction(channel, term, height, msg.sender, rewarded, voids));
    }
}
