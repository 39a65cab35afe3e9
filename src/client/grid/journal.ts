import { z } from "zod";

import { SprfError } from "../../errors.ts";
import type { Store } from "../../ports/store.ts";
import { fromBase64, toBase64, utf8 } from "../../utils/bytes.ts";

const TABLE = "grid-deployments";

const entrySchema = z.strictObject({
  kind: z.enum(["deploy", "update"]),
  nodeId: z.int().min(1),
  /** Of the contract that is updated; a new one has none before the chain has given it. */
  contractId: z.int().min(1).optional(),
  /** Of what the user asked for, so that the same asked again is not bought twice. */
  fingerprint: z.string(),
  beganAtMs: z.int().min(0),
  /** What goes on the chain: sealed to the user itself, secrets included. */
  data: z.string().transform((text) => fromBase64(text)),
});

/** A deployment that was begun and whose end is not known. */
export interface JournalEntry {
  /** Its deployment hash in hex. */
  readonly hash: string;
  readonly kind: "deploy" | "update";
  readonly nodeId: number;
  readonly contractId?: number | undefined;
  readonly fingerprint: string;
  readonly beganAtMs: number;
  readonly data: Uint8Array;
}

/** Written before anything is bought, and removed once it stands or is cancelled. */
export async function writeEntry(store: Store, { hash, data, ...entry }: JournalEntry): Promise<void> {
  const value = utf8(JSON.stringify({ ...entry, data: toBase64(data) }));
  await store.apply([{ kind: "put", table: TABLE, key: hash, value }]);
}

export async function removeEntry(store: Store, hash: string): Promise<void> {
  await store.apply([{ kind: "delete", table: TABLE, key: hash }]);
}

/** All that are open. @throws SprfError `STORE_UNAVAILABLE` when one is damaged */
export async function openEntries(store: Store): Promise<readonly JournalEntry[]> {
  const rows = await store.list(TABLE);
  return rows.map(({ key, value }) => {
    const parsed = entrySchema.safeParse(parseJson(value));
    if (parsed.success) return { hash: key, ...parsed.data };
    throw new SprfError("STORE_UNAVAILABLE", `the note of deployment ${key} is damaged`, { cause: parsed.error });
  });
}

function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString());
  } catch {
    return undefined;
  }
}
