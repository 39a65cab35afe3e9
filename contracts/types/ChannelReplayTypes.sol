// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SlotValue} from "./ChannelCourtTypes.sol";

/// @dev On what a record is run again.
struct Replay {
    // All slots that the record says that it touched, with their values before it.
    SlotValue[] touched;
    // Further slots of the state before: what the program reads besides, or must not touch.
    SlotValue[] besides;
    // The block in which these were loaded.
    uint256 openedIn;
    // The record's.
    bytes input;
}

/// @dev What slots are loaded for, besides the touched set.
struct ReplayPlace {
    // Of the state before the record.
    bytes32 root;
    bytes32 besidesHash;
    uint256 openedIn;
}

/// @dev How much of a long touched set is loaded. One slot.
struct ReplayLoading {
    uint128 count;
    uint128 lastBlock;
}

/// @dev What a run in a scratch came to.
struct ScratchRun {
    bool succeeded;
    // To the unit, without the call's own cost and before refunds.
    uint256 gasUsed;
    bytes32 returnHash;
    // Of the slots that were asked for: what they held afterwards, and whether the program has read or written them. Nothing
    // where it failed, since what a failed call touched is forgotten.
    bytes32[] values;
    bool[] touched;
}

/// @dev A slot of the protocol that a record touches.
struct ReplayMark {
    bytes32 slot;
    bool isWritten;
    // What is written, after the program has run.
    bytes32 value;
}

/// @dev What a record is to do, by its header, its input and the values before it.
struct ReplayPlan {
    // The program is called. Otherwise the record ends with `status`, without gas and return data.
    bool runs;
    uint8 status;
    address sender;
    uint256 gasLimit;
    bytes data;
    // Of a join or leave: what is called when the first call fails or touches too much; otherwise empty.
    bytes withoutHook;
    // The first `markCount` are some.
    ReplayMark[3] marks;
    uint256 markCount;
    // The touched set lacks a slot that decides what the record does: no honest one does.
    bool lacksSlot;
}
