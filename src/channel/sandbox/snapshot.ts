import { SprfError } from "../../errors.ts";
import { equalBytes, utf8 } from "../../utils/bytes.ts";
import { WORD_BYTES } from "../../utils/keccak.ts";
import { MAX_STATE_SLOTS, SNAPSHOT_HEADER_BYTES, SNAPSHOT_SLOT_BYTES } from "../../wire/channel/limits.ts";
import { isZero, slotOf, toSlotKey, type SlotKey } from "./slot-key.ts";
import type { SlotChange } from "./slot-store.ts";

const MAGIC = utf8("SPRFCHST");
const VERSION = 1;
/** Magic, version (2), height (8, signed), number of slots (4), root (32). */
const HEADER_BYTES = SNAPSHOT_HEADER_BYTES;
const ENTRY_BYTES = SNAPSHOT_SLOT_BYTES;
const ENTRIES_A_PART = 1024;

/** What a snapshot is of. */
export interface SnapshotHead {
  readonly height: number;
  readonly root: Uint8Array;
}

/** The state in parts: a header, then slot and value by turns, ascending by slot. */
export function writeSnapshot(
  { height, root }: SnapshotHead,
  slots: ReadonlyMap<SlotKey, Uint8Array>,
): AsyncIterable<Uint8Array> {
  // At once: records that are played while somebody reads must not show. Values are never written to.
  const entries = [...slots].sort(([a], [b]) => (a < b ? -1 : 1));
  return parts();

  async function* parts(): AsyncGenerator<Uint8Array> {
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    header.set(MAGIC);
    view.setUint16(MAGIC.length, VERSION);
    view.setBigInt64(MAGIC.length + 2, BigInt(height));
    view.setUint32(MAGIC.length + 10, entries.length);
    header.set(root, MAGIC.length + 14);
    yield header;
    for (let from = 0; from < entries.length; from += ENTRIES_A_PART) {
      const some = entries.slice(from, from + ENTRIES_A_PART);
      const part = Buffer.alloc(some.length * ENTRY_BYTES);
      for (const [index, [key, value]] of some.entries()) {
        part.write(key, index * ENTRY_BYTES, "latin1");
        part.set(value, index * ENTRY_BYTES + WORD_BYTES);
      }
      yield part;
    }
  }
}

/**
 * The slots of a snapshot of `expected`, whose root is not verified here.
 * @throws SprfError `CHANNEL_SNAPSHOT_INVALID`
 */
export async function readSnapshot(
  parts: AsyncIterable<Uint8Array>,
  expected: SnapshotHead,
): Promise<SnapshotHead & { readonly changes: readonly SlotChange[] }> {
  const changes: SlotChange[] = [];
  let count: number | undefined;
  let rest = Buffer.alloc(0);
  let previous: SlotKey = "";
  for await (const part of parts) {
    rest = Buffer.concat([rest, part]);
    let at = 0;
    if (count === undefined) {
      if (rest.length < HEADER_BYTES) continue;
      count = readHeader(rest, expected);
      at = HEADER_BYTES;
    }
    for (; rest.length - at >= ENTRY_BYTES; at += ENTRY_BYTES) {
      if (changes.length === count) throw invalid("it has more slots than it says");
      const key = toSlotKey(rest.subarray(at, at + WORD_BYTES));
      const value = new Uint8Array(rest.subarray(at + WORD_BYTES, at + ENTRY_BYTES));
      if (key <= previous && changes.length > 0) throw invalid("its slots do not ascend");
      if (isZero(value)) throw invalid("it holds an empty slot");
      changes.push([key, value]);
      previous = key;
    }
    rest = rest.subarray(at);
  }
  if (count === undefined || changes.length < count || rest.length > 0) throw invalid("it ends too early or too late");
  return { ...expected, changes };
}

/** How long the snapshot is that begins with these parts; no more of them is read than that takes. @throws SprfError `CHANNEL_SNAPSHOT_INVALID` */
export async function snapshotLength(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number> {
  let bytes = Buffer.alloc(0);
  for await (const part of parts) {
    bytes = Buffer.concat([bytes, part]);
    if (bytes.length >= HEADER_BYTES) return HEADER_BYTES + readCount(bytes) * ENTRY_BYTES;
  }
  throw invalid("it ends too early or too late");
}

function readHeader(bytes: Buffer, expected: SnapshotHead): number {
  const count = readCount(bytes);
  const height = bytes.readBigInt64BE(MAGIC.length + 2);
  const root = bytes.subarray(MAGIC.length + 14, HEADER_BYTES);
  if (height !== BigInt(expected.height) || !equalBytes(root, expected.root)) throw invalid("it is of another head");
  return count;
}

function readCount(bytes: Buffer): number {
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw invalid("it does not begin like one");
  const version = bytes.readUInt16BE(MAGIC.length);
  if (version !== VERSION) throw invalid(`it is of version ${version}; this program reads ${VERSION}`);
  const count = bytes.readUInt32BE(MAGIC.length + 10);
  if (count > MAX_STATE_SLOTS) throw invalid(`it has more than ${MAX_STATE_SLOTS} slots`);
  return count;
}

function invalid(reason: string): SprfError {
  return new SprfError("CHANNEL_SNAPSHOT_INVALID", `the snapshot was refused: ${reason}`);
}

/** Slots and values of a snapshot, as clients are told them. @throws SprfError `CHANNEL_SNAPSHOT_INVALID` */
export async function readSlots(
  parts: AsyncIterable<Uint8Array>,
  expected: SnapshotHead,
): Promise<readonly { readonly slot: Uint8Array; readonly value: Uint8Array }[]> {
  const { changes } = await readSnapshot(parts, expected);
  return changes.flatMap(([key, value]) => (value === undefined ? [] : [{ slot: slotOf(key), value }]));
}
