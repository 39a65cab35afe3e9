import { decode, encode } from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { varint } from "multiformats";

import { SprfError, messageOf } from "../../errors.ts";
import { concatBytes } from "../../utils/bytes.ts";
import { MAX_BLOCK_BYTES } from "./cid.ts";

const MAX_HEADER_BYTES = 64 * 1024;
/** A CIDv1 by sha2-256 has 36 bytes; room for others, which are refused by whoever looks at them. */
const MAX_CID_BYTES = 128;
const MAX_VARINT_BYTES = 5;

/** A block as a CAR names it; nobody has checked its hash. */
export interface CarBlock {
  readonly cid: CID;
  readonly bytes: Uint8Array;
}

/** The first bytes of a CAR (version 1). @see https://ipld.io/specs/transport/car/carv1/ */
export function carHeader(root: CID): Uint8Array {
  const header = encode({ version: 1, roots: [root] });
  return concatBytes(varintOf(header.length), header);
}

/** A block as a CAR holds it, all but its own bytes, which follow. */
export function carBlockHead({ cid, bytes }: CarBlock): Uint8Array {
  return concatBytes(varintOf(cid.bytes.length + bytes.length), cid.bytes);
}

/**
 * The blocks of a CAR (version 1), each as soon as it has arrived. Never holds more than one block and what came with its end,
 * whatever lengths the sender claims.
 *
 * @throws SprfError `CONTENT_CORRUPT` when it is no CAR, `CONTENT_NOT_FOUND` when it ends within a block
 */
export async function* readCar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<CarBlock> {
  const reader = createReader(stream);
  const headerLength = await reader.length(MAX_HEADER_BYTES);
  if (headerLength === undefined) throw corrupt("it is empty");
  checkHeader(await reader.take(headerLength));
  for (;;) {
    const length = await reader.length(MAX_CID_BYTES + MAX_BLOCK_BYTES);
    if (length === undefined) return;
    const section = await reader.take(length);
    let cid: CID;
    let bytes: Uint8Array;
    try {
      [cid, bytes] = CID.decodeFirst(section);
    } catch (error) {
      throw corrupt(messageOf(error));
    }
    yield { cid, bytes };
  }
}

interface Reader {
  /** The next length, undefined at the end of the stream. */
  length(limit: number): Promise<number | undefined>;
  take(length: number): Promise<Uint8Array>;
}

function createReader(stream: AsyncIterable<Uint8Array>): Reader {
  const iterator = stream[Symbol.asyncIterator]();
  let parts: Uint8Array[] = [];
  let held = 0;
  const pull = async (): Promise<boolean> => {
    const next = await iterator.next();
    if (next.done === true) return false;
    parts.push(next.value);
    held += next.value.length;
    return true;
  };
  const take = async (length: number): Promise<Uint8Array> => {
    while (held < length) if (!(await pull())) throw cutShort();
    const all = parts.length === 1 && parts[0] !== undefined ? parts[0] : concatBytes(...parts);
    parts = [all.subarray(length)];
    held -= length;
    return all.subarray(0, length);
  };
  return {
    take,
    async length(limit) {
      let value = 0;
      for (let at = 0; at < MAX_VARINT_BYTES; at++) {
        if (held === 0 && !(await pullSome())) {
          if (at === 0) return undefined;
          throw cutShort();
        }
        const [byte = 0] = await take(1);
        value += (byte & 0x7f) * 2 ** (7 * at);
        if (byte < 0x80) {
          if (value === 0 || value > limit) throw corrupt(`a section of ${value} bytes`);
          return value;
        }
      }
      throw corrupt("a length without end");
    },
  };

  async function pullSome(): Promise<boolean> {
    while (held === 0) if (!(await pull())) return false;
    return true;
  }
}

function checkHeader(bytes: Uint8Array): void {
  let version: unknown;
  try {
    ({ version } = decode<{ version?: unknown }>(bytes));
  } catch (error) {
    throw corrupt(messageOf(error));
  }
  if (version !== 1) throw corrupt("not of version 1");
}

function varintOf(value: number): Uint8Array {
  return varint.encodeTo(value, new Uint8Array(varint.encodingLength(value)));
}

/** A sender that lacks a block, or dies, can do no better: that is no lie. */
function cutShort(): SprfError {
  return new SprfError("CONTENT_NOT_FOUND", "the CAR ends before its end");
}

function corrupt(reason: string): SprfError {
  return new SprfError("CONTENT_CORRUPT", `not a CAR: ${reason}`);
}
