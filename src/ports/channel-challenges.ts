import type { InboxEntry } from "../wire/channel/inbox-entry.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { Change, Settlement } from "../wire/channel/settlement.ts";
import type { Evidence } from "./channel-court.ts";
import type { HubOptions, HubSlotProof } from "./channel-hub.ts";

/** Changes of a settlement, with the hashes of all its chunks; `first` is the number of the first chunk that is here. */
export interface ShownChanges {
  readonly chunkHashes: readonly Uint8Array[];
  readonly first: number;
  readonly changes: readonly Change[];
}

/** What shows the hub that a settlement is false, see contracts/interfaces/IChannelChallenges.sol. */
export type HubProof =
  /** The record that it ends with, or with its siblings another one that it has. */
  | { readonly kind: "head"; readonly header: RecordHeader; readonly siblings: readonly Uint8Array[] }
  /** A change that begins or ends at another value than the roots have. */
  | {
      readonly kind: "change";
      readonly part: ShownChanges;
      /** Of the change in the part. */
      readonly index: number;
      readonly before: HubSlotProof;
      readonly after: HubSlotProof;
    }
  /** A slot that differs between the roots and is not among the changes. */
  | {
      readonly kind: "omission";
      readonly part: ShownChanges;
      readonly slot: Uint8Array;
      readonly before: HubSlotProof;
      readonly after: HubSlotProof;
    }
  /** An entry of the inbox that it should have taken. */
  | { readonly kind: "skipped"; readonly entry: InboxEntry };

/** The same, or a record of it that the court finds false. */
export type SettlementProof = HubProof | { readonly kind: "record"; readonly evidence: Evidence };

export type DataKind = "records" | "changes";

/** What of a settlement is asked for: heights of records, or numbers of chunks. */
export interface DataRange {
  readonly kind: DataKind;
  readonly first: number;
  readonly last: number;
}

/** What a member asked for last of a settlement. */
export interface HubDemand extends DataRange {
  /** It waits for an answer. */
  readonly isOpen: boolean;
  /** How many the member made of this settlement. */
  readonly made: number;
  /** What is to be answered next. */
  readonly next: number;
  readonly deadlineSeconds: number;
  readonly bondWei: bigint;
}

/** A record with what its hashes stand for. */
export interface RecordData {
  readonly header: RecordHeader;
  readonly input: Uint8Array;
  /** Packed (slot, value before). */
  readonly touched: Uint8Array;
  /** Packed (slot, new value). */
  readonly writes: Uint8Array;
  /** Siblings of its hash in the settlement's `recordsRoot`. */
  readonly proof: readonly Uint8Array[];
}

/** How the end of a channel that does not settle stands. */
export interface HubFreeze {
  readonly isFrozen: boolean;
  /** After that it can be concluded. */
  readonly endsAtSeconds: number;
  /** The highest certified settlement that was brought, 0n for none. */
  readonly best: bigint;
}

/** A settlement that members have certified, for a frozen channel. */
export interface BroughtSettlement {
  readonly settlement: Settlement;
  /** Of the record that it ends with. */
  readonly header: RecordHeader;
  /** Of a quorum of the members at that record. */
  readonly acks: readonly { readonly member: string; readonly certified: number; readonly signature: Uint8Array }[];
  /** All in the mode of slots, none in that of roots. */
  readonly changes: readonly Change[];
}

/** Whom proofs are given to: the hub and its court, or who pays for them. */
export interface ProofDesk {
  /** Makes a settlement void. @throws SprfError `CHAIN_REVERTED` when it shows nothing, or somebody else was faster */
  prove(channel: bigint, proposal: bigint, proof: SettlementProof, options?: HubOptions): Promise<void>;
  /** Shows the entry of a leave, ban or close that was not settled in time. */
  freeze(channel: bigint, entry: InboxEntry, options?: HubOptions): Promise<void>;
  /** Closes a frozen channel. */
  conclude(channel: bigint, options?: HubOptions): Promise<void>;
}

/** What one member does against all others: the second half of `ChannelHub`. Errors are as there. */
export interface ChannelChallenges {
  proveHub(channel: bigint, proposal: bigint, proof: HubProof, options?: HubOptions): Promise<void>;
  /**
   * By a member. The bond is what the hub asks for, twice, since fees may rise; what nobody earns comes back. Asks for fewer where that
   * would be more than `mostWei`, and for one at least.
   */
  demandData(
    channel: bigint,
    proposal: bigint,
    range: DataRange,
    options?: HubOptions & { readonly mostWei?: bigint },
  ): Promise<void>;
  /** The next of what a member asked for. */
  answerRecords(
    channel: bigint,
    proposal: bigint,
    member: string,
    records: readonly RecordData[],
    options?: HubOptions,
  ): Promise<void>;
  answerChanges(
    channel: bigint,
    proposal: bigint,
    member: string,
    shown: ShownChanges,
    options?: HubOptions,
  ): Promise<void>;
  /** Ends a demand that nobody answered in time, and with it the settlement. */
  resolveDemand(channel: bigint, proposal: bigint, member: string, options?: HubOptions): Promise<void>;
  freeze(channel: bigint, entry: InboxEntry, options?: HubOptions): Promise<void>;
  /** Resolves with its number. */
  bring(brought: BroughtSettlement, options?: HubOptions): Promise<bigint>;
  conclude(channel: bigint, options?: HubOptions): Promise<void>;
  /** Gives a member what it brought with a join that the end of a frozen channel has not taken; a claim pays it. */
  reclaim(channel: bigint, entry: InboxEntry, options?: HubOptions): Promise<void>;
  demandOf(channel: bigint, proposal: bigint, member: string, options?: HubOptions): Promise<HubDemand>;
  freezeOf(channel: bigint, options?: HubOptions): Promise<HubFreeze>;
}
