import type { PostedRecords } from "./channel-absence.ts";
import type { ChannelChallenges, DataRange, RecordData, ShownChanges } from "./channel-challenges.ts";
import type { JoinConsent } from "../wire/channel/consent.ts";
import type { SignedCall } from "../wire/channel/call.ts";
import type { Asset, InboxEntry } from "../wire/channel/inbox-entry.ts";
import type { Change, Punishment, Settlement } from "../wire/channel/settlement.ts";

/** Options of every call. */
export interface HubOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a channel was created with. */
export interface ChannelConfig {
  /** One of SETTLEMENT_MODES. */
  readonly mode: number;
  /** Who may read the channel through its nodes. */
  readonly readAccess: "anyone" | "members";
  /** True: a quorum's votes ban and fine; otherwise only a proof does. */
  readonly votesAreProof: boolean;
  readonly maxMembers: number;
  /** 0: no ticks. */
  readonly tickMs: number;
  readonly maxCatchUpTicks: number;
  /** Time in which a passed settlement can be challenged; 0: none. */
  readonly windowSeconds: number;
  /** A member without a heartbeat on chain for so long does not count; 0: heartbeats on chain are not used. */
  readonly aliveSeconds: number;
  /** Who is accused of silence has so long to answer; 0: as long as in the hub's other channels. */
  readonly answerSeconds: number;
  readonly stakeWei: bigint;
  readonly fineWei: bigint;
}

/** A channel as it stands now. Addresses are lower-case hex with 0x, hashes 32 bytes. */
export interface ChannelInfo {
  readonly channel: bigint;
  readonly app: string;
  readonly program: string;
  /** keccak256 of the program's code. */
  readonly codeHash: Uint8Array;
  readonly store: string;
  readonly vault: string;
  /** Time of record 0. */
  readonly createdAtMs: number;
  readonly createdInBlock: number;
  readonly initialStateHash: Uint8Array;
  readonly config: ChannelConfig;
  /** 0 while nobody ever joined. */
  readonly term: number;
  /** Absent while nobody is there to lead. */
  readonly leader?: string;
  /** Members that joined and did not leave. */
  readonly memberCount: number;
  readonly inboxLength: number;
  /** The end was asked for. */
  readonly isClosing: boolean;
  /** The end is settled. */
  readonly isClosed: boolean;
}

/** What is final. */
export interface SettledHead {
  /** 0: nothing was settled. */
  readonly height: number;
  readonly timeMs: number;
  readonly inboxCursor: number;
  /** Changes are being applied by parts. */
  readonly isLocked: boolean;
  readonly recordHash: Uint8Array;
  readonly stateRoot: Uint8Array;
}

/** What the chain knows of a member, or of one that was. */
export interface HubMember {
  readonly account: string;
  readonly signer: string;
  readonly joinNumber: number;
  /** Inbox entry of the last join. */
  readonly joinedAt: number;
  /** Inbox entry of the leave or ban after it. */
  readonly leftAt?: number;
  /** A final settlement contains the leave. */
  readonly isGone: boolean;
  readonly isAbsent: boolean;
  readonly lastAliveMs: number;
  /** 0: never banned. */
  readonly bannedUntilMs: number;
  /** The pool that the stake is from; absent when it came with the join. */
  readonly stakeSource?: string;
  readonly stakeWei: bigint;
  /** To whom it delegated. */
  readonly candidate?: string;
  /** Of its acks: its own and those of who delegated to it; 0 while another one has it, and for who is leaving. */
  readonly weight: number;
}

export type HubProposalState = "proposed" | "passed" | "pending" | "final" | "rejected";

/** A proposal as it stands now; weights count members. */
export interface HubProposal {
  readonly proposal: bigint;
  readonly type: "settlement" | "punishment";
  /** `pending`: passed, and its window is not over. `passed`: it may be executed. */
  readonly state: HubProposalState;
  readonly proposer: string;
  /** Struct hash of what is proposed, which votes name. */
  readonly proposalHash: Uint8Array;
  readonly weightFor: bigint;
  readonly weightAgainst: bigint;
  readonly weightAbstained: bigint;
  readonly weightCounted: bigint;
  /** End of its window in seconds since 1970; 0 while it has none. */
  readonly finalAtSeconds: number;
  readonly chunksApplied: number;
}

/** A vote of a member's signer that anybody may bring. */
export interface HubVote {
  readonly member: string;
  /** One of VOTE_OPTIONS. */
  readonly option: number;
  /** 65 bytes, of the EIP-712 struct Vote. */
  readonly signature: Uint8Array;
}

/** Proof of a slot under a state root: siblings from the bottom up, and what stands at the end of the slot's path. */
export interface HubSlotProof {
  readonly siblings: readonly Uint8Array[];
  /** Zero with `leafValue` zero: nothing stands there. */
  readonly leafPath: Uint8Array;
  readonly leafValue: Uint8Array;
}

