import { createHash } from "node:crypto";

import { decode } from "@ipld/dag-pb";
import { CID } from "multiformats/cid";
import { create as createDigest } from "multiformats/hashes/digest";

import { SprfError } from "../../errors.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import { decodeCanonical } from "../../wire/canonical.ts";
import { tooLarge } from "./content-errors.ts";

const SHA2_256 = 0x12;
const RAW = 0x55;
const DAG_PB = 0x70;
const DAG_CBOR = 0x71;

const MAX_RECORD_BYTES = 1024 * 1024;

/** Every block is at most this large: what bitswap peers accept in one message. */
export const MAX_BLOCK_BYTES = 2 * 1024 * 1024;

/**
 * @throws SprfError `INVALID_INPUT` unless `text` is a CIDv1 in base32 of a file (raw, dag-pb) or record (dag-cbor) by sha2-256
 */
export function parseCid(text: string): CID {
  let cid: CID;
  try {
    cid = CID.parse(text);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", "not a CID", { cause: error });
  }
  if (cid.version !== 1 || cid.toString() !== text) throw new SprfError("INVALID_INPUT", "not a CIDv1 in base32");
  if (!isSupported(cid)) throw new SprfError("INVALID_INPUT", "a CID of an unknown codec or hash");
  return cid;
}

/** Whether the block's hash can be checked and its links are known. */
function isSupported(cid: CID): boolean {
  return cid.multihash.code === SHA2_256 && [RAW, DAG_PB, DAG_CBOR].includes(cid.code);
}

/** Blocks are stored by hash: two CIDs that differ in codec alone name the same bytes. */
export function blockKey(cid: CID): string {
  return toHex(cid.multihash.bytes);
}

export function matches(cid: CID, bytes: Uint8Array): boolean {
  if (cid.multihash.code !== SHA2_256) return false;
  return equalBytes(createHash("sha256").update(bytes).digest(), cid.multihash.digest);
}

/** @throws SprfError `CONTENT_TOO_LARGE` past 1 MiB, `INVALID_INPUT` unless it is canonical dag-cbor */
export function checkRecord(block: Uint8Array): void {
  if (block.length > MAX_RECORD_BYTES) throw tooLarge(block.length, MAX_RECORD_BYTES);
  try {
    decodeCanonical(block);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", "a record must be canonical dag-cbor", { cause: error });
  }
}

/** The CID of a record's block. */
export function recordCid(block: Uint8Array): CID {
  return CID.createV1(DAG_CBOR, createDigest(SHA2_256, createHash("sha256").update(block).digest()));
}

/** The codec as multicodec names it. */
export function codecName(cid: CID): "raw" | "dag-pb" | "dag-cbor" {
  return cid.code === RAW ? "raw" : cid.code === DAG_PB ? "dag-pb" : "dag-cbor";
}

export function isRecord(cid: CID): boolean {
  return cid.code === DAG_CBOR;
}

/** Whether the block can hold links that belong to the same content. Links inside a record do not: it is a block by itself. */
export function hasLinks(cid: CID): boolean {
  return cid.code === DAG_PB;
}

/** @throws SprfError `CONTENT_CORRUPT` when the block is no dag-pb or links to something that cannot be checked */
export function linksOf(cid: CID, bytes: Uint8Array): CID[] {
  if (!hasLinks(cid)) return [];
  let links: CID[];
  try {
    links = decode(bytes).Links.map((link) => link.Hash);
  } catch (error) {
    throw new SprfError("CONTENT_CORRUPT", `${cid.toString()} is no valid UnixFS node`, { cause: error });
  }
  if (links.every(isSupported)) return links;
  throw new SprfError("CONTENT_CORRUPT", `${cid.toString()} links to a block of unknown codec or hash`);
}
