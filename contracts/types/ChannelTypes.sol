// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What an asset is.
enum AssetKind {
    Ether,
    ERC20,
    ERC721,
    ERC1155
}

/// @dev What came into a record, see RecordHeader.
enum RecordKind {
    // Record 0: the program's initial state.
    Initialize,
    // A user's call.
    Call,
    // The program's tick.
    Tick,
    // The next entry of the channel's inbox.
    Inbox,
    // A session key was granted or revoked.
    Session,
    // The first record of a term, see issue 7.
    Term
}

/// @dev How a record's execution ended.
enum RecordStatus {
    // It reverted, ran out of gas or was invalid: only its nonce was written.
    Failed,
    Success,
    // It touched more slots than the rules allow; as Failed.
    OverLimit
}

/// @dev What an inbox entry tells the channel.
enum InboxKind {
    None,
    // data = abi.encode(address signer, uint64 joinNumber, Asset[] assets).
    Join,
    Leave,
    Close,
    // data = abi.encode(uint64 bannedUntilMs, address newLeader).
    Ban,
    // data = abi.encode(address candidate), zero for none any more.
    Delegate,
    // data = abi.encode(Call call, bytes signature).
    ForcedCall,
    // data = abi.encode(bool absent): the account does not count, or does again; false for a leader that is asked whether it is there.
    Presence,
    // data = abi.encode(uint64 term, address leader); the entry's account is the leader.
    Term
}

/// @dev Where a settlement's changes go.
enum SettlementMode {
    // Every changed slot is written into the channel's store.
    Slots,
    // Only the state's root; slots are written by proof when somebody needs them.
    Root
}

/// @dev What a member says to a proposal.
enum VoteOption {
    Against,
    For,
    Abstain
}

/// @dev What a member is accused of.
enum PunishmentReason {
    None,
    WrongResult,
    // Order, time or tick.
    WrongOrder,
    ForgedInput,
    // Dropped transactions, or silence.
    Dropped,
    Equivocation
}

/// @dev What a proposal asks for; the numbers are those of the specification.
enum ProposalType {
    None,
    Settlement,
    Punishment
}

/// @dev Where a proposal stands. It follows from votes and time.
enum ProposalState {
    None,
    // Votes are being gathered.
    Proposed,
    // A quorum is for it.
    Passed,
    // A settlement that waits for the end of its window.
    Pending,
    // It took effect.
    Final,
    // It can never pass, or another one of its kind took effect first.
    Rejected
}

/// @dev Who may read a channel through its nodes.
enum ReadAccess {
    Anyone,
    Members
}

/// @dev What the hub tells an app.
enum ChannelNotice {
    Settled,
    MemberLeft,
    MemberBanned,
    Closed
}

/// @dev An amount of an asset.
struct Asset {
    AssetKind kind;
    // Zero for ether.
    address token;
    // Zero for ether and ERC-20.
    uint256 id;
    // Wei, the token's smallest units, 1 for ERC-721.
    uint256 amount;
}

/// @dev One slot before and after.
struct Change {
    bytes32 slot;
    bytes32 oldValue;
    bytes32 newValue;
}

/// @dev A word that an app gives a channel at its creation.
struct Label {
    bytes32 key;
    bytes32 value;
}

/// @dev How long a member's messages take to another one, in milliseconds.
struct PeerDelay {
    address peer;
    uint32 delayMs;
}

/// @dev What a channel was created with.
struct Config {
    SettlementMode mode;
    ReadAccess readAccess;
    // True: a quorum's votes ban and fine; otherwise only a proof does.
    bool votesAreProof;
    uint32 maxMembers;
    // Milliseconds between ticks; 0: no ticks.
    uint64 tickMs;
    // After a pause, at most so many ticks are caught up.
    uint32 maxCatchUpTicks;
    // Time in which a passed settlement can be challenged; 0: none.
    uint64 windowSeconds;
    // A member without a heartbeat on chain for so long is not counted; 0: heartbeats on chain are not used.
    uint64 aliveSeconds;
    // Who is accused of silence has so long to answer; 0: as long as the hub's other channels.
    uint32 answerSeconds;
    uint256 stakeWei;
    uint256 fineWei;
}

