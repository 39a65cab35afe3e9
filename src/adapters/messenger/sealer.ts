import { createHash } from "node:crypto";

import PQueue from "p-queue";

import type { Clock } from "../../ports/clock.ts";
import { raceAbort } from "../../utils/abort.ts";
import { utf8 } from "../../utils/bytes.ts";
import { sealEnvelope, stampEnvelope } from "./envelope.ts";
import type { Shard } from "./envelope.ts";

/** Sealed messages that are kept, so that sending one again costs no cryptography. */
const MAX_KEPT = 1_024;
const MAX_KEPT_BYTES = 4_096;

interface OutgoingMessage {
  readonly topic: string;
  readonly recipient: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * Encrypts and signs what is sent. A message that is sent again is not encrypted again: it only gets a new time, without which
 * gossip would drop it, and a receiver knows it by its ciphertext. So losses cost neither side much.
 */
export function createSealer(init: {
  readonly shard: Shard;
  readonly signingKey: Uint8Array;
  readonly clock: Clock;
}): (message: OutgoingMessage, options: { readonly signal: AbortSignal | undefined }) => Promise<Uint8Array> {
  const { shard, signingKey, clock } = init;
  // One after the other: a thousand at a time would all be ready only at the end.
  const seals = new PQueue({ concurrency: 1 });
  const kept = new Map<string, Promise<Uint8Array>>();
  let lastStampNs = 0n;

  /** Now in nanoseconds, never the same twice. */
  const nextStampNs = (): bigint => {
    const nowNs = BigInt(clock.now()) * 1_000_000n;
    lastStampNs = nowNs > lastStampNs ? nowNs : lastStampNs + 1n;
    return lastStampNs;
  };

  return async (message, { signal }) => {
    const key = digestOf(message);
    const sealing =
      kept.get(key) ??
      seals.add(async () => await sealEnvelope(message, { shard, signingKey, nowMs: clock.now() }), { signal });
    if (message.payload.length <= MAX_KEPT_BYTES) {
      // Last in line again: those that were sent longest ago make room.
      kept.delete(key);
      kept.set(key, sealing);
      sealing.catch(() => kept.delete(key));
      const [oldest] = kept.keys();
      if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
    }
    return stampEnvelope(await raceAbort(sealing, signal), nextStampNs());
  };
}

function digestOf({ topic, recipient, payload }: OutgoingMessage): string {
  // A topic has no zero byte and a recipient 64 bytes, so that the parts cannot be confused.
  return createHash("sha256").update(utf8(topic)).update("\0").update(recipient).update(payload).digest("base64");
}
