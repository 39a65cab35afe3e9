// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AssetKind, Config, DataKind, ProposalType, Punishment, Settlement} from "./ChannelTypes.sol";

/// @dev Who runs a channel, in one slot.
struct Office {
    // Zero: nobody, for want of members.
    address leader;
    uint64 term;
    // How often seats became free, so that no vote counts for the next one on a seat.
    uint32 vacancies;
}

/// @dev How many of what there are, in one slot.
struct Counters {
    uint64 inbox;
    uint56 joins;
    // Some settlement is void: only then its hash is looked for.
    bool hasVoid;
    uint64 proposals;
    // The inbox entry that asked for the channel's end; zero while there is none.
    uint64 closeAt;
}

/// @dev Sets of seats, a bit each: a channel has 64. One slot.
struct Roster {
    // Those that are taken, by whoever joined and is not gone.
    uint64 seats;
    // Of them, those of members that were banned: they vote no more.
    uint64 banned;
    // Of them, those whose leave or ban is in the inbox.
    uint64 leaving;
    // The inbox entry of the newest join.
    uint64 newestJoinAt;
}

/// @dev What is final. Three slots.
struct Head {
    uint64 height;
    uint64 timeMs;
    uint64 inboxCursor;
    // The settlement that passed and is not final yet; zero for none.
    uint40 settling;
    // That settlement's changes are being applied.
    bool locked;
    bool closed;
    // An exit was not settled in time: nothing moves on but its end.
    bool frozen;
    // Slots.
    bytes32 recordHash;
    bytes32 stateRoot;
}

/// @dev A member, or one that was. Three slots.
struct Member {
    address signer;
    // From 1.
    uint64 joinNumber;
    uint8 seat;
    // A final settlement contains its leave.
    bool gone;
    // Its stake is reserved in the pool.
    bool pooled;
    // Slot: inbox entries of the join, and of the leave or ban, which is zero while there is none.
    uint64 joinedAt;
    uint64 leftAt;
    uint64 lastAliveMs;
    uint64 bannedUntilMs;
    // Slot.
    uint256 stakeWei;
}

/// @dev An asset, and what the vault has of it. Three slots.
struct Holding {
    AssetKind kind;
    address token;
    // Slots.
    uint256 id;
    uint256 amount;
}

/// @dev Seats of those who may vote, and what they said. One slot.
struct Ballot {
    uint64 electorate;
    uint64 inFavour;
    uint64 against;
    uint64 abstained;
}

/// @dev What was proposed, and how far it got.
struct Proposal {
    address proposer;
    // Of a settlement that passed: when its window ends, in seconds since 1970.
    uint40 finalAt;
    // Of a punishment: the vacancies of when it was made.
    uint32 vacancies;
    ProposalType proposalType;
    // It took effect; a punishment: it banned.
    bool isFinal;
    // Slots.
    bytes32 hash;
    Ballot ballot;
    // Slot: of a settlement that is applied by parts.
    uint256 chunksApplied;
}

/// @dev How far data of a settlement were asked for. Two slots.
struct Challenge {
    // Since when the window's clock stands, in seconds since 1970.
    uint40 stoppedAt;
    // Demands that wait.
    uint8 open;
    // How many chunks of changes there are; zero: nobody has said.
    uint32 chunks;
    // Slot: keccak256 of the list of the chunks' hashes.
    bytes32 listHash;
}

/// @dev What a member asked for last. Two slots.
struct Demand {
    DataKind kind;
    bool isOpen;
    // How many it made.
    uint8 made;
    uint40 deadline;
    uint64 next;
    uint64 last;
    // Slot.
    uint128 bondWei;
    uint128 gasPriceWei;
}

/// @dev An exit that was not settled in time. One slot.
struct Freeze {
    uint40 endsAt;
    // After that nothing is brought any more.
    uint40 bringUntil;
    // The proposal that is the highest certified settlement brought so far.
    uint40 best;
}

/// @dev What a certificate says of a settlement that was brought to a frozen channel. One slot.
struct Certified {
    uint64 term;
    // The proposal that was the highest one before; it is so again when this one is void.
    uint40 replaces;
    // How many of those who are in the channel had joined by then.
    uint8 joined;
}

/// @dev Who backs a member. One slot.
struct Backing {
    // Seats of those whose delegation holds.
    uint64 held;
    // All in the order in which they came, the first one in the lowest byte: their seats, plus one.
    uint192 order;
}

/// @dev Who speaks for whom.
struct Delegations {
    // Seats of those who delegated, and of those to whom they did.
    uint64 delegating;
    uint64 backed;
    // Slots: inbox entries with which weights changed, and what they are from there on, four bits a seat.
    uint64[] changedAt;
    mapping(uint256 index => uint256) weights;
    mapping(uint256 seat => Backing) backings;
}

/// @dev For how long a member was absent: the inbox entries that said so, and that it is back; zero while it is not. One slot.
struct Absence {
    uint64 from;
    uint64 to;
}

/// @dev All that the hub stores of a channel.
struct Channel {
    address app;
    uint64 createdAtMs;
    // Slot.
    address program;
    uint64 createdInBlock;
    // Slots.
    bytes32 codeHash;
    bytes32 initialStateHash;
    address store;
    // Seats of those that did not answer an accusation, in the slot of what a settlement reads anyway.
    uint64 absent;
    // Somebody has delegated: only then delegations are looked at.
    bool hasBackers;
    // Slot.
    address vault;
    Config config;
    Office office;
    Counters counters;
    Roster roster;
    Head head;
    mapping(uint256 index => bytes32 entryHash) inbox;
    mapping(address account => Member) members;
    mapping(uint256 seat => address account) seated;
    mapping(address signer => address account) accountOf;
    mapping(uint256 proposal => Proposal) proposals;
    mapping(uint256 proposal => Settlement) settlements;
    mapping(uint256 proposal => mapping(bytes32 chunkHash => bool)) chunks;
    // Settlements that were shown to be none: the same votes do not bring them back.
    mapping(bytes32 settlementHash => bool) voided;
    mapping(uint256 proposal => Punishment) punishments;
    // Accusations that banned somebody.
    mapping(bytes32 punishmentHash => bool) punished;
    mapping(bytes32 key => bytes32 value) labels;
    mapping(bytes32 assetKey => Holding) holdings;
    mapping(address account => mapping(bytes32 assetKey => uint256 amount)) paid;
    // Stakes that are free again, and shares of fines.
    mapping(address account => uint256 amountWei) credits;
    // Of a signer and a term, for which it was fined.
    mapping(address signer => mapping(uint256 term => bool)) convicted;
    mapping(uint256 proposal => Challenge) challenges;
    mapping(uint256 proposal => mapping(address member => Demand)) demands;
    Freeze freeze;
    mapping(uint256 proposal => Certified) certified;
    Delegations delegations;
    // What a join brought that no settlement has taken, in a channel that ended by a freeze.
    mapping(address account => mapping(bytes32 assetKey => uint256 amount)) untaken;
    // Of a settlement, a list of chunks and a slot: up to which chunk the slot was looked for.
    mapping(bytes32 search => uint256 next) searched;
    // When members were absent last.
    mapping(address account => Absence) absences;
}

/// @dev All that the hub stores.
struct HubState {
    uint256 channelCount;
    mapping(address program => bytes32 codeHash) programs;
    mapping(uint256 channel => Channel) channels;
    mapping(bytes32 digest => bool) consents;
    // Whose verdicts count.
    address court;
    // Whose word on who is there counts.
    address absence;
}
