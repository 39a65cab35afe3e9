import type { DataRange, RecordData, ShownChanges } from "../ports/channel-challenges.ts";
import type { HubEvent } from "../ports/channel-hub.ts";
import { CHUNK_CHANGES, chunksOf, type Change, type Settlement } from "../wire/channel/settlement.ts";

/** What answers showed of one settlement is kept up to that: much more than a node could ask for itself. */
const MAX_SHOWN_BYTES = 64 * 1024 * 1024;
/** Of a record besides what its hashes stand for. */
const HEADER_BYTES = 1_024;
const CHANGE_BYTES = 96;

/** A settlement that takes effect unless somebody shows that it must not. */
export interface InFlight {
  readonly proposal: bigint;
  readonly settlement: Settlement;
}

/** Data that a member waits for. */
export interface OpenDemand {
  readonly proposal: bigint;
  readonly member: string;
  readonly range: DataRange;
  /** What is to be answered next. */
  readonly next: number;
  readonly deadlineSeconds: number;
}

/** What was shown of a settlement's data. */
export interface Shown {
  readonly records: ReadonlyMap<number, RecordData>;
  /** Hashes of all chunks of its changes, once somebody showed one. */
  readonly chunkHashes: readonly Uint8Array[] | undefined;
  readonly chunks: ReadonlyMap<number, readonly Change[]>;
}

/** What the chain says of settlements that can still be undone, of who asks for their data, and of a channel's end without one. */
export interface ChallengeBook {
  take(event: HubEvent): void;
  /** It passed, or is the highest one of a frozen channel. */
  readonly inFlight: InFlight | undefined;
  readonly demands: readonly OpenDemand[];
  shown(proposal: bigint): Shown;
  /** The exit that froze the channel. */
  readonly frozenBy: number | undefined;
  readonly isClosed: boolean;
}

interface Kept {
  readonly records: Map<number, RecordData>;
  chunkHashes: readonly Uint8Array[] | undefined;
  readonly chunks: Map<number, readonly Change[]>;
  bytes: number;
}

export function createChallengeBook(): ChallengeBook {
  const proposed = new Map<bigint, Settlement>();
  const demands = new Map<string, OpenDemand>();
  const kept = new Map<bigint, Kept>();
  /** In the order in which they were brought: each was higher than those before it. */
  let brought: bigint[] = [];
  let passed: bigint | undefined;
  let frozenBy: number | undefined;
  let isClosed = false;

  function forget(proposal: bigint): void {
    proposed.delete(proposal);
    kept.delete(proposal);
    brought = brought.filter((one) => one !== proposal);
    if (passed === proposal) passed = undefined;
    for (const [key, demand] of demands) if (demand.proposal === proposal) demands.delete(key);
  }

  function keptOf(proposal: bigint): Kept {
    const found = kept.get(proposal) ?? { records: new Map(), chunkHashes: undefined, chunks: new Map(), bytes: 0 };
    kept.set(proposal, found);
    return found;
  }

  function keepRecords(proposal: bigint, records: readonly RecordData[]): void {
    const into = keptOf(proposal);
    // The record 1 that a record 0 was shown with takes the place of another one: what follows that one does not follow this.
    if (records[0]?.header.height === 0 && !into.records.has(0)) into.records.delete(1);
    for (const record of records) {
      const { height } = record.header;
      if (into.bytes > MAX_SHOWN_BYTES || into.records.has(height)) continue;
      into.bytes += HEADER_BYTES + record.input.length + record.touched.length + record.writes.length;
      into.records.set(height, record);
    }
  }

  function keepChanges(proposal: bigint, { chunkHashes, first, changes }: ShownChanges): void {
    const into = keptOf(proposal);
    into.chunkHashes = chunkHashes;
    for (const [index, chunk] of chunksOf(changes).entries()) {
      if (into.bytes > MAX_SHOWN_BYTES || into.chunks.has(first + index)) continue;
      into.bytes += CHUNK_CHANGES * CHANGE_BYTES;
      into.chunks.set(first + index, chunk);
    }
  }

  function answered(key: string, next: number): void {
    const demand = demands.get(key);
    if (demand === undefined) return;
    if (next > demand.range.last) demands.delete(key);
    else demands.set(key, { ...demand, next });
  }

  return {
    take(event) {
      switch (event.kind) {
        case "proposed":
          if (event.settlement !== undefined) proposed.set(event.proposal, event.settlement);
          return;
        case "passed":
          if (proposed.has(event.proposal)) passed = event.proposal;
          return;
        case "settled":
          // All others began at an older height.
          for (const proposal of proposed.keys()) forget(proposal);
          return;
        case "voided":
          forget(event.proposal);
          return;
        case "demanded": {
          const { proposal, member, range, deadlineSeconds } = event;
          const demand = { proposal, member, range, next: range.first, deadlineSeconds };
          demands.set(`${proposal} ${member}`, demand);
          return;
        }
        case "answered":
          answered(`${event.proposal} ${event.member}`, event.next);
          return;
        case "records-shown":
          keepRecords(event.proposal, event.records);
          return;
        case "changes-shown":
          keepChanges(event.proposal, event.shown);
          return;
        case "frozen":
          frozenBy = event.entryIndex;
          passed = undefined;
          return;
        case "brought":
          brought.push(event.proposal);
          return;
        case "closed":
          isClosed = true;
          return;
        default:
      }
    },
    get inFlight() {
      if (isClosed) return undefined;
      const proposal = frozenBy === undefined ? passed : brought.at(-1);
      const settlement = proposal === undefined ? undefined : proposed.get(proposal);
      return proposal === undefined || settlement === undefined ? undefined : { proposal, settlement };
    },
    get demands() {
      return [...demands.values()];
    },
    shown: (proposal) => kept.get(proposal) ?? { records: new Map(), chunkHashes: undefined, chunks: new Map() },
    get frozenBy() {
      return frozenBy;
    },
    get isClosed() {
      return isClosed;
    },
  };
}
