// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelCourt} from "../interfaces/IChannelCourt.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelReplay} from "../interfaces/IChannelReplay.sol";
import {CallFaults} from "../libraries/CallFaults.sol";
import {ChannelSignatures} from "../libraries/ChannelSignatures.sol";
import {OrderFaults} from "../libraries/OrderFaults.sol";
import {RecordOpenings} from "../libraries/RecordOpenings.sol";
import {StateFaults} from "../libraries/StateFaults.sol";
import {Conviction, Opening, SlotValue, UserWord} from "../types/ChannelCourtTypes.sol";
import {Replay} from "../types/ChannelReplayTypes.sol";
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

    IChannelReplay private immutable REPLAY;

    IChannelHub private _hub;
    mapping(bytes32 commitment => uint256 blockNumber) private _commitments;

    /// @param replay_ Runs records again.
    constructor(IChannelReplay replay_) {
        REPLAY = replay_;
    }

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
        (RecordOpenings.Opened memory first, RecordOpenings.Opened memory second) = _openTwo(one, other);
        bool isFault =
            first.signer != address(0) &&
                _areOfOneTerm(first, second) &&
                first.header.height == second.header.height &&
                first.recordHash != second.recordHash;
        _judge(first, salt, isFault);
    }

    /// @inheritdoc IChannelCourt
    function accuseUnlinked(Opening calldata record, Opening calldata before, bytes32 salt) external {
        (RecordOpenings.Opened memory opened, RecordOpenings.Opened memory last) = _openTwo(record, before);
        // A settlement's records follow each other whoever has signed them.
        bool areTogether = opened.proposal == 0 ? _areOfOneTerm(opened, last) : opened.proposal == last.proposal;
        bool isOfChannel = opened.header.channel == last.header.channel;
        bool isFault =
            areTogether && isOfChannel && OrderFaults.isUnlinked(opened.header, last.header.height, last.recordHash);
        _judge(opened, salt, isFault);
    }

    /// @inheritdoc IChannelCourt
    function accuseMisplaced(Opening calldata record, RecordHeader calldata before, bytes32 salt) external {
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        _judge(opened, salt, OrderFaults.isMisplaced(opened.header, before, _hub));
    }

    /// @inheritdoc IChannelCourt
    function accuseMistimed(
        Opening calldata record,
        RecordHeader calldata before,
        SlotProof calldata clock,
        bytes32 salt
    ) external {
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        uint64 tickMs = _hub.rulesOf(opened.header.channel).tickMs;
        _judge(opened, salt, StateFaults.isMistimed(opened.header, before.stateRoot, tickMs, clock));
    }

    /// @inheritdoc IChannelCourt
    function accusePastEntry(Opening calldata record, InboxEntry calldata entry, bytes32 salt) external {
        RecordOpenings.Opened memory opened = record.open(_hub);
        _judge(opened, salt, OrderFaults.isPastEntry(opened.header, entry, _hub));
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
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        _judge(opened, salt, StateFaults.isFalseValue(opened.header, before.stateRoot, touched, index, proof));
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
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        _judge(opened, salt, StateFaults.isFalseRoot(opened.header, before.stateRoot, writes, proofs, openings));
    }

    /// @inheritdoc IChannelCourt
    function accuseForged(
        Opening calldata record,
        RecordHeader calldata before,
        UserWord calldata word,
        bytes32 salt
    ) external {
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        _judge(opened, salt, CallFaults.isForged(opened.header, before.stateRoot, word, address(_hub)));
    }

    /// @inheritdoc IChannelCourt
    function runReplay(
        Opening calldata record,
        RecordHeader calldata before,
        Replay calldata replay_,
        bytes32 salt
    ) external {
        RecordOpenings.Opened memory opened = _openAfter(record, before);
        _judge(opened, salt, REPLAY.isFalse(_hub, record.header, before.stateRoot, replay_));
    }

    /// @inheritdoc IChannelCourt
    function runGenesisReplay(
        Opening calldata record,
        RecordHeader calldata genesis,
        Replay calldata replay_,
        bytes32 salt
    ) external {
        RecordOpenings.Opened memory opened = _openAfterGenesis(record, genesis);
        _judge(opened, salt, REPLAY.isFalse(_hub, genesis, 0, replay_));
    }

    /// @inheritdoc IChannelCourt
    function accuseFalseGenesis(
        Opening calldata record,
        RecordHeader calldata genesis,
        SlotValue[] calldata writes,
        SlotProof[] calldata proofs,
        SlotOpening[] calldata openings,
        bytes32 salt
    ) external {
        RecordOpenings.Opened memory opened = _openAfterGenesis(record, genesis);
        bool isFault =
            OrderFaults.isOtherGenesis(opened.header.channel, genesis, _hub) ||
                StateFaults.isFalseRoot(genesis, 0, writes, proofs, openings);
        _judge(opened, salt, isFault);
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
    function replay() external view returns (IChannelReplay) {
        return REPLAY;
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

    /// @dev Convicts who has signed the record, or makes void the settlement that has it.
    function _judge(RecordOpenings.Opened memory opened, bytes32 salt, bool isFault) private {
        RecordHeader memory header = opened.header;
        (uint256 channel, uint64 term, uint64 height) = (header.channel, header.term, header.height);
        if (!isFault) revert ChannelCourt_NoFault(channel, term, height);
        if (opened.proposal != 0) {
            _hub.voidSettlement(channel, opened.proposal);
            return;
        }
        uint256 madeIn = _commitments[commitmentOf(msg.sender, channel, opened.recordHash, salt)];
        bool rewarded = madeIn != 0 && block.number >= madeIn + BLOCKS_AHEAD;
        _hub.convict(Conviction(channel, opened.signer, term, height, msg.sender, rewarded));
    }

    function _openAfter(
        Opening calldata record,
        RecordHeader calldata before
    ) private view returns (RecordOpenings.Opened memory opened) {
        opened = record.open(_hub);
        RecordOpenings.requireBefore(opened.header, before);
    }

    /// @dev Nobody signs record 0: whoever signs the next one says what it is.
    function _openAfterGenesis(
        Opening calldata record,
        RecordHeader calldata genesis
    ) private view returns (RecordOpenings.Opened memory) {
        if (genesis.height != 0) revert ChannelCourt_NotGenesis(genesis.height);
        return _openAfter(record, genesis);
    }

    function _openTwo(
        Opening calldata one,
        Opening calldata two
    ) private view returns (RecordOpenings.Opened memory first, RecordOpenings.Opened memory second) {
        bytes32 domain = ChannelSignatures.domainOf(address(_hub));
        return (one.open(_hub, domain), two.open(_hub, domain));
    }

    function _areOfOneTerm(
        RecordOpenings.Opened memory one,
        RecordOpenings.Opened memory two
    ) private pure returns (bool) {
        return
            one.signer == two.signer && one.header.channel == two.header.channel && one.header.term == two.header.term;
    }
}
