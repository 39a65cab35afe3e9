import { equalBytes } from "../utils/bytes.ts";
import {
  MAX_BATCH_BYTES,
  MAX_HISTORY_BATCHES,
  MAX_SNAPSHOT_PARTS,
  SNAPSHOT_PART_BYTES,
} from "../wire/channel/limits.ts";
import type { ChannelMessageBody, ChannelMessageOf } from "../wire/channel/messages.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import type { Core } from "./core.ts";
import { fromLogEntry, lastOf, splitHeading, type Logged } from "./log-entries.ts";
import { snapshotLength } from "./sandbox/snapshot.ts";

/** Records that are played by whoever is behind; further behind, a snapshot is faster. */
const MAX_TAIL_RECORDS = 20_000;
/** More than a cut takes in the log, and less than a batch: longer entries need not be read to look for cuts. */
const MAX_CUT_BYTES = 128;

/** What of a node the past is read from. */
export interface HistorySource extends Pick<Core, "log" | "news" | "certificate"> {
  readonly terms: Pick<Core["terms"], "election">;
  readonly player: Pick<Core["player"], "at" | "head">;
}

/** What a node can show of the past, out of its log. */
export interface History {
  /** What somebody who stands at a record needs next. */
  after(place: Pick<ChannelMessageOf<"sync">, "height" | "recordHash">): Promise<ChannelMessageBody>;
  /** One part of a snapshot's state; undefined when it is not there. */
  part(height: number, part: number): Promise<Uint8Array | undefined>;
}

type Cut = Extract<Logged, { readonly kind: "cut" }>;

/** Where a snapshot's state is among its bytes. */
interface Kept {
  readonly height: number;
  readonly header: RecordHeader;
  readonly start: number;
  readonly end: number;
}

export function createHistory(core: HistorySource): History {
  /** All of the log; unknown until somebody asks, and after each new one. */
  let cuts: readonly Cut[] | undefined;
  let rollbacks = 0;
  let newest: Kept | undefined;
  core.news.add(({ kind }) => {
    if (kind !== "rollback") return;
    rollbacks += 1;
    cuts = undefined;
  });

  async function knownCuts(): Promise<readonly Cut[]> {
    if (cuts !== undefined) return cuts;
    const before = rollbacks;
    const found: Cut[] = [];
    for await (const entry of core.log.entries()) {
      const logged = entry.bytes.length > MAX_CUT_BYTES ? undefined : fromLogEntry(entry);
      if (logged?.kind === "cut") found.push(logged);
    }
    if (before === rollbacks) cuts = found;
    return found;
  }

  /** The batches above a height, in order, as many as one message holds. */
  async function readBatches(
    height: number,
  ): Promise<{ readonly batches: readonly SignedBatch[]; readonly more: boolean }> {
    const all = await knownCuts();
    let batches: SignedBatch[] = [];
    let bytes = 0;
    const bytesOf = (batch: SignedBatch): number => batch.records.reduce((sum, { length }) => sum + length, 0);
    let more = false;
    for await (const entry of core.log.entries({ fromHeight: height + 1 })) {
      if (entry.height <= height || (more && entry.bytes.length > MAX_CUT_BYTES)) continue;
      const logged = fromLogEntry(entry);
      if (logged.kind === "cut") {
        // All that was left out is above what was found, and so above the cut.
        if (logged.height < lastIn(batches, height)) more = false;
        batches = batches.filter(({ first }) => first <= logged.height);
        bytes = batches.reduce((sum, batch) => sum + bytesOf(batch), 0);
      }
      if (logged.kind !== "batch" || more) continue;
      more = batches.length >= MAX_HISTORY_BATCHES || bytes + bytesOf(logged.batch) > MAX_BATCH_BYTES;
      if (!more) {
        batches.push(logged.batch);
        bytes += bytesOf(logged.batch);
        continue;
      }
      const last = lastIn(batches, height);
      // On to the end only where a cut may come that takes back what was found.
      if (all.every((cut) => cut.height >= last || cut.from <= height)) break;
    }
    return { batches, more };
  }

  /** Where the state is in a snapshot that is kept; undefined for one that is not. */
  async function find(height: number): Promise<Kept | undefined> {
    if (newest?.height === height) return newest;
    if (!(await core.log.snapshots()).includes(height)) return undefined;
    const { header, start, state } = await splitHeading(core.log.readSnapshot(height));
    const length = await snapshotLength(state);
    newest = { height, header, start, end: start + length };
    return newest;
  }

  async function offerSnapshot(height: number): Promise<ChannelMessageBody | undefined> {
    const heights = await core.log.snapshots();
    const found = await find(heights.at(-1) ?? -1);
    if (found === undefined || found.height <= height) return undefined;
    const parts = Math.ceil((found.end - found.start) / SNAPSHOT_PART_BYTES);
    // A state that nobody could load; those who are behind play what there is.
    if (parts > MAX_SNAPSHOT_PARTS) return undefined;
    const { election } = core.terms;
    return { kind: "snapshot", header: found.header, ...(election === undefined ? {} : { election }), parts };
  }

  return {
    async after({ height, recordHash }) {
      const own = core.player.at(height);
      // Somebody else's past: there is nothing to add to it. Whoever asks goes back to what is certified.
      if (own !== undefined && !equalBytes(own.hash, recordHash)) return { kind: "history", batches: [], more: false };
      const head = core.player.head.header.height;
      const far = head - height > MAX_TAIL_RECORDS ? await offerSnapshot(height) : undefined;
      if (far !== undefined) return far;
      const { batches, more } = await readBatches(height);
      const isBroken = batches.length > 0 ? (batches[0]?.first ?? 0) > height + 1 : height < head;
      const offer = isBroken ? await offerSnapshot(height) : undefined;
      if (offer !== undefined) return offer;
      const { certificate } = core;
      const ends = certificate === undefined ? {} : { certificate };
      return { kind: "history", batches: isBroken ? [] : batches, more, ...ends };
    },
    async part(height, part) {
      const found = await find(height);
      if (found === undefined) return undefined;
      const from = found.start + part * SNAPSHOT_PART_BYTES;
      const to = Math.min(found.end, from + SNAPSHOT_PART_BYTES);
      if (from >= to) return undefined;
      const pieces: Uint8Array[] = [];
      for await (const piece of core.log.readSnapshot(height, { from, to })) pieces.push(piece);
      return new Uint8Array(Buffer.concat(pieces));
    },
  };
}

function lastIn(batches: readonly SignedBatch[], height: number): number {
  const newest = batches.at(-1);
  return newest === undefined ? height : lastOf(newest);
}
