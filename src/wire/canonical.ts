import { createHash } from "node:crypto";

import { decode, encode } from "@ipld/dag-cbor";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";

import { SprfError, messageOf } from "../errors.ts";
import { equalBytes, utf8 } from "../utils/bytes.ts";

const SHA2_256 = 0x12;
const DAG_CBOR = 0x71;
const RAW = 0x55;

/** Canonical dag-cbor: equal values give equal bytes on every machine. */
export function encodeCanonical(value: unknown): Uint8Array {
  return encode(value);
}

/**
 * The value in `bytes`.
 *
 * @throws SprfError `MESSAGE_INVALID` when the bytes are not dag-cbor or not in canonical form
 */
export function decodeCanonical(bytes: Uint8Array): unknown {
  let value: unknown;
  let again: Uint8Array;
  try {
    value = decode(bytes);
    again = encode(value);
  } catch (error) {
    throw new SprfError("MESSAGE_INVALID", `not dag-cbor: ${messageOf(error)}`, { cause: error });
  }
  if (!equalBytes(again, bytes)) throw new SprfError("MESSAGE_INVALID", "dag-cbor that is not canonical");
  return value;
}

/** sha256 over a domain such as `sprf/request/1` and the parts after it. */
export function hashWithDomain(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256").update(utf8(domain));
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Files up to this size are one raw block in the profile unixfs-v1-2025. */
const MAX_RAW_FILE_BYTES = 1024 * 1024;

/** The CID (base32) of a file of at most 1 MiB, as a content store gives it. */
export function smallFileCidOf(bytes: Uint8Array): string {
  if (bytes.length > MAX_RAW_FILE_BYTES) {
    throw new SprfError(
      "CONTENT_TOO_LARGE",
      `a file of ${bytes.length} bytes; at most ${MAX_RAW_FILE_BYTES} are allowed here`,
    );
  }
  const hash = new Uint8Array(createHash("sha256").update(bytes).digest());
  return CID.createV1(RAW, createDigest(SHA2_256, hash)).toString();
}

/** The CID (base32) of a dag-cbor block, as a content store gives it. */
export function recordCidOf(block: Uint8Array): string {
  return recordCidFromHash(new Uint8Array(createHash("sha256").update(block).digest()));
}

/** The CID of the record whose sha256 is the memo of a transaction. */
export function recordCidFromHash(hash: Uint8Array): string {
  return CID.createV1(DAG_CBOR, createDigest(SHA2_256, hash)).toString();
}

/**
 * The sha256 inside a record's CID: what the memo of its transaction holds.
 *
 * @throws SprfError `RECORD_INVALID` when it is not the CID of a record
 */
export function hashOfRecordCid(cid: string): Uint8Array {
  const parsed = parseCid(cid);
  if (parsed?.code !== DAG_CBOR || parsed.multihash.code !== SHA2_256) {
    throw new SprfError("RECORD_INVALID", `${cid} is not the CID of a record`);
  }
  return parsed.multihash.digest;
}

function parseCid(text: string): CID | undefined {
  try {
    return CID.parse(text);
  } catch {
    return undefined;
  }
}
