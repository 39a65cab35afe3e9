// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RecordHeader, SlotProof} from "./ChannelTypes.sol";

/// @dev A record, and who answers for it: the member that has signed it as a leader, in the batch (channel and term of the
/// header, first, last, root above the proof); or a settlement that has it.
struct Opening {
    RecordHeader header;
    // From the record's hash to the batch's root, or to the settlement's `recordsRoot`, see MerkleRoots.
    bytes32[] proof;
    uint64 first;
    uint64 last;
    // The leader's, of the batch.
    bytes signature;
    // Zero: the batch. Otherwise the proposed settlement that has it; first, last and signature are then nothing.
    uint256 proposal;
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

/// @dev What a member is convicted of.
struct Conviction {
    uint256 channel;
    // Whose signature the record has.
    address signer;
    uint64 term;
    uint64 height;
    address reporter;
    // The reporter had committed to it and gets half of the fine.
    bool rewarded;
}
