import { createHash } from "node:crypto";

import { WakuMessage } from "@waku/proto";

import { toHex, utf8 } from "../../../utils/bytes.ts";

const MAX_MESSAGES = 2_000;
const MAX_BYTES = 32 * 1_024 * 1_024;
export const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

export interface StoredMessage {
  /** The deterministic hash of 14/WAKU2-MESSAGE. */
  readonly hash: Uint8Array;
  readonly message: WakuMessage;
}

export interface ArchiveQuery {
  readonly contentTopics: readonly string[];
  readonly messageHashes: readonly Uint8Array[];
  readonly timeStart?: bigint | undefined;
  readonly timeEnd?: bigint | undefined;
  /** The last hash of the page before. */
  readonly cursor?: Uint8Array | undefined;
  readonly forward: boolean;
  readonly limit?: number | undefined;
}

export interface Archive {
  add(wire: Uint8Array): void;
  /** A page, oldest first whichever way it is read; undefined for a cursor that is not known. */
  query(query: ArchiveQuery): readonly StoredMessage[] | undefined;
  readonly bytes: number;
}

interface Entry extends StoredMessage {
  readonly size: number;
}

/** The latest messages that their senders allow to be stored; the oldest make room for new ones. */
export function createArchive(pubsubTopic: string): Archive {
  const entries = new Map<string, Entry>();
  let bytes = 0;

  const dropOldest = (): void => {
    const [oldest] = entries;
    if (oldest === undefined) return;
    entries.delete(oldest[0]);
    bytes -= oldest[1].size;
  };

  return {
    get bytes() {
      return bytes;
    },
    add(wire) {
      const message = WakuMessage.decode(wire);
      if (message.ephemeral === true) return;
      const hash = messageHash(pubsubTopic, message);
      const key = toHex(hash);
      if (entries.has(key)) return;
      entries.set(key, { hash, message, size: wire.length });
      bytes += wire.length;
      while (entries.size > MAX_MESSAGES || bytes > MAX_BYTES) dropOldest();
    },
    query({ contentTopics, messageHashes, timeStart, timeEnd, cursor, forward, limit }) {
      const wantedHashes = new Set(messageHashes.map(toHex));
      const matching = [...entries]
        .filter(([key, { message }]) => {
          if (wantedHashes.size > 0) return wantedHashes.has(key);
          const sentAt = message.timestamp ?? 0n;
          if (timeStart !== undefined && sentAt < timeStart) return false;
          if (timeEnd !== undefined && sentAt > timeEnd) return false;
          return contentTopics.length === 0 || contentTopics.includes(message.contentTopic);
        })
        .map(([, entry]) => entry);
      const size = Math.min(limit === undefined || limit === 0 ? DEFAULT_PAGE : limit, MAX_PAGE);
      if (cursor === undefined) return forward ? matching.slice(0, size) : matching.slice(-size);
      const cursorKey = toHex(cursor);
      const at = matching.findIndex(({ hash }) => toHex(hash) === cursorKey);
      if (at === -1) return undefined;
      return forward ? matching.slice(at + 1, at + 1 + size) : matching.slice(Math.max(0, at - size), at);
    },
  };
}

/** @see https://rfc.vac.dev/waku/standards/core/14/message/#deterministic-message-hashing */
export function messageHash(pubsubTopic: string, message: WakuMessage): Uint8Array {
  const hash = createHash("sha256")
    .update(utf8(pubsubTopic))
    .update(message.payload)
    .update(utf8(message.contentTopic));
  if (message.meta !== undefined) hash.update(message.meta);
  if (message.timestamp !== undefined) {
    const time = Buffer.alloc(8);
    time.writeBigInt64BE(message.timestamp);
    hash.update(time);
  }
  return new Uint8Array(hash.digest());
}
