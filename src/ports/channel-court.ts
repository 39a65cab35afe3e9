import type { InboxEntry } from "../wire/channel/inbox-entry.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { HubOptions, HubSlotProof } from "./channel-hub.ts";

/** A record that a member has signed as a leader, in a batch from `first` to `last`. */
export interface SignedOpening {
  readonly header: RecordHeader;
  /** From the record's hash to the batch's root. */
  readonly proof: readonly Uint8Array[];
  readonly first: number;
  readonly last: number;
  /** The leader's, of the batch. */
  readonly signature: Uint8Array;
}

/** A record that a proposed settlement has. */
export interface SettledOpening {
  readonly header: RecordHeader;
  /** From the record's hash to the settlement's `recordsRoot`. */
  readonly proof: readonly Uint8Array[];
  readonly proposal: bigint;
}

/** Evidence about the first convicts its signer, about the second it makes the settlement void. */
export type RecordOpening = SignedOpening | SettledOpening;

/** A slot as a record says that it was before it, or is after it; 32 bytes each. */
export interface SlotValue {
  readonly slot: Uint8Array;
  readonly value: Uint8Array;
}

/** What a node of the state tree is the hash of: a leaf's path and value, or the nodes to its left and right. */
export interface SlotOpening {
  readonly isLeaf: boolean;
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** A slot's proof before it is written, and what stands beside its leaf when that is deleted. */
export interface WriteProof {
  readonly proof: HubSlotProof;
  readonly beside?: SlotOpening;
}

/**
 * What shows that a record is false (contracts/interfaces/IChannelCourt.sol). `before` is the header that the record names as the one before
 * it; proofs of slots are under its root.
 */
export type Evidence =
  /** Two records that one member signed for one height and term; of no settlement. */
  | { readonly fault: "equivocation"; readonly record: RecordOpening; readonly other: RecordOpening }
  /** A record that does not name the one before it, of its signer and term or of its settlement. */
  | { readonly fault: "unlinked"; readonly record: RecordOpening; readonly signedBefore: RecordOpening }
  /** A header that cannot follow the one before. */
  | { readonly fault: "misplaced"; readonly record: RecordOpening; readonly before: RecordHeader }
  /** A tick before its time, or another record past it. */
  | {
      readonly fault: "mistimed";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
      readonly clock: HubSlotProof;
    }
  /** A user's call long after an entry of the inbox that was not taken. */
  | { readonly fault: "pastEntry"; readonly record: RecordOpening; readonly entry: InboxEntry }
  /** A slot of the touched set held another value; `touched` is what the record's hash is of. */
  | {
      readonly fault: "falseValue";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
      readonly touched: readonly SlotValue[];
      readonly index: number;
      readonly proof: HubSlotProof;
    }
  /** The writes, which the record's hash is of, lead to another root. */
  | {
      readonly fault: "falseRoot";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
      readonly writes: readonly SlotValue[];
      readonly proofs: readonly WriteProof[];
    }
  /** A call or session that its wallet has not signed for this, or that is not its next one. */
  | {
      readonly fault: "forged";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
      readonly input: Uint8Array;
      readonly nonce: HubSlotProof;
      readonly session: HubSlotProof;
    }
  /** Another result than the chain comes to by running the record again, see {@link ChannelCourt.openReplay}. */
  | ({ readonly fault: "falseResult"; readonly record: RecordOpening; readonly before: RecordHeader } & ReplayedRecord)
  /** The same of record 0, which `record` names as the one before it. */
  | ({
      readonly fault: "falseGenesisResult";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
    } & ReplayedRecord)
  /** A record 0 that the channel was not created with, or whose writes lead to another root. */
  | {
      readonly fault: "falseGenesis";
      readonly record: RecordOpening;
      readonly before: RecordHeader;
      readonly writes: readonly SlotValue[];
      readonly proofs: readonly WriteProof[];
    };

/** On what the chain runs a record again. */
export interface ReplayedRecord {
  readonly input: Uint8Array;
  /** What the record's hash is of: all slots that it touched, with their values before. */
  readonly touched: readonly SlotValue[];
  /** Further slots that decide something, under the root before. */
  readonly besides: readonly (SlotValue & { readonly proof: HubSlotProof })[];
  /** The block in which they were loaded; the chain runs the record in a later one. */
  readonly openedIn?: number;
}

/** Where leaders are convicted by what they signed, as one account sees it. */
export interface ChannelCourt {
  readonly address: string;
  /** Says that this account is about to report a record; two blocks later the report is worth half of the fine. */
  commit(commitment: Uint8Array, options?: HubOptions): Promise<void>;
  /**
   * Loads what the chain needs to run a record again, unless somebody has just done it; resolves with the block, which belongs into the
   * evidence. @throws SprfError `CHAIN_REVERTED` for slots besides that the state before has not
   */
  openReplay(rootBefore: Uint8Array, replayed: ReplayedRecord, options?: HubOptions): Promise<number>;
  /**
   * Convicts who signed a record, or makes void the settlement that has it. `salt` is that of the commitment; any where there is none.
   * @throws SprfError `CHAIN_REVERTED` when it shows no fault, or one that its signer was convicted of before
   */
  accuse(evidence: Evidence, salt: Uint8Array, options?: HubOptions): Promise<void>;
}
