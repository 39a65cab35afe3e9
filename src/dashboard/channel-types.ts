/** What the dashboard shows of a channel. Amounts are decimal digits in wei; times are milliseconds since 1970. */

/** How far a channel's records have come: the leader sent them, a quorum acknowledged them, the chain settled them. */
export interface HeightsView {
  readonly sent: number;
  readonly acknowledged: number;
  readonly settled: number;
}

/** A member's node that the dashboard can ask. */
export interface ChannelNodeView {
  readonly url: string;
  /** Whose node it is, once it was reached. */
  readonly account?: string | undefined;
  readonly heights?: HeightsView | undefined;
  readonly term?: number | undefined;
  readonly leader?: string | undefined;
  /** How long records are on their way to it. */
  readonly delayMs?: number | undefined;
  /** Why it is not reached: a code of `src/errors.ts`, and one line. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
}

export interface ChannelMemberView {
  readonly account: string;
  readonly joinNumber: number;
  readonly stakeWei: string;
  readonly state: "member" | "absent" | "leaving";
  /** What its acknowledgement counts: itself, and those that delegated to it. */
  readonly weight: number;
  /** Who speaks for it. */
  readonly delegatedTo?: string | undefined;
  readonly leads: boolean;
  /** When one of the nodes that are asked heard it last. */
  readonly seenAtMs?: number | undefined;
  /** Of its own node, where that is asked. */
  readonly height?: number | undefined;
}

/** How long a message takes from one member to another, one way, as the first measured it. */
export interface DelayView {
  readonly from: string;
  readonly to: string;
  readonly ms: number;
}

export interface ChannelRecordView {
  readonly height: number;
  readonly term: number;
  readonly timeMs: number;
  readonly kind: string;
  readonly sender?: string | undefined;
  readonly status: string;
  readonly commitment: "leader-signed" | "committed" | "final";
  readonly gasUsed: string;
  readonly slotsChanged: number;
  /** Hex. */
  readonly recordHash: string;
}

/** Something that is to be settled, as the chain has it. */
export interface SettlementView {
  readonly proposal: string;
  readonly type: "settlement" | "punishment";
  readonly state: "proposed" | "passed" | "pending" | "final" | "rejected";
  readonly proposer: string;
  readonly height?: number | undefined;
  readonly weightFor: string;
  readonly weightAgainst: string;
  readonly weightCounted: string;
  /** End of its window; absent while it has none. */
  readonly finalAtMs?: number | undefined;
}

export interface ChannelView {
  readonly channel: string;
  readonly chainId: number;
  readonly hub: string;
  readonly app: string;
  /** Of an app that comes with SPRF. */
  readonly appName?: string | undefined;
  readonly program: string;
  readonly state: "open" | "closing" | "closed";
  /** What is settled: slots one by one, or their root. */
  readonly mode: "slots" | "root";
  readonly tickMs: number;
  readonly term: number;
  readonly leader?: string | undefined;
  readonly heights: HeightsView;
  readonly nodes: readonly ChannelNodeView[];
  /** By join number. */
  readonly members: readonly ChannelMemberView[];
  readonly delays: readonly DelayView[];
  /** Records are shown to members alone, and the dashboard reads as none. */
  readonly isPrivate: boolean;
  /** The newest first. */
  readonly records: readonly ChannelRecordView[];
  readonly inbox: { readonly length: number; readonly settled: number };
  readonly isLocked: boolean;
  /** The newest first. */
  readonly settlements: readonly SettlementView[];
  /** Heights that were settled, the newest first; of the last few alone. */
  readonly settledHeights: readonly number[];
}
