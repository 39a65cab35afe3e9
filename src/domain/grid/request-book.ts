import { equalBytes, toHex } from "../../utils/bytes.ts";
import { hashWithDomain } from "../../wire/canonical.ts";
import type { GridMessage } from "../../wire/grid/messages.ts";
import { MAX_GRID_SKEW_MS } from "../../wire/grid/verify-message.ts";
import { createSeenIds } from "../seen-ids.ts";

/**
 * What a node does about a message that it verified. `new`: act on it. `again`: it came before, because an answer was lost or
 * somebody replays it; send `reply` again if there is one, and do nothing else. `conflict`: the id was used for something else.
 */
export type TakenMessage =
  | { readonly kind: "new" }
  | { readonly kind: "again"; readonly reply: Uint8Array | undefined }
  | { readonly kind: "conflict" };

/** Messages as they were taken, until they can no longer be replayed. */
export interface RequestBook {
  take(message: GridMessage, payload: Uint8Array, nowMs: number): TakenMessage;
  /** Remembers the last answer to a message that was taken. */
  answer(message: GridMessage, reply: Uint8Array, nowMs: number): void;
}

/**
 * The replay guard of a node or a user. It forgets when strangers fill it, so only messages of who may ask are put in; what they do
 * is idempotent all the same.
 */
export function createRequestBook({ capacity }: { readonly capacity: number }): RequestBook {
  const seen = createSeenIds<{ readonly digest: Uint8Array; reply: Uint8Array | undefined }>({ capacity });
  return {
    take(message, payload, nowMs) {
      const digest = hashWithDomain("sprf/grid-message/1", payload);
      const known = seen.get(keyOf(message), nowMs);
      if (known === undefined) {
        seen.set(keyOf(message), { digest, reply: undefined }, message.expiresAt + MAX_GRID_SKEW_MS + 1, nowMs);
        return { kind: "new" };
      }
      return equalBytes(known.digest, digest) ? { kind: "again", reply: known.reply } : { kind: "conflict" };
    },
    answer(message, reply, nowMs) {
      const known = seen.get(keyOf(message), nowMs);
      if (known !== undefined) known.reply = reply;
    },
  };
}

function keyOf({ from, id }: GridMessage): string {
  return `${toHex(from)}/${toHex(id)}`;
}