/** Something that happened to a channel. */
export type HubEvent =
  /** The next entry of the inbox; its hash is the one that the chain keeps. */
  | { readonly kind: "inbox"; readonly entry: InboxEntry }
  | { readonly kind: "term"; readonly term: number; readonly leader: string }
  | { readonly kind: "alive"; readonly member: string; readonly delaysMs: ReadonlyMap<string, number> }
  | {
      readonly kind: "proposed";
      readonly proposal: bigint;
      readonly type: "settlement" | "punishment";
      readonly proposer: string;
      readonly proposalHash: Uint8Array;
      /** Of a settlement. */
      readonly settlement?: Settlement;
    }
  | { readonly kind: "voted"; readonly proposal: bigint; readonly member: string; readonly option: number }
  | { readonly kind: "passed"; readonly proposal: bigint; readonly finalAtSeconds: number }
  | {
      readonly kind: "settled";
      /** 0 for one that was final in its own transaction. */
      readonly proposal: bigint;
      readonly height: number;
      readonly head: Uint8Array;
      readonly stateRoot: Uint8Array;
      readonly inboxCursor: number;
    }
  /** Its leave is final. */
  | { readonly kind: "left"; readonly member: string }
  | { readonly kind: "banned"; readonly member: string; readonly bannedUntilMs: number; readonly fineWei: bigint }
  /** A member was accused of its absence, or has answered, or that is over. */
  | { readonly kind: "accusation"; readonly member: string }
  /** What an accused member had demanded. */
  | ({ readonly kind: "records-posted"; readonly member: string } & PostedRecords)
  | { readonly kind: "closed" }
  /** A settlement was shown to be none. */
  | { readonly kind: "voided"; readonly proposal: bigint }
  | {
      readonly kind: "demanded";
      readonly proposal: bigint;
      readonly member: string;
      readonly range: DataRange;
      readonly deadlineSeconds: number;
    }
  /** Up to `next` a demand is answered. */
  | { readonly kind: "answered"; readonly proposal: bigint; readonly member: string; readonly next: number }
  /** What an answer showed. */
  | { readonly kind: "records-shown"; readonly proposal: bigint; readonly records: readonly RecordData[] }
  | { readonly kind: "changes-shown"; readonly proposal: bigint; readonly shown: ShownChanges }
  /** An exit was not settled in time. */
  | { readonly kind: "frozen"; readonly entryIndex: number; readonly endsAtSeconds: number }
  /** The highest settlement of a frozen channel so far. */
  | {
      readonly kind: "brought";
      readonly proposal: bigint;
      readonly term: number;
      readonly height: number;
      readonly endsAtSeconds: number;
    };

/** All events of a channel up to a block that were not told before. */
export interface HubNews {
  /** Up to this block everything is told; it has the confirmations that were asked for. */
  readonly toBlock: number;
  /** The time of that block. */
  readonly timeMs: number;
  /** In the order of the chain; may be empty. */
  readonly events: readonly HubEvent[];
}

/** How to follow a channel. */
export interface FollowOptions extends HubOptions {
  /** @default the block of the channel's creation */
  readonly fromBlock?: number;
  /** Blocks that must be on top of an event's block. @default 0 */
  readonly confirmations?: number;
}

/**
 * The channels' contract as one account sees it (contracts/interfaces/IChannelHub.sol). Votes and acks are signed by a member's signer
 * and not here; what is sent is sent by the account. Every call throws SprfError `CHAIN_UNREACHABLE` when the node is away, and
 * `CHAIN_REVERTED` with the contract's error in `context.error` when the hub refuses.
 */
export interface ChannelHub extends ChannelChallenges {
  /** Of the hub; signatures name it. Lower-case hex with 0x. */
  readonly address: string;
  readonly chainId: bigint;
  /** The account that sends. */
  readonly account: string;
  /** Largest number of changes that surely fit into one transaction beside the votes of a full channel. */
  readonly maxChanges: number;