/// @dev What identifies a record. Its hash is keccak256 of its ABI encoding, 14 words.
struct RecordHeader {
    uint256 channel;
    uint64 term;
    uint64 height;
    // RecordKind; a number, so that what a liar signed can be shown.
    uint8 kind;
    uint64 timeMs;
    // Hash of the record before.
    bytes32 previous;
    bytes32 inputHash;
    // keccak256 of packed (slot, value before) of every slot read or written, ascending by slot.
    bytes32 touchedHash;
    // keccak256 of packed (slot, new value) of every slot that changed, ascending by slot.
    bytes32 writesHash;
    // RecordStatus.
    uint8 status;
    // Execution gas, without intrinsic gas and before refunds.
    uint64 gasUsed;
    bytes32 returnHash;
    // Root of the state tree after this record.
    bytes32 stateRoot;
    // Inbox entries taken so far.
    uint64 inboxCursor;
}

/// @dev What the hub tells a channel; leaders take them one by one.
struct InboxEntry {
    // From 1.
    uint64 index;
    InboxKind kind;
    address account;
    // Time of the block.
    uint64 timeMs;
    bytes data;
}

/// @dev A user's call, signed by the sender or a session key.
struct Call {
    uint256 channel;
    address sender;
    uint64 nonce;
    uint64 gasLimit;
    uint64 validUntilMs;
    bytes data;
}

/// @dev Lets a key call these functions for a wallet; no functions: all. Signed by the wallet.
struct SessionGrant {
    uint256 channel;
    address wallet;
    address key;
    bytes4[] functions;
    uint64 expiryMs;
}

/// @dev Signed by the wallet.
struct SessionRevoke {
    uint256 channel;
    address wallet;
    address key;
    uint64 nonce;
}

/// @dev Records in a row, signed by the leader's signer.
struct Batch {
    uint256 channel;
    uint64 term;
    uint64 first;
    uint64 last;
    bytes32 recordsRoot;
}

/// @dev "I executed all to `height`, equal, and wrote it down; and I hold a certificate for `certified`", 0 for none.
struct Ack {
    uint256 channel;
    uint64 term;
    uint64 height;
    bytes32 recordHash;
    uint64 certified;
}

/// @dev What a settlement makes final.
struct Settlement {
    uint256 channel;
    // The height that is final already.
    uint64 fromHeight;
    uint64 toHeight;
    // Time of the record at `toHeight`.
    uint64 timeMs;
    // Its hash.
    bytes32 head;
    // Merkle root of the hashes of the records in (fromHeight, toHeight].
    bytes32 recordsRoot;
    bytes32 stateRoot;
    // See ChangeSets.
    bytes32 changesRoot;
    uint64 inboxCursor;
    // SettlementMode, the channel's.
    uint8 mode;
}

/// @dev An accusation.
struct Punishment {
    uint256 channel;
    uint64 term;
    address target;
    uint64 height;
    bytes32 recordHash;
    // PunishmentReason.
    uint8 reason;
}

/// @dev What a member agrees to before an app joins it to a channel. Signed by the member's account.
struct JoinConsent {
    uint256 channel;
    address app;
    address program;
    address member;
    // Address of the key that signs for the member's node.
    address signer;
    // Zero: ether that comes with the join; otherwise the staking pool.
    address stakeSource;
    uint256 maxStake;
    // Seconds since 1970.
    uint64 deadline;
}

/// @dev A vote brought by somebody else: EIP-712 `Vote(channel, proposalHash, option)` by the member's signer.
struct SignedVote {
    address member;
    // VoteOption.
    uint8 option;
    bytes signature;
}

/// @dev What a proposal asked for; the part that is not its type's is empty.
struct ProposalAction {
    ProposalType proposalType;
    Settlement settlement;
    Punishment punishment;
}

/// @dev What decides how a channel's records are played.
struct ChannelRules {
    address program;
    uint64 createdAtMs;
    uint64 tickMs;
    uint32 maxCatchUpTicks;
    bytes32 codeHash;
    // keccak256; the bytes are in ChannelCreated.
    bytes32 initialStateHash;
}

/// @dev What the chain knows of a channel's state.
struct SettledHead {
    // Zero: nothing was settled.
    uint64 height;
    // Time of the record at that height; of the creation when nothing was settled.
    uint64 timeMs;
    uint64 inboxCursor;
    // Changes are being applied by parts: nothing may be read.
    bool locked;
    // Hash of the record at that height.
    bytes32 recordHash;
    bytes32 stateRoot;
}

