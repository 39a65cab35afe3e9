import { messageOf } from "../errors.ts";
import type { RecordData } from "../ports/channel-challenges.ts";
import { equalBytes } from "../utils/bytes.ts";
import { merkleProof } from "../wire/channel/merkle.ts";
import { packTouched, packWrites } from "../wire/channel/record.ts";
import { chunksOf, hashChunk, hashSettlement, type Change } from "../wire/channel/settlement.ts";
import type { InFlight, OpenDemand } from "./challenge-book.ts";
import { isLeader, type Core } from "./core.ts";
import type { PlayedRecord } from "./player.ts";
import { ownSettlementTo } from "./scratch.ts";
import { guardTurnMs } from "./turns.ts";

const LOOK_EVERY_MS = 1_000;
const RETRY_MS = 5_000;
/** The leader has the data first, and answers at once. */
const LEADER_MS = 10_000;
const MS = 1_000;
/** Of one answer: far below what a transaction may use at 40 gas a byte. */
const MAX_ANSWER_BYTES = 96 * 1024;
const MAX_ANSWER_RECORDS = 48;
const MAX_ANSWER_CHUNKS = 2;
/** Of a record besides what its hashes stand for. */
const HEADER_BYTES = 800;

/** The part of a node that shows data of settlements to whoever asks for them on the chain. */
export interface Answerer {
  run(signal: AbortSignal): Promise<void>;
}

/** What a demand is for, out of this node's log. */
interface Prepared {
  readonly key: string;
  /** Undefined: the settlement is another one than this node would make. */
  readonly data: { readonly records: ReadonlyMap<number, RecordData>; readonly changes: readonly Change[] } | undefined;
}

/** Answers what members ask for of settlements that are as this node would make them; a bond pays for it. */
export function createAnswerer(core: Core): Answerer {
  const { hub, clock, logger, chain } = core;
  const { channel } = core.info;
  let prepared: Prepared | undefined;
  const sinceMs = new Map<string, number>();
  let retryAtMs = 0;

  async function prepare(
    { settlement }: InFlight,
    { range }: OpenDemand,
    signal: AbortSignal,
  ): Promise<Prepared["data"]> {
    const played = new Map<number, PlayedRecord>();
    const own = await ownSettlementTo(core, settlement, signal, (record) => {
      const { height } = record.header;
      if (range.kind === "records" && height >= range.first && height <= range.last) played.set(height, record);
    });
    if (own === undefined || !equalBytes(hashSettlement(own.settlement), hashSettlement(settlement))) return undefined;
    const records = new Map<number, RecordData>();
    for (const [height, { header, body, touched }] of played) {
      // Record 0 is none of the settlement's: the next one names it.
      const proof = height === 0 ? [] : merkleProof(own.recordHashes, height - settlement.fromHeight - 1);
      records.set(height, {
        header,
        input: body.input,
        touched: packTouched(touched),
        writes: packWrites(touched),
        proof,
      });
    }
    return { records, changes: range.kind === "changes" ? own.changes : [] };
  }

  async function answer(demand: OpenDemand, data: NonNullable<Prepared["data"]>, signal: AbortSignal): Promise<void> {
    const { proposal, member, range, next } = demand;
    if (range.kind === "records") {
      const records = recordsFrom(next, range.last, data.records);
      if (records.length > 0) await hub.answerRecords(channel, proposal, member, records, { signal });
      return;
    }
    const chunks = chunksOf(data.changes);
    const shown = chunks.slice(next, Math.min(next + MAX_ANSWER_CHUNKS, range.last + 1)).flat();
    const chunkHashes = chunks.map(hashChunk);
    await hub.answerChanges(channel, proposal, member, { chunkHashes, first: next, changes: shown }, { signal });
  }

  async function look(signal: AbortSignal): Promise<void> {
    const flight = chain.challenges.inFlight;
    const { demands } = chain.challenges;
    for (const key of sinceMs.keys()) if (!demands.some((demand) => keyOf(demand) === key)) sinceMs.delete(key);
    const nowMs = clock.now();
    for (const demand of demands) {
      const key = keyOf(demand);
      const foundMs = sinceMs.get(key) ?? nowMs;
      sinceMs.set(key, foundMs);
      const isOver = demand.deadlineSeconds * MS < chain.seenMs;
      if (flight?.proposal !== demand.proposal || isOver || demand.member === core.account) continue;
      const turnMs = isLeader(core) ? 0 : LEADER_MS + guardTurnMs(core);
      if (nowMs - foundMs < turnMs || nowMs < retryAtMs) continue;
      if (prepared?.key !== key) prepared = { key, data: await prepare(flight, demand, signal) };
      if (prepared.data === undefined) continue;
      retryAtMs = clock.now() + RETRY_MS;
      await answer(demand, prepared.data, signal);
      // The next part as soon as the chain shows that this one is there.
      retryAtMs = 0;
      logger.info("data of a settlement were shown", { proposal: demand.proposal, member: demand.member });
      await untilShown(demand, signal);
      return;
    }
  }

  async function untilShown({ proposal, member, next }: OpenDemand, signal: AbortSignal): Promise<void> {
    const endMs = clock.now() + RETRY_MS;
    const isStill = (): boolean =>
      chain.challenges.demands.some((one) => one.proposal === proposal && one.member === member && one.next === next);
    while (isStill() && clock.now() < endMs && !signal.aborted) await clock.sleep(LOOK_EVERY_MS / 10, { signal });
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await look(signal).catch((error: unknown) => {
          // Somebody else may have been faster.
          if (!signal.aborted) logger.warn("data of a settlement were not shown", { reason: messageOf(error) });
        });
        await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    },
  };
}

function keyOf({ proposal, member, range }: OpenDemand): string {
  return `${proposal} ${member} ${range.kind} ${range.first} ${range.last}`;
}

function recordsFrom(next: number, last: number, known: ReadonlyMap<number, RecordData>): RecordData[] {
  const records: RecordData[] = [];
  let bytes = 0;
  for (let height = next; height <= last && records.length < MAX_ANSWER_RECORDS; height += 1) {
    const record = known.get(height);
    if (record === undefined) break;
    bytes += HEADER_BYTES + record.input.length + record.touched.length + record.writes.length;
    // Record 0 is shown with the one that names it.
    const least = next === 0 ? 2 : 1;
    if (bytes > MAX_ANSWER_BYTES && records.length >= least) break;
    records.push(record);
  }
  return records;
}
