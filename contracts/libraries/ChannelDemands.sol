// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelVault} from "../interfaces/IChannelVault.sol";
import {Challenge, Channel, Demand, HubState, Proposal} from "../types/ChannelState.sol";
import {Change, DataKind, DemandView, RecordData, Settlement} from "../types/ChannelTypes.sol";
import {ChangeSets} from "./ChangeSets.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelTiming} from "./ChannelTiming.sol";
import {ChannelVoids} from "./ChannelVoids.sol";
import {MerkleRoots} from "./MerkleRoots.sol";

/// @title Data of settlements, on demand
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelDemands {
    using ChannelRoster for Channel;
    using ChannelVoids for Channel;
    using SafeCast for uint256;

    /// @notice Of a member and a settlement.
    uint256 internal constant MAX_DEMANDS = 4;
    /// @notice Of one demand. Four demands are for 1,024 records.
    uint256 internal constant MAX_RECORDS = 256;
    uint256 internal constant MAX_CHUNKS = 16;
    /// @notice Gas that the bond is for, of a record or chunk: the largest one has some 30 KB.
    uint256 internal constant ITEM_GAS = 1_600_000;
    /// @notice What an answer is paid: for a byte as EIP-7623 has it at most, and for the rest.
    uint256 internal constant BYTE_GAS = 40;
    uint256 internal constant BASE_GAS = 60_000;
    /// @notice Slots that a record may touch: two calls of two million gas, at 2,100 a slot.
    uint256 internal constant MAX_TOUCHED = 2_048;
    uint256 private constant ENTRY_BYTES = 64;
    uint256 private constant HEADER_BYTES = 800;
    uint256 private constant CHANGE_BYTES = 96;
    uint256 private constant WORD_BYTES = 32;
    uint256 private constant FEE_FACTOR = 2;
    /// @dev Where blocks cost nothing there is still some bond.
    uint256 private constant LEAST_FEE = 1 gwei;

    /// @dev What is asked for.
    struct Asked {
        uint256 channel;
        uint256 proposal;
        DataKind kind;
        uint64 first;
        uint64 last;
    }

    /// @dev Whose demand it is.
    struct Subject {
        uint256 channel;
        uint256 proposal;
        address member;
    }

    /// @notice See `IChannelChallenges.demandData`.
    function demand(HubState storage state, Asked calldata asked) external {
        Channel storage self = state.channels[asked.channel];
        (uint256 channel, uint256 id) = (asked.channel, asked.proposal);
        Settlement memory settlement = _requireInFlight(self, channel, id);
        (address account, ) = self.requireMember(channel, msg.sender);
        Challenge storage challenge = self.challenges[id];
        Demand storage mine = self.demands[id][account];
        if (mine.isOpen || mine.made >= MAX_DEMANDS) {
            revert IChannelChallenges.ChannelHub_TooManyDemands(channel, id, account);
        }
        if (!_isThere(settlement, challenge, asked)) revert IChannelChallenges.ChannelHub_BadDemand(channel, id);
        uint256 feeWei = FEE_FACTOR * Math.max(block.basefee, LEAST_FEE);
        uint256 leastWei = (uint256(asked.last) - asked.first + 1) * ITEM_GAS * feeWei;
        if (msg.value < leastWei) revert IChannelChallenges.ChannelHub_BondTooSmall(leastWei, msg.value);
        (mine.kind, mine.isOpen, mine.next, mine.last) = (asked.kind, true, asked.first, asked.last);
        mine.made++;
        mine.deadline = uint40(block.timestamp + ChannelTiming.answerSeconds(self));
        (mine.bondWei, mine.gasPriceWei) = (msg.value.toUint128(), feeWei.toUint128());
        if (challenge.open++ == 0) challenge.stoppedAt = uint40(block.timestamp);
        emit IChannelChallenges.DataDemanded(channel, id, account, asked.kind, asked.first, asked.last, mine.deadline);
        IChannelVault(self.vault).fund{value: msg.value}();
    }

    /// @notice See `IChannelChallenges.answerRecords`.
    function answerRecords(HubState storage state, Subject calldata subject, RecordData[] calldata records) external {
        Channel storage self = state.channels[subject.channel];
        Settlement memory settlement = _requireInFlight(self, subject.channel, subject.proposal);
        Demand memory mine = _requireWaiting(self, subject, DataKind.Records, records.length);
        uint256 gas = BASE_GAS;
        for (uint256 i = 0; i < records.length; i++) {
            _requireRecord(subject, settlement, records, i, mine.next + uint64(i));
            uint256 size = records[i].input.length + records[i].touched.length + records[i].writes.length;
            gas += (HEADER_BYTES + size + records[i].proof.length * WORD_BYTES) * BYTE_GAS;
        }
        emit IChannelChallenges.RecordsShown(subject.channel, subject.proposal, records);
        _advance(self, subject, mine, records.length, gas);
    }

    /// @notice See `IChannelChallenges.answerChanges`.
    function answerChanges(
        HubState storage state,
        Subject calldata subject,
        bytes32[] calldata chunkHashes,
        Change[] calldata changes
    ) external {
        Channel storage self = state.channels[subject.channel];
        Settlement memory settlement = _requireInFlight(self, subject.channel, subject.proposal);
        bytes32[] memory hashes = ChangeSets.hashesOf(changes);
        Demand memory mine = _requireWaiting(self, subject, DataKind.Changes, hashes.length);
        // What was asked for by numbers of another list is not what is answered.
        if (_useList(self, subject, settlement.changesRoot, chunkHashes)) mine.made--;
        for (uint256 i = 0; i < hashes.length; i++) {
            if (mine.next + i >= chunkHashes.length || hashes[i] != chunkHashes[mine.next + i]) {
                revert IChannelChallenges.ChannelHub_WrongAnswer(subject.channel, subject.proposal, mine.next);
            }
        }
        emit IChannelChallenges.ChangesShown(subject.channel, subject.proposal, mine.next, chunkHashes, changes);
        uint256 size = changes.length * CHANGE_BYTES + chunkHashes.length * WORD_BYTES;
        _advance(self, subject, mine, hashes.length, BASE_GAS + size * BYTE_GAS);
    }

    /// @notice See `IChannelChallenges.resolveDemand`.
    function resolve(HubState storage state, Subject calldata subject) external {
        Channel storage self = state.channels[subject.channel];
        Demand storage mine = self.demands[subject.proposal][subject.member];
        _requireOpen(mine, subject);
        if (_isInFlight(self, subject.proposal)) {
            if (block.timestamp <= mine.deadline) {
                revert IChannelChallenges.ChannelHub_TooEarly(subject.channel, uint256(mine.deadline) + 1);
            }
            self.voidSettlement(subject.channel, subject.proposal);
        }
        _end(self, subject, mine.bondWei);
    }

    /// @notice See `IChannelChallenges.demandOf`.
    function demandOf(HubState storage state, Subject calldata subject) external view returns (DemandView memory) {
        Demand memory mine = state.channels[subject.channel].demands[subject.proposal][subject.member];
        return DemandView(mine.kind, mine.isOpen, mine.made, mine.next, mine.last, mine.deadline, mine.bondWei);
    }

    /// @dev There is such data, as far as is known.
    function _isThere(
        Settlement memory settlement,
        Challenge storage challenge,
        Asked calldata asked
    ) private view returns (bool) {
        if (asked.last < asked.first) return false;
        uint64 more = asked.last - asked.first;
        if (asked.kind == DataKind.Records) {
            // The first settlement begins behind record 0, which is shown together with the record that names it.
            bool begins = asked.first > settlement.fromHeight || settlement.fromHeight == 0;
            bool isWithin = asked.last > settlement.fromHeight && asked.last <= settlement.toHeight;
            return begins && isWithin && more < MAX_RECORDS;
        }
        if (challenge.listHash == 0) return asked.last == 0 && settlement.changesRoot != 0;
        return asked.last < challenge.chunks && more < MAX_CHUNKS;
    }

    /// @dev The record at that height, whole, and one of those that the settlement has; or record 0, if it is the one that the
    /// next record of the same answer names.
    function _requireRecord(
        Subject calldata subject,
        Settlement memory settlement,
        RecordData[] calldata records,
        uint256 index,
        uint64 height
    ) private pure {
        RecordData calldata data = records[index];
        bytes32 hash = keccak256(abi.encode(data.header));
        bool isRight =
            data.header.channel == subject.channel &&
                data.header.height == height &&
                keccak256(data.input) == data.header.inputHash &&
                keccak256(data.touched) == data.header.touchedHash &&
                keccak256(data.writes) == data.header.writesHash &&
                // Other bytes are no set of slots, which nobody could show to be false.
                data.touched.length % ENTRY_BYTES == 0 &&
                data.writes.length % ENTRY_BYTES == 0 &&
                data.touched.length <= MAX_TOUCHED * ENTRY_BYTES &&
                (height != settlement.toHeight || hash == settlement.head) &&
                (
                    height == 0
                        ? _isGenesis(records, hash)
                        : MerkleProof.verifyCalldata(data.proof, settlement.recordsRoot, hash)
                );
        if (!isRight) revert IChannelChallenges.ChannelHub_WrongAnswer(subject.channel, subject.proposal, height);
    }

    /// @dev Record 1 is one of the settlement's, as it is looked at next. Siblings would be paid for, and show nothing.
    function _isGenesis(RecordData[] calldata records, bytes32 hash) private pure returns (bool) {
        return records.length > 1 && records[0].proof.length == 0 && records[1].header.previous == hash;
    }

    /// @dev The first answer says which list of chunks it is. Inner nodes of the tree can stand in it for chunks; who says such
    /// a list can be asked for them, and has no changes for them. But whoever answers its own demand could say one to keep
    /// others from answering: so a longer list takes the place of a shorter one, and the longest is of chunks alone.
    /// @return isOther Another list was known.
    function _useList(
        Channel storage self,
        Subject calldata subject,
        bytes32 changesRoot,
        bytes32[] calldata chunkHashes
    ) private returns (bool isOther) {
        Challenge storage challenge = self.challenges[subject.proposal];
        bytes32 listHash = keccak256(abi.encodePacked(chunkHashes));
        if (challenge.listHash == listHash) return false;
        if (chunkHashes.length <= challenge.chunks || MerkleRoots.rootOf(chunkHashes) != changesRoot) {
            revert IChannelChallenges.ChannelHub_NotOfSettlement(subject.channel, subject.proposal);
        }
        isOther = challenge.listHash != 0;
        challenge.listHash = listHash;
        challenge.chunks = chunkHashes.length.toUint32();
    }

    /// @dev Pays for what was answered, and ends the demand with the last of it.
    function _advance(
        Channel storage self,
        Subject calldata subject,
        Demand memory mine,
        uint256 answered,
        uint256 gas
    ) private {
        // Blocks may cost more than when it was asked for.
        uint256 priceWei = Math.max(mine.gasPriceWei, FEE_FACTOR * block.basefee);
        uint256 paidWei = Math.min(gas * priceWei, mine.bondWei);
        self.credits[msg.sender] += paidWei;
        mine.next += uint64(answered);
        mine.bondWei -= uint128(paidWei);
        self.demands[subject.proposal][subject.member] = mine;
        emit IChannelChallenges.DataAnswered(subject.channel, subject.proposal, subject.member, mine.next, paidWei);
        if (mine.next > mine.last) _end(self, subject, mine.bondWei);
    }

    /// @dev Gives the rest of the bond back; with the last demand the window goes on.
    function _end(Channel storage self, Subject calldata subject, uint256 bondWei) private {
        Demand storage mine = self.demands[subject.proposal][subject.member];
        (mine.isOpen, mine.bondWei) = (false, 0);
        self.credits[subject.member] += bondWei;
        Challenge storage challenge = self.challenges[subject.proposal];
        if (--challenge.open != 0) return;
        uint40 stood = uint40(block.timestamp) - challenge.stoppedAt;
        if (self.head.frozen) {
            if (self.freeze.best == subject.proposal && self.freeze.endsAt > challenge.stoppedAt) {
                self.freeze.endsAt += stood;
            }
        } else if (self.head.settling == subject.proposal) {
            Proposal storage proposal = self.proposals[subject.proposal];
            if (proposal.finalAt > challenge.stoppedAt) proposal.finalAt += stood;
        }
    }

    function _requireWaiting(
        Channel storage self,
        Subject calldata subject,
        DataKind kind,
        uint256 answered
    ) private view returns (Demand memory mine) {
        _requireOpen(self.demands[subject.proposal][subject.member], subject);
        mine = self.demands[subject.proposal][subject.member];
        bool isLate = block.timestamp > mine.deadline;
        if (mine.kind != kind || isLate || answered == 0 || answered > uint256(mine.last) - mine.next + 1) {
            revert IChannelChallenges.ChannelHub_WrongAnswer(subject.channel, subject.proposal, mine.next);
        }
    }

    function _requireOpen(Demand storage mine, Subject calldata subject) private view {
        if (mine.isOpen) return;
        revert IChannelChallenges.ChannelHub_NoDemand(subject.channel, subject.proposal, subject.member);
    }

    function _requireInFlight(
        Channel storage self,
        uint256 channel,
        uint256 id
    ) private view returns (Settlement memory settlement) {
        settlement = self.requireOpen(channel, id);
        if (!_isInFlight(self, id)) revert IChannelChallenges.ChannelHub_NotChallengeable(channel, id);
    }

    /// @dev It passed, or was brought to a frozen channel.
    function _isInFlight(Channel storage self, uint256 id) private view returns (bool) {
        if (self.head.closed) return false;
        return self.head.frozen ? self.isBrought(id) : self.head.settling == id;
    }
}
