import { z } from "zod";

import { SprfError } from "../errors.ts";
import type { LogEntry } from "../ports/record-log.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";
import { countSchema } from "../wire/channel/schemas.ts";
import { uint64Schema } from "../wire/primitives.ts";
import type { ChannelHistory } from "./verify.ts";

const FORMAT = "sprf/channel-archive/1";
const LENGTH_BYTES = 4;
/** More than any part has: a length beyond it is no length. */
const MAX_PART_BYTES = 16 * 1024 * 1024;

const addressSchema = z.string().regex(/^0x[0-9a-f]{40}$/, { error: "expected an address in lower-case hex" });
const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, { error: "expected bytes" });

const partSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("channel"),
    format: z.literal(FORMAT),
    chainId: uint64Schema,
    hub: addressSchema,
    channel: uint64Schema,
  }),
  /** Bytes of the snapshot of this height; those that follow each other are one snapshot. */
  z.strictObject({ kind: z.literal("snapshot"), height: countSchema, bytes: bytesSchema }),
  z.strictObject({ kind: z.literal("entry"), height: countSchema, bytes: bytesSchema }),
  /** Nothing was cut off. */
  z.strictObject({ kind: z.literal("end"), entries: countSchema }),
]);

type Part = z.output<typeof partSchema>;

/** Which channel an archive is of. */
export interface ArchiveHeading {
  readonly chainId: bigint;
  /** Lower-case hex with 0x. */
  readonly hub: string;
  readonly channel: bigint;
}

/** An archive that can be read any number of times, always to its end. */
export interface Archive extends ChannelHistory {
  readonly heading: ArchiveHeading;
}

/** A channel's history as one file: length-prefixed parts of canonical dag-cbor. */
export async function* writeArchive(heading: ArchiveHeading, history: ChannelHistory): AsyncGenerator<Uint8Array> {
  yield encodePart({ kind: "channel", format: FORMAT, ...heading });
  const newest = (await history.snapshots()).at(-1);
  if (newest !== undefined) {
    for await (const bytes of history.readSnapshot(newest)) {
      yield encodePart({ kind: "snapshot", height: newest, bytes: new Uint8Array(bytes) });
    }
  }
  let entries = 0;
  for await (const { height, bytes } of history.entries()) {
    yield encodePart({ kind: "entry", height, bytes });
    entries += 1;
  }
  yield encodePart({ kind: "end", entries });
}

/**
 * Opens an archive; `read` gives its bytes from the start each time.
 *
 * @throws SprfError `CHANNEL_UNVERIFIED` for what is no archive or was cut off, also later from what it gives
 */
export async function openArchive(read: () => AsyncIterable<Uint8Array>): Promise<Archive> {
  const heights: number[] = [];
  let heading: ArchiveHeading | undefined;
  let entries = 0;
  let isWhole = false;
  for await (const part of readParts(read())) {
    if (isWhole) throw invalid("it goes on behind its end");
    if (heading === undefined) {
      if (part.kind !== "channel") throw invalid("it does not begin with its channel");
      heading = { chainId: part.chainId, hub: part.hub, channel: part.channel };
    } else if (part.kind === "channel") throw invalid("it is of two channels");
    if (part.kind === "snapshot" && heights.at(-1) !== part.height) heights.push(part.height);
    if (part.kind === "entry") entries += 1;
    if (part.kind === "end") {
      if (part.entries !== entries) throw invalid(`it has ${entries} of ${part.entries} entries`);
      isWhole = true;
    }
  }
  if (heading === undefined || !isWhole) throw invalid("its end is missing");
  return {
    heading,
    snapshots: async () => await Promise.resolve(heights),
    async *readSnapshot(height) {
      for await (const part of readParts(read())) {
        if (part.kind === "snapshot" && part.height === height) yield part.bytes;
      }
    },
    async *entries({ fromHeight = 0 } = {}) {
      for await (const part of readParts(read())) {
        if (part.kind === "entry" && part.height >= fromHeight) {
          yield { height: part.height, bytes: part.bytes } satisfies LogEntry;
        }
      }
    },
  };
}

function encodePart(part: Part): Uint8Array {
  const bytes = encodeCanonical(part);
  const framed = Buffer.alloc(LENGTH_BYTES + bytes.length);
  framed.writeUInt32BE(bytes.length);
  framed.set(bytes, LENGTH_BYTES);
  return framed;
}

async function* readParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= LENGTH_BYTES) {
      const length = rest.readUInt32BE(at);
      if (length > MAX_PART_BYTES) throw invalid(`a part of ${length} bytes`);
      const end = at + LENGTH_BYTES + length;
      if (rest.length < end) break;
      yield decodePart(new Uint8Array(rest.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw invalid("its last part was cut off");
}

function decodePart(bytes: Uint8Array): Part {
  try {
    return partSchema.parse(decodeCanonical(bytes));
  } catch (error) {
    throw invalid("a part that is none", error);
  }
}

function invalid(why: string, cause?: unknown): SprfError {
  return new SprfError(
    "CHANNEL_UNVERIFIED",
    `not a whole archive of a channel: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
