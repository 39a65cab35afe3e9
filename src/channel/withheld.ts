import { SprfError } from "../errors.ts";
import type { Accusation, ChannelAbsence } from "../ports/channel-absence.ts";
import { equalBytes } from "../utils/bytes.ts";
import { hashRecord } from "../wire/channel/record.ts";
import { broadcast, finalHere, isLeader, statusOf, type Core } from "./core.ts";
import type { FoundFault } from "./follower.ts";
import { openingOf } from "./opening-of.ts";
import type { PlayedRecord, PlayerStart } from "./player.ts";
import { playPosted } from "./posted-records.ts";
import { scratchAt } from "./scratch.ts";

const MS = 1_000;
/** Records come from members for that part of the time to answer; then the chain is asked for them. */
const PATIENT_PART = 2;
/** Of inputs, as the contract has it: more need not be published at once. */
const ENOUGH_BYTES = 64 * 1024;
/** Who is ahead says so, and is asked for what it has. */
const ASK_EVERY_MS = 2_000;

/** What somebody is accused of, and since when and for how long this node knows. */
export interface OpenAccusation extends Accusation {
  readonly seenMs: number;
  readonly answerMs: number;
}

/** The part of a node that gets on the chain the records that nobody gives to a member, for itself or for another one. */
export interface Withheld {
  /** Plays what was published, as far as it goes on from here. */
  take(): Promise<void>;
  /**
   * From which height on this member, which is accused, must ask for records on the chain by now; undefined when it need not. Until then
   * it asks all members.
   */
  missing(accusation: OpenAccusation): Promise<number | undefined>;
  /** Publishes what an accused member asks for. @throws SprfError `CHANNEL_HEIGHT_UNKNOWN` where it is not here any more */
  publish(absence: ChannelAbsence, member: string, accusation: Accusation, signal: AbortSignal): Promise<void>;
  /** Whether this node has what an accused member asks for. */
  has(accusation: Accusation): boolean;
}

export interface WithheldInit {
  readonly core: Core;
  /** This node has seen the leader lie. */
  readonly distrusts: () => boolean;
  readonly onFault: (fault: FoundFault) => void;
  /** The head has moved. */
  readonly onProgress: () => void;
}

export function createWithheld({ core, distrusts, onFault, onProgress }: WithheldInit): Withheld {
  const { chain, clock, logger, info, account } = core;
  const { channel } = info;
  let askAgainAtMs = 0;

  const isHere = (height: number, hash: Uint8Array): boolean =>
    equalBytes(core.player.at(height)?.hash ?? new Uint8Array(), hash);

  /** The last one that was published for this member is what it is to ack. */
  const wasPosted = ({ recordHash }: Accusation): boolean =>
    chain.posted.some(({ member, headers, inputs }) => {
      const last = headers[inputs.length - 1];
      return member === account && last !== undefined && equalBytes(hashRecord(last), recordHash);
    });

  /** In order; from the log where this node has played on for long. */
  async function recordsOf(first: number, last: number, signal: AbortSignal): Promise<readonly PlayedRecord[]> {
    const heights = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const found = new Map<number, PlayedRecord>();
    const keep = (record: PlayedRecord): void => void found.set(record.header.height, record);
    for (const record of heights.map((height) => core.player.at(height))) if (isPlayed(record)) keep(record);
    if (found.size < heights.length) await scratchAt(core, last, signal, keep);
    return heights.map((height) => {
      const record = found.get(height);
      if (record !== undefined) return record;
      throw new SprfError("CHANNEL_HEIGHT_UNKNOWN", `height ${height} is not in this node's log any more`);
    });
  }

  return {
    async take() {
      for (const posted of chain.posted) {
        const last = posted.headers[posted.inputs.length - 1];
        if (distrusts() || isLeader(core) || last === undefined || isHere(last.height, hashRecord(last))) continue;
        const result = await core.inTurn(async () => await playPosted(core, posted));
        if (result.outcome === "fault") onFault(result.fault);
        if (result.outcome !== "kept") continue;
        logger.info("records were taken from the chain", { height: last.height });
        onProgress();
      }
    },
    async missing(accusation) {
      const { of, term, height, demanded, seenMs, answerMs, deadlineSeconds } = accusation;
      const { header } = core.player.head;
      if (of !== "record" || term !== core.term || demanded !== undefined || wasPosted(accusation)) return undefined;
      // Of earlier terms there may be records here that the leader has not.
      const sure = Math.max(core.certificate?.height ?? 0, core.committed, finalHere(core));
      const first = 1 + (header.term === term ? header.height : sure);
      // What is final nobody has to keep; it comes as a snapshot.
      if (first > height || first <= chain.settled.height) return undefined;
      const patienceMs = answerMs / PATIENT_PART;
      const nowMs = clock.now();
      if (nowMs >= Math.min(seenMs + patienceMs, deadlineSeconds * MS - patienceMs)) return first;
      if (nowMs >= askAgainAtMs) {
        askAgainAtMs = nowMs + ASK_EVERY_MS;
        await core.inTurn(async () => await Promise.resolve(broadcast(core, statusOf(core, true))));
      }
      return undefined;
    },
    has: ({ height, recordHash }) => isHere(height, recordHash),
    async publish(absence, member, { term, height, demanded }, signal) {
      if (demanded === undefined) return;
      const { first, last } = demanded;
      const records = enoughOf(await recordsOf(first, last, signal));
      const headers = records.map(({ header }) => header);
      // What a leader of an earlier term has signed the hub cannot know, but what follows it in this one.
      for (let next = first + records.length; headers.at(-1)?.term !== term && next <= height; next += 1) {
        const [record] = await recordsOf(next, next, signal);
        if (record !== undefined) headers.push(record.header);
      }
      const end = headers.at(-1)?.height ?? last;
      const signed = await core.inTurn(async () => await openingOf(core, end));
      if (signed === undefined) throw new SprfError("CHANNEL_HEIGHT_UNKNOWN", `who signed height ${end} is not known`);
      const inputs = records.map(({ body }) => body.input);
      await absence.postRecords(channel, member, { headers, inputs, signed }, { signal });
    },
  };
}

/** All of them, or the first ones, so that a transaction holds them. */
function enoughOf(records: readonly PlayedRecord[]): readonly PlayedRecord[] {
  let bytes = 0;
  const end = records.findIndex(({ body }) => (bytes += body.input.length) >= ENOUGH_BYTES);
  return end < 0 ? records : records.slice(0, end + 1);
}

function isPlayed(record: PlayerStart | PlayedRecord | undefined): record is PlayedRecord {
  return record !== undefined && "body" in record;
}