/// @dev All that a node needs to begin.
struct ChannelView {
    address app;
    address program;
    bytes32 codeHash;
    address store;
    // Who holds the assets, and pulls them from the app at a join.
    address vault;
    uint64 createdAtMs;
    uint64 createdInBlock;
    // keccak256; the bytes are in ChannelCreated.
    bytes32 initialStateHash;
    Config config;
    uint64 term;
    address leader;
    // Members that joined and did not leave, and those of them that are not absent for want of an answer.
    uint32 memberCount;
    uint32 presentCount;
    uint64 inboxLength;
    bool closing;
    bool closed;
    bool frozen;
}

/// @dev What the chain knows of a member.
struct MemberView {
    address signer;
    // From 1; zero: never joined.
    uint64 joinNumber;
    // Inbox entries of the last join, and of the leave or ban after it, zero while there is none.
    uint64 joinedAt;
    uint64 leftAt;
    // True once a final settlement contains the leave or ban.
    bool gone;
    // Not counted: it did not answer, or has no heartbeat where those are asked for.
    bool absent;
    // The inbox entry that said that it did not answer; zero unless it is absent for that.
    uint64 absentAt;
    uint64 lastAliveMs;
    uint64 bannedUntilMs;
    address stakeSource;
    uint256 stakeWei;
    // To whom it delegated, zero for nobody.
    address candidate;
    // Its own voice and those of who back it; none while another one has it.
    uint32 weight;
}

/// @dev Where a proposal stands.
struct ProposalView {
    ProposalType proposalType;
    ProposalState state;
    address proposer;
    // EIP-712 struct hash of the Settlement or Punishment.
    bytes32 proposalHash;
    uint256 weightFor;
    uint256 weightAgainst;
    uint256 weightAbstained;
    // Weight of those that count now.
    uint256 weightCounted;
    // End of the window in seconds since 1970; 0 while it has none.
    uint64 finalAt;
    // Chunks of changes that were applied.
    uint32 chunksApplied;
}

/// @dev That a slot has a value, or none, under a root, see StateTree.
struct SlotProof {
    // From the bottom to the top.
    bytes32[] siblings;
    // What stands at the end of the slot's path: a leaf, or nothing when its value is zero.
    bytes32 leafPath;
    bytes32 leafValue;
}

/// @dev What a node of the state tree is the hash of: a leaf's path and value, or the nodes to its left and right.
struct SlotOpening {
    bool isLeaf;
    bytes32 first;
    bytes32 second;
}

/// @dev What of a settlement can be asked for.
enum DataKind {
    // Records by their heights.
    Records,
    // Chunks of its changes by their numbers from 0.
    Changes
}

/// @dev A record with all that its hashes stand for.
struct RecordData {
    RecordHeader header;
    bytes input;
    // Packed (slot, value before), as in the header's touchedHash.
    bytes touched;
    // Packed (slot, new value), as in the header's writesHash.
    bytes writes;
    // Of the record's hash in the settlement's recordsRoot.
    bytes32[] proof;
}

/// @dev A member's Ack of a head, brought by anybody; term, height and hash are the head's.
struct SignedAck {
    address member;
    uint64 certified;
    bytes signature;
}

/// @dev What a member asked for.
struct DemandView {
    DataKind kind;
    // It waits for an answer.
    bool isOpen;
    // How many this member made of this settlement so far.
    uint8 made;
    // What is to come next, and the last.
    uint64 next;
    uint64 last;
    // In seconds since 1970: without an answer until then the settlement is void.
    uint64 deadline;
    uint256 bondWei;
}

/// @dev How far a channel's freeze is.
struct FreezeView {
    bool frozen;
    // In seconds since 1970; the channel is closed by `conclude` after that.
    uint64 endsAt;
    // The proposal that is the highest certified settlement brought so far; zero for none.
    uint256 best;
}

/// @dev A part of a settlement's changes.
struct ChangePart {
    // Hashes of all chunks, see ChangeSets.
    bytes32[] chunkHashes;
    // The chunk with which `changes` begin; they are whole ones in a row.
    uint256 first;
    Change[] changes;
}

/// @dev Where a member stands that goes to another term, with its signature of `LeaderChange`; see docs/spec/channel-records.md.
struct SignedStanding {
    address member;
    uint64 certifiedTerm;
    uint64 certifiedHeight;
    uint64 head;
    bytes signature;
}
