// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev Of whose silence an accusation is. Five slots.
struct Accusation {
    // Zero: of nobody.
    address accuser;
    // In seconds since 1970.
    uint40 deadline;
    // Until then nobody accuses the member again.
    uint40 quietUntil;
    bool isOfLeader;
    // The leader has shown a record of its own.
    bool isThere;
    // Slot: the term of the record, or the one that the accuser of a leader is in.
    uint64 term;
    // Of a follower: the record that it does not ack.
    uint64 height;
    // Of a leader: the accusation's entry of the inbox, and the term of the hub then.
    uint64 entry;
    uint64 officeTerm;
    // Slot.
    bytes32 recordHash;
    // Slot.
    uint128 bondWei;
    uint96 feeWei;
    // The channel's.
    uint32 answerSeconds;
    // Slot: the records that the accused asks for.
    uint64 first;
    uint64 last;
    uint128 demandBondWei;
}

/// @dev What a member is accused of.
struct AccusationView {
    // Zero: of nothing.
    address accuser;
    // In seconds since 1970; also of records that are asked for.
    uint64 deadline;
    bool isOfLeader;
    // The leader has shown that it is there.
    bool isThere;
    uint64 term;
    // Of a follower: the record to ack.
    uint64 height;
    bytes32 recordHash;
    // Of a leader: the inbox entry that a record must have taken.
    uint64 entry;
    // Records that the accused asks for; zeros for none.
    uint64 firstDemanded;
    uint64 lastDemanded;
    uint256 bondWei;
    uint256 feeWei;
}