  /** Where stake for many channels is. */
  pool(options?: HubOptions): Promise<string>;
  blockNumber(options?: HubOptions): Promise<number>;
  /** `undefined` when no channel has this number. */
  channel(channel: bigint, options?: HubOptions): Promise<ChannelInfo | undefined>;
  /** What `initialize` was given. */
  initialState(channel: ChannelInfo, options?: HubOptions): Promise<Uint8Array>;
  /** Code of the channel's program, checked against its hash. */
  programCode(channel: ChannelInfo, options?: HubOptions): Promise<Uint8Array>;
  /** Zeros when there is no such label. */
  label(channel: bigint, key: Uint8Array, options?: HubOptions): Promise<Uint8Array>;
  head(channel: bigint, options?: HubOptions): Promise<SettledHead>;
  /** Everybody who joined and is not gone, by join number. */
  members(channel: bigint, options?: HubOptions): Promise<readonly HubMember[]>;
  /** `undefined` when it never joined. */
  member(channel: bigint, account: string, options?: HubOptions): Promise<HubMember | undefined>;
  /** `undefined` when there is none. */
  inboxHash(channel: bigint, index: number, options?: HubOptions): Promise<Uint8Array | undefined>;
  /** `undefined` when there is none. */
  proposal(channel: bigint, proposal: bigint, options?: HubOptions): Promise<HubProposal | undefined>;
  /** An asset with what of it the vault holds for the channel. */
  asset(channel: bigint, assetKey: Uint8Array, options?: HubOptions): Promise<Asset>;
  /** What was paid to an account of an asset so far. */
  paid(channel: bigint, account: string, assetKey: Uint8Array, options?: HubOptions): Promise<bigint>;
  /** Stake that is free again, and shares of fines. */
  creditWei(channel: bigint, account: string, options?: HubOptions): Promise<bigint>;
  /** A call of the program's views on what is settled. */
  readStore(channel: ChannelInfo, data: Uint8Array, options?: HubOptions): Promise<Uint8Array>;

  /** Events of a range of blocks that exist, in the order of the chain. */
  events(channel: bigint, fromBlock: number, toBlock: number, options?: HubOptions): Promise<readonly HubEvent[]>;
  /** Events as they come, block after block, until aborted. A node that is away is asked again. */
  follow(channel: bigint, options?: FollowOptions): AsyncIterable<HubNews>;

  registerProgram(program: string, options?: HubOptions): Promise<void>;
  /** The account's signature of its own consent to join, which its app brings to the hub. */
  signConsent(consent: JoinConsent): Promise<Uint8Array>;
  requestExit(channel: bigint, options?: HubOptions): Promise<void>;
  /**
   * Puts the leave of a member that the program asks for in the settled state into the inbox. With a proof of `requests[member]` under
   * the settled root, which the mode of slots does not need.
   */
  leaveByRequest(channel: bigint, member: string, proof: HubSlotProof | undefined, options?: HubOptions): Promise<void>;
  /** The same for the channel's end; the proof is of `requests[0]`. */
  closeByRequest(channel: bigint, proof: HubSlotProof | undefined, options?: HubOptions): Promise<void>;
  keepAlive(channel: bigint, delaysMs: ReadonlyMap<string, number>, options?: HubOptions): Promise<void>;
  /** Lets a candidate speak for the account, or with `undefined` nobody any more. */
  delegate(channel: bigint, candidate: string | undefined, options?: HubOptions): Promise<void>;
  forceCall(signedCall: SignedCall, options?: HubOptions): Promise<void>;

  /** Resolves with the proposal's number. */
  proposeSettlement(settlement: Settlement, options?: HubOptions): Promise<bigint>;
  /** To accuse is to vote for it. Resolves with the proposal's number. */
  proposePunishment(punishment: Punishment, options?: HubOptions): Promise<bigint>;
  vote(channel: bigint, proposal: bigint, option: number, options?: HubOptions): Promise<void>;
  voteBySignatures(channel: bigint, proposal: bigint, votes: readonly HubVote[], options?: HubOptions): Promise<void>;
  /** A settlement's changes are brought in one transaction, or in several under the channel's lock, as many as they need. */
  executeSettlement(channel: bigint, proposal: bigint, changes: readonly Change[], options?: HubOptions): Promise<void>;
  executePunishment(channel: bigint, proposal: bigint, options?: HubOptions): Promise<void>;
  /**
   * Proposes, brings the votes of a quorum and executes, in one transaction where that is possible. When a window is not over, the
   * settlement has passed only, and `executeSettlement` ends it. The number is 0 for one that was final in its own transaction, which
   * is no proposal.
   */
  settle(
    settlement: Settlement,
    changes: readonly Change[],
    votes: readonly HubVote[],
    options?: HubOptions,
  ): Promise<{ readonly proposal: bigint; readonly isFinal: boolean }>;

  /** Sends a member what left the channel for it; resolves with the amount. In the mode of slots. */
  claim(channel: bigint, member: string, assetKey: Uint8Array, options?: HubOptions): Promise<bigint>;
  /** The same by proofs under the settled root; `owned` counts once the channel is closed. */
  claimByProof(
    channel: bigint,
    member: string,
    assetKey: Uint8Array,
    proofs: { readonly exits: HubSlotProof; readonly owned: HubSlotProof },
    options?: HubOptions,
  ): Promise<bigint>;
  /** Pays the account what {@link creditWei} says; resolves with the amount. */
  withdrawStake(channel: bigint, options?: HubOptions): Promise<bigint>;
  /** Writes slots of the settled state into the store, in the mode of roots. */
  materialise(
    channel: bigint,
    slots: readonly { readonly slot: Uint8Array; readonly value: Uint8Array; readonly proof: HubSlotProof }[],
    options?: HubOptions,
  ): Promise<void>;
}
