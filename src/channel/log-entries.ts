import { z } from "zod";

import { SprfError } from "../errors.ts";
import type { LogEntry } from "../ports/record-log.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";
import type { Certificate } from "../wire/channel/batch.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import {
  addressSchema,
  certificateSchema,
  countSchema,
  electionSchema,
  headerSchema,
  signedBatchSchema,
  type SignedBatch,
} from "../wire/channel/schemas.ts";
import type { KeptElection } from "./term-record.ts";

const loggedSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("batch"), batch: signedBatchSchema }),
  /** Records that were published on the chain, which says that a leader has signed what follows from them; it does not say the batch. */
  z.strictObject({ kind: z.literal("shown"), run: signedBatchSchema.omit({ signature: true }) }),
  z.strictObject({ kind: z.literal("certificate"), certificate: certificateSchema }),
  /** Records above `height`, up to `from`, were taken back. */
  z.strictObject({ kind: z.literal("cut"), height: countSchema, from: countSchema }),
  /** No ack of an earlier term from here on. */
  z.strictObject({ kind: z.literal("term"), term: countSchema, leader: addressSchema, height: countSchema }),
  /** Who leads a term, kept when its first record is pruned. */
  z.strictObject({ kind: z.literal("election"), election: electionSchema, height: countSchema }),
]);

/** Records of one term that follow each other. */
export type Run = Omit<SignedBatch, "signature">;

/** What a node writes down. */
export type Logged =
  | { readonly kind: "batch"; readonly batch: SignedBatch }
  | { readonly kind: "shown"; readonly run: Run }
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  | { readonly kind: "cut"; readonly height: number; readonly from: number }
  | { readonly kind: "term"; readonly term: number; readonly leader: string; readonly height: number }
  | { readonly kind: "election"; readonly election: KeptElection; readonly height: number };

/** The height of the last record. */
export function lastOf({ first, records }: Pick<Run, "first" | "records">): number {
  return first + records.length - 1;
}

export function toLogEntry(logged: Logged): LogEntry {
  return { height: heightOf(logged), bytes: encodeCanonical(logged) };
}

/** @throws SprfError `CHANNEL_LOG_INVALID` */
export function fromLogEntry({ bytes }: LogEntry): Logged {
  const parsed = loggedSchema.safeParse(decodeCanonical(bytes));
  if (!parsed.success)
    throw new SprfError("CHANNEL_LOG_INVALID", "an entry of the log is none", { cause: parsed.error });
  return parsed.data;
}

function heightOf(logged: Logged): number {
  switch (logged.kind) {
    case "batch":
      return lastOf(logged.batch);
    case "shown":
      return lastOf(logged.run);
    case "certificate":
      return logged.certificate.height;
    // Whoever reads what was taken back must read this too.
    case "cut":
      return logged.from;
    default:
      return logged.height;
  }
}

const LENGTH_BYTES = 4;

/** A snapshot as it is kept: the header of its record, which is final, and the state after it. */
export async function* withHeading(header: RecordHeader, state: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const bytes = encodeCanonical(header);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  yield length;
  yield bytes;
  yield* state;
}

/** Both parts of a kept snapshot, and where the second one begins. @throws SprfError `CHANNEL_LOG_INVALID` */
export async function splitHeading(
  parts: AsyncIterable<Uint8Array>,
): Promise<{ readonly header: RecordHeader; readonly start: number; readonly state: AsyncIterable<Uint8Array> }> {
  const iterator: AsyncIterator<Uint8Array, unknown> = parts[Symbol.asyncIterator]();
  let bytes: Buffer = Buffer.alloc(0);
  const fill = async (length: number): Promise<void> => {
    while (bytes.length < length) {
      const next: IteratorResult<Uint8Array, unknown> = await iterator.next();
      if (next.done === true) throw new SprfError("CHANNEL_LOG_INVALID", "a snapshot without its heading");
      bytes = Buffer.concat([bytes, next.value]);
    }
  };
  await fill(LENGTH_BYTES);
  const end = LENGTH_BYTES + bytes.readUInt32BE();
  await fill(end);
  const parsed = headerSchema.safeParse(decodeCanonical(new Uint8Array(bytes.subarray(LENGTH_BYTES, end))));
  if (!parsed.success) throw new SprfError("CHANNEL_LOG_INVALID", "a snapshot's heading is none");
  async function* state(): AsyncGenerator<Uint8Array> {
    try {
      yield new Uint8Array(bytes.subarray(end));
      for (;;) {
        const next: IteratorResult<Uint8Array, unknown> = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // Whoever has read enough closes the file.
      await iterator.return?.();
    }
  }
  return { header: parsed.data, start: end, state: state() };
}
