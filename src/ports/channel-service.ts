import type { SignedCall } from "../wire/channel/call.ts";
import type { SessionInput } from "../wire/channel/session.ts";

/** How sure a call's outcome is: signed by the leader, held by a quorum, or settled on chain. */
export type Commitment = "leader-signed" | "committed" | "final";

/** One event that a program logged. */
export interface ChannelLog {
  /** 32 bytes each. */
  readonly topics: readonly Uint8Array[];
  readonly data: Uint8Array;
}

/** A slot that a record wrote. */
export interface SlotChange {
  /** 32 bytes. */
  readonly slot: Uint8Array;
  /** 32 bytes, zeros where there was nothing. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** What a record did. */
export interface ChannelOutcome {
  readonly height: number;
  readonly term: number;
  readonly timeMs: number;
  readonly kind: "initialize" | "call" | "tick" | "inbox" | "session" | "term";
  /** Whose call it was; absent where the channel called itself. */
  readonly sender?: string | undefined;
  readonly nonce?: bigint | undefined;
  /** `failed`: reverted or out of gas; `over-limit`: touched more slots than a call may. */
  readonly status: "success" | "failed" | "over-limit";
  readonly gasUsed: bigint;
  readonly returnData: Uint8Array;
  readonly logs: readonly ChannelLog[];
  readonly changes: readonly SlotChange[];
  /** 32 bytes. */
  readonly recordHash: Uint8Array;
  /** 32 bytes. */
  readonly stateRoot: Uint8Array;
}

/** An outcome with how sure it is now. */
export interface ChannelReceipt extends ChannelOutcome {
  readonly commitment: Commitment;
}

/** Where a channel stands, as this node knows. */
export interface ChannelHead {
  readonly term: number;
  /** Account of the leader, lower-case hex with 0x, as all addresses here. */
  readonly leader: string;
  readonly height: number;
  readonly committedHeight: number;
  readonly finalHeight: number;
  readonly timeMs: number;
}

/** How records come to a node and go on from it; members are named by their accounts. */
export interface ChannelLinks {
  /** The relay that brings them, with more than five members; absent where the leader itself does. */
  readonly first?: string | undefined;
  /** Whose word is compared with what that one brings. */
  readonly second?: string | undefined;
  /** How long they are on their way from the leader; absent while that is not known. */
  readonly delayMs?: number | undefined;
  /** To members and back. */
  readonly roundTrips: readonly { readonly account: string; readonly ms: number }[];
  /** Who takes records from this node. */
  readonly serves: readonly string[];
  /** How long ago members were heard last. */
  readonly heard?: readonly { readonly account: string; readonly agoMs: number }[] | undefined;
}

/** A channel, as one of its nodes knows it. */
export interface ChannelDescription {
  readonly channel: bigint;
  readonly chainId: bigint;
  readonly hub: string;
  readonly app: string;
  readonly program: string;
  readonly members: readonly { readonly account: string; readonly joinNumber: number }[];
  readonly head: ChannelHead;
  readonly links: ChannelLinks;
  /** Whose node says it. */
  readonly account?: string | undefined;
}

/**
 * What a subscriber hears, in order: a snapshot first where the record it knew is gone or none was given; then every
 * record once it is as sure as was asked; `rollback` when records it was told of are gone; `final` when the chain settled.
 */
export type ChannelUpdate =
  | {
      readonly type: "snapshot";
      readonly height: number;
      readonly recordHash: Uint8Array;
      readonly stateRoot: Uint8Array;
      readonly slots: readonly { readonly slot: Uint8Array; readonly value: Uint8Array }[];
    }
  | { readonly type: "record"; readonly record: ChannelReceipt }
  | { readonly type: "rollback"; readonly toHeight: number }
  | { readonly type: "final"; readonly height: number };

/** From where on a subscriber wants to hear, and how sure it wants to be. */
export interface SubscribeOptions {
  /** Records after this one; a snapshot first when absent, pruned, or when the node has another record at that height. */
  readonly from?: { readonly height: number; readonly recordHash: Uint8Array };
  /** From when on a record is told. @default "committed" */
  readonly commitment?: "leader-signed" | "committed";
  readonly signal: AbortSignal;
}

export interface ChannelServiceOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * A node's channels as its clients use them. Every method rejects with `CHANNEL_UNKNOWN` for a channel that this node is no
 * member of.
 */
export interface ChannelService {
  describe(channel: bigint, options?: ChannelServiceOptions): Promise<ChannelDescription>;
  /**
   * Resolves when the call is in a record that the leader signed; asking again with the same call gives the same record.
   * Rejects: `CHANNEL_SIGNATURE_INVALID`, `CHANNEL_NONCE_WRONG`, `CHANNEL_CALL_EXPIRED`, `CHANNEL_CALL_TOO_LARGE`, `CHANNEL_BUSY`,
   * `CHANNEL_CLOSED`, `CHANNEL_NO_LEADER`.
   */
  call(call: SignedCall, options?: ChannelServiceOptions): Promise<ChannelReceipt>;
  /** Puts a grant of a session key, or its end, into a record; rejects as {@link call} does. */
  session(input: SessionInput, options?: ChannelServiceOptions): Promise<ChannelReceipt>;
  /**
   * A view, run on the state at a height (the head when absent) and kept nowhere. Rejects: `CHANNEL_HEIGHT_UNKNOWN` for one that is
   * pruned or to come.
   */
  read(
    channel: bigint,
    view: { readonly sender: string; readonly data: Uint8Array; readonly height?: number },
    options?: ChannelServiceOptions,
  ): Promise<ChannelView>;
  /** The next nonce of an account. */
  nonce(channel: bigint, account: string, options?: ChannelServiceOptions): Promise<bigint>;
  /** A record by height, or a call by sender and nonce; undefined when there is none or it is pruned. */
  transaction(
    channel: bigint,
    by: { readonly height: number } | { readonly sender: string; readonly nonce: bigint },
    options?: ChannelServiceOptions,
  ): Promise<ChannelReceipt | undefined>;
  /** Resolves when a record is as sure as asked. Rejects: `CHANNEL_ROLLED_BACK` when another took its height. */
  committed(
    channel: bigint,
    record: { readonly height: number; readonly recordHash: Uint8Array },
    commitment: Commitment,
    options?: ChannelServiceOptions,
  ): Promise<void>;
  /** Reads from the node's log at the subscriber's own pace, so a slow one costs no memory. */
  subscribe(channel: bigint, options: SubscribeOptions): AsyncIterable<ChannelUpdate>;
  /**
   * Has the node settle all up to its head; resolves with the height when it is final. Rejects: `CHANNEL_NOT_MEMBER` for another
   * account than the node's own, `CHANNEL_BUSY`, `CHANNEL_SETTLEMENT_FAILED`.
   */
  settle(channel: bigint, account: string, options?: ChannelServiceOptions): Promise<number>;
  /** Has the node's own member leave, or ask for the close; resolves when the chain has taken it. */
  leave(channel: bigint, account: string, options?: ChannelServiceOptions): Promise<void>;
  close(channel: bigint, account: string, options?: ChannelServiceOptions): Promise<void>;
}

export interface ChannelView {
  readonly height: number;
  readonly commitment: Commitment;
  readonly status: "success" | "failed";
  /** What the view returned, or the bytes of its revert. */
  readonly returnData: Uint8Array;
}
