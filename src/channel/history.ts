import { equalBytes } from "../utils/bytes.ts";
import { MAX_BATCH_BYTES, MAX_HISTORY_BATCHES, SNAPSHOT_PART_BYTES } from "../wire/channel/limits.ts";
import type { ChannelMessageBody, ChannelMessageOf } from "../wire/channel/messages.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import type { Core } from "./core.ts";
import { fromLogEntry, lastOf, splitHeading } from "./log-entries.ts";

/** Records that are played by whoever is behind; further behind, a snapshot is faster. */
const MAX_TAIL_RECORDS = 20_000;

/** What somebody who stands at a record needs next, out of this node's log. */
export async function historyAfter(
  core: Core,
  { height, recordHash }: Pick<ChannelMessageOf<"sync">, "height" | "recordHash">,
): Promise<ChannelMessageBody> {
  const { certificate } = core;
  const ends = certificate === undefined ? {} : { certificate };
  const own = core.player.at(height);
  // Somebody else's past: there is nothing to add to it. Whoever asks goes back to what is certified.
  if (own !== undefined && !equalBytes(own.hash, recordHash)) return { kind: "history", batches: [], more: false };
  const isFar = core.player.head.header.height - height > MAX_TAIL_RECORDS;
  const { batches, more } = await readBatches(core, height);
  const isBroken = batches.length > 0 ? (batches[0]?.first ?? 0) > height + 1 : height < core.player.head.header.height;
  if (isFar || isBroken) {
    const offer = await offerSnapshot(core, height);
    if (offer !== undefined) return offer;
  }
  return { kind: "history", batches: isBroken ? [] : batches, more, ...ends };
}

/** The batches above a height, in order, as many as one message holds. */
async function readBatches(
  core: Core,
  height: number,
): Promise<{ readonly batches: readonly SignedBatch[]; readonly more: boolean }> {
  let batches: SignedBatch[] = [];
  let bytes = 0;
  const bytesOf = (batch: SignedBatch): number => batch.records.reduce((sum, { length }) => sum + length, 0);
  let more = false;
  for await (const entry of core.log.entries({ fromHeight: height + 1 })) {
    const logged = fromLogEntry(entry);
    if (logged.kind === "cut") {
      batches = batches.filter(({ first }) => first <= logged.height);
      bytes = batches.reduce((sum, batch) => sum + bytesOf(batch), 0);
    }
    if (logged.kind !== "batch" || lastOf(logged.batch) <= height) continue;
    more ||= batches.length >= MAX_HISTORY_BATCHES || bytes + bytesOf(logged.batch) > MAX_BATCH_BYTES;
    // On to the end all the same: a cut may come that takes back what was found.
    if (more) continue;
    batches.push(logged.batch);
    bytes += bytesOf(logged.batch);
  }
  return { batches, more };
}

async function offerSnapshot(core: Core, height: number): Promise<ChannelMessageBody | undefined> {
  const newest = (await core.log.snapshots()).at(-1);
  if (newest === undefined || newest <= height) return undefined;
  const { header, state } = await splitHeading(core.log.readSnapshot(newest));
  let bytes = 0;
  for await (const part of state) bytes += part.length;
  const { election } = core.terms;
  const parts = Math.max(1, Math.ceil(bytes / SNAPSHOT_PART_BYTES));
  return { kind: "snapshot", header, ...(election === undefined ? {} : { election }), parts };
}

/** One part of a snapshot's state; undefined when it is not there. */
export async function snapshotPart(core: Core, height: number, part: number): Promise<Uint8Array | undefined> {
  if (!(await core.log.snapshots()).includes(height)) return undefined;
  const { state } = await splitHeading(core.log.readSnapshot(height));
  const start = part * SNAPSHOT_PART_BYTES;
  const pieces: Uint8Array[] = [];
  let at = 0;
  for await (const piece of state) {
    const from = Math.max(0, start - at);
    const to = Math.min(piece.length, start + SNAPSHOT_PART_BYTES - at);
    if (from < to) pieces.push(piece.subarray(from, to));
    at += piece.length;
    if (at >= start + SNAPSHOT_PART_BYTES) break;
  }
  return new Uint8Array(Buffer.concat(pieces));
}
