// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {ChannelRules, InboxEntry, RecordHeader, RecordKind, RecordStatus} from "../types/ChannelTypes.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {RecordHash} from "./RecordHash.sol";

/// @title Records that stand where they must not
/// @notice What a record's header and the one before it show, and the hub's inbox.
library OrderFaults {
    uint256 private constant FIRST_TERM = 1;

    /// @notice A record that follows one of its term by its height, and names another one.
    function isUnlinked(
        RecordHeader memory header,
        uint64 beforeHeight,
        bytes32 beforeHash
    ) internal pure returns (bool) {
        return header.height == uint256(beforeHeight) + 1 && header.previous != beforeHash;
    }

    /// @notice A record of a kind or status that there is not, that begins a term otherwise than by its election, falls in time or term, leaves out heights or inbox entries,
    /// or takes an entry that the hub has not.
    function isMisplaced(
        RecordHeader memory header,
        RecordHeader memory before,
        IChannelHub hub
    ) internal view returns (bool) {
        bool isTick = header.kind == uint8(RecordKind.Tick);
        bool isInbox = header.kind == uint8(RecordKind.Inbox);
        if (header.kind == uint8(RecordKind.Initialize) || header.kind > uint8(type(RecordKind).max)) return true;
        // A term begins with its election, and term 1 with the first record.
        bool begins = header.term > Math.max(before.term, FIRST_TERM);
        if ((header.kind == uint8(RecordKind.Term)) != begins) return true;
        if (header.status > uint8(type(RecordStatus).max)) return true;
        if (header.channel != before.channel || header.height != uint256(before.height) + 1) return true;
        if (header.term < before.term || header.timeMs < before.timeMs) return true;
        if (header.inboxCursor != uint256(before.inboxCursor) + (isInbox ? 1 : 0)) return true;
        if (isTick) return header.inputHash != keccak256("");
        return isInbox && header.inputHash != hub.inboxHash(header.channel, header.inboxCursor);
    }

    /// @notice A record 0 that is another one than the channel was created with. What it came to is not looked at.
    function isOtherGenesis(
        uint256 channel,
        RecordHeader memory genesis,
        IChannelHub hub
    ) internal view returns (bool) {
        ChannelRules memory created = hub.rulesOf(channel);
        bool isPlaced = genesis.channel == channel && genesis.term == 0 && genesis.previous == 0;
        bool isOfKind = genesis.kind == uint8(RecordKind.Initialize) && genesis.inboxCursor == 0;
        bool isCreated = genesis.timeMs == created.createdAtMs && genesis.inputHash == created.initialStateHash;
        return !(isPlaced && isOfKind && isCreated);
    }

    /// @notice A user's call or session long after an entry of the inbox that was not taken. What comes due at once after a
    /// pause, ticks and the entries themselves, is not held against a leader.
    function isPastEntry(
        RecordHeader memory header,
        InboxEntry calldata entry,
        IChannelHub hub
    ) internal view returns (bool) {
        if (RecordHash.hash(entry) != hub.inboxHash(header.channel, entry.index)) return false;
        if (header.kind != uint8(RecordKind.Call) && header.kind != uint8(RecordKind.Session)) return false;
        return
            header.inboxCursor < entry.index && header.timeMs > uint256(entry.timeMs) + ChannelLimits.INBOX_PATIENCE_MS;
    }
}
