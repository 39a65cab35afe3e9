import { isSprfError, messageOf } from "../errors.ts";
import type { ChannelConnection } from "../ports/channel-connection.ts";
import type { ChannelDescription, ChannelReceipt } from "../ports/channel-service.ts";
import type { Clock } from "../ports/clock.ts";
import { raceAbort } from "../utils/abort.ts";

/** Records that are kept to be shown. */
const SHOWN_RECORDS = 30;
const DESCRIBE_EVERY_MS = 1_000;
const RECONNECT_MS = 2_000;
const ANSWER_TIMEOUT_MS = 5_000;

/** What one node said of a channel last. */
export interface WatchedNode {
  readonly url: string;
  readonly description?: ChannelDescription | undefined;
  /** When it said so. */
  readonly atMs?: number | undefined;
  readonly problem?: { readonly code: string; readonly message: string } | undefined;
  /** It shows records to members alone, and this reader is none. */
  readonly isPrivate: boolean;
  /** Its newest records, the newest first. */
  readonly records: readonly ChannelReceipt[];
}

export interface NodeWatch {
  readonly node: WatchedNode;
  /** Asks and listens until aborted; never rejects. */
  run(signal: AbortSignal): Promise<void>;
}

/** Keeps what a member's node says of a channel: each record as it is made, and where it stands. */
export function createNodeWatch(parts: {
  readonly url: string;
  readonly connect: (url: string, options: { readonly signal: AbortSignal }) => Promise<ChannelConnection>;
  readonly clock: Clock;
  readonly onNews: () => void;
}): NodeWatch {
  const { url, connect, clock, onNews } = parts;
  const records = new Map<number, ChannelReceipt>();
  let description: ChannelDescription | undefined;
  let atMs: number | undefined;
  let problem: WatchedNode["problem"];
  let isPrivate = false;

  function keep(record: ChannelReceipt): void {
    records.set(record.height, record);
    for (const height of records.keys()) if (height <= record.height - SHOWN_RECORDS) records.delete(height);
  }

  async function describe(connection: ChannelConnection, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    description = await connection.describe({ signal: deadline });
    atMs = clock.now();
    problem = undefined;
    onNews();
  }

  /** What was there before, without the state that a subscription would begin with. */
  async function readRecords(connection: ChannelConnection, signal: AbortSignal): Promise<ChannelReceipt | undefined> {
    const { height: head } = connection.description.head;
    let newest: ChannelReceipt | undefined;
    for (let height = head; height > Math.max(-1, head - SHOWN_RECORDS); height -= 1) {
      const record = await connection.transaction({ height }, { signal });
      // Those before it are pruned.
      if (record === undefined) break;
      newest ??= record;
      keep(record);
    }
    return newest;
  }

  async function listen(connection: ChannelConnection, signal: AbortSignal): Promise<void> {
    const newest = await readRecords(connection, signal);
    const from = newest === undefined ? {} : { from: { height: newest.height, recordHash: newest.recordHash } };
    for await (const update of connection.subscribe({ ...from, commitment: "leader-signed", signal })) {
      if (update.type === "record") keep(update.record);
      if (update.type === "rollback") {
        for (const height of records.keys()) if (height > update.toHeight) records.delete(height);
      }
      await describe(connection, signal);
    }
  }

  /** Whoever may not hear of records is told where the channel stands all the same. */
  async function listenIfAllowed(connection: ChannelConnection, signal: AbortSignal): Promise<void> {
    try {
      isPrivate = false;
      await listen(connection, signal);
    } catch (error) {
      if (!isSprfError(error, "CHANNEL_READ_DENIED")) throw error;
      isPrivate = true;
      await raceAbort(Promise.withResolvers<never>().promise, signal);
    }
  }

  async function describeRegularly(connection: ChannelConnection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await describe(connection, signal);
      await clock.sleep(DESCRIBE_EVERY_MS, { signal });
    }
  }

  async function follow(outer: AbortSignal): Promise<void> {
    const connection = await connect(url, { signal: outer });
    const ending = new AbortController();
    const signal = AbortSignal.any([outer, ending.signal]);
    const works = [listenIfAllowed(connection, signal), describeRegularly(connection, signal)];
    try {
      await Promise.race(works);
    } finally {
      ending.abort();
      await Promise.allSettled(works);
      await connection.disconnect();
    }
  }

  return {
    get node() {
      const newest = [...records.values()].toSorted((a, b) => b.height - a.height).slice(0, SHOWN_RECORDS);
      return { url, description, atMs, problem, isPrivate, records: newest };
    },
    async run(signal) {
      while (!signal.aborted) {
        try {
          await follow(signal);
        } catch (error) {
          if (signal.aborted) return;
          problem = { code: isSprfError(error) ? error.code : "INTERNAL", message: messageOf(error) };
          onNews();
        }
        await clock.sleep(RECONNECT_MS, { signal }).catch(() => undefined);
      }
    },
  };
}
