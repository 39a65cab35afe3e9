// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RecordHeader, SlotProof} from "./ChannelTypes.sol";

/// @dev A record that a leader has signed, in the batch (channel and term of the header, first, last, root above the proof).
struct Opening {
    RecordHeader header;
    // From the record's hash to the batch's root, see MerkleRoots.
    bytes32[] proof;
    uint64 first;
    uint64 last;
    // The leader's, of the batch.
    bytes signature;
}

/// @dev A slot with a value: before a record in its touched set, after it in its write set.
struct SlotValue {
    bytes32 slot;
    bytes32 value;
}

/// @dev A user's call or session as a record has it, and what the state before the record has of the wallet.
struct UserWord {
    bytes input;
    // Proofs of the wallet's nonce, and of the slot of its session with the key that signed or is granted. Those that are not
    // asked for may be empty.
    SlotProof nonce;
    SlotProof session;
}

/// @dev What a leader is convicted of.
struct Conviction {
    uint256 channel;
    uint64 term;
    uint64 height;
    address reporter;
    // The reporter had committed to it and gets half of the fine.
    bool rewarded;
    // The record is false, whoever follows it: nothing of this term may be settled from it on.
    bool voids;
}

/// @dev Whoever signs as a term's leader, and whether it was convicted of something in that term.
struct TermLeader {
    address signer;
    bool convicted;
}

/// @dev Records of `term` and earlier ones are void from `height` on.
struct Fault {
    uint64 height;
    uint64 term;
}
