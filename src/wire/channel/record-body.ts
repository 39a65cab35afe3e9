import { SprfError } from "../../errors.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { MAX_INPUT_BYTES } from "./limits.ts";
import { RECORD_KINDS, RECORD_STATUS, type RecordHeader } from "./record.ts";

/** What of a record does not follow from its place in a batch. */
export interface RecordBody {
  readonly kind: number;
  readonly status: number;
  readonly timeMs: number;
  readonly gasUsed: number;
  readonly inboxCursor: number;
  readonly touchedHash: Uint8Array;
  readonly writesHash: Uint8Array;
  readonly returnHash: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly input: Uint8Array;
}

/** Where a record stands. */
export interface RecordPlace {
  readonly channel: bigint;
  readonly term: number;
  readonly height: number;
  readonly previous: Uint8Array;
}

const TIME_AT = 2;
const GAS_AT = 10;
const CURSOR_AT = 18;
const HASHES_AT = 26;
const INPUT_AT = HASHES_AT + 4 * WORD_BYTES;
const LAST_KIND = RECORD_KINDS.term;
const LAST_STATUS = RECORD_STATUS.overLimit;

/** One record's bytes in messages and logs: packed, because there are thousands a second. */
export function encodeRecordBody(body: RecordBody): Uint8Array {
  const bytes = Buffer.alloc(INPUT_AT + body.input.length);
  bytes[0] = body.kind;
  bytes[1] = body.status;
  bytes.writeBigUInt64BE(BigInt(body.timeMs), TIME_AT);
  bytes.writeBigUInt64BE(BigInt(body.gasUsed), GAS_AT);
  bytes.writeBigUInt64BE(BigInt(body.inboxCursor), CURSOR_AT);
  bytes.set(body.touchedHash, HASHES_AT);
  bytes.set(body.writesHash, HASHES_AT + WORD_BYTES);
  bytes.set(body.returnHash, HASHES_AT + 2 * WORD_BYTES);
  bytes.set(body.stateRoot, HASHES_AT + 3 * WORD_BYTES);
  bytes.set(body.input, INPUT_AT);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** @throws SprfError `MESSAGE_INVALID` */
export function decodeRecordBody(packed: Uint8Array): RecordBody {
  if (packed.length < INPUT_AT || packed.length > INPUT_AT + MAX_INPUT_BYTES) {
    throw new SprfError("MESSAGE_INVALID", `a record of ${packed.length} bytes`);
  }
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const hashAt = (index: number): Uint8Array => {
    const start = HASHES_AT + index * WORD_BYTES;
    return packed.slice(start, start + WORD_BYTES);
  };
  const kind = bytes.readUInt8(0);
  const status = bytes.readUInt8(1);
  if (kind > LAST_KIND || status > LAST_STATUS) {
    throw new SprfError("MESSAGE_INVALID", `a record of kind ${kind} and status ${status}`);
  }
  return {
    kind,
    status,
    timeMs: numberAt(bytes, TIME_AT),
    gasUsed: numberAt(bytes, GAS_AT),
    inboxCursor: numberAt(bytes, CURSOR_AT),
    touchedHash: hashAt(0),
    writesHash: hashAt(1),
    returnHash: hashAt(2),
    stateRoot: hashAt(3),
    input: packed.slice(INPUT_AT),
  };
}

/** The header of the record at a place. */
export function headerOf({ input, ...body }: RecordBody, place: RecordPlace): RecordHeader {
  return { ...place, ...body, inputHash: keccak256(input) };
}

function numberAt(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64BE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new SprfError("MESSAGE_INVALID", "a record's number out of range");
  return Number(value);
}
