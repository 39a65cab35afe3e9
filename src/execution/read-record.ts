import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import { MAX_RECORD_BYTES, decodeRecord, type ChainRecord, type ProgramRecord } from "../wire/record.ts";
import { readContent } from "./read-content.ts";

/** Reads a record by its CID. @throws SprfError `RECORD_INVALID`, and what the content store throws */
export async function readRecord(
  content: ContentStore,
  cid: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProgramRecord> {
  return decodeRecord(await readContent(content, cid, { maxBytes: MAX_RECORD_BYTES, signal }));
}

/** Reads a record of the chain: any but a recovery's. @throws SprfError `RECORD_INVALID`, and what the content store throws */
export async function readChainRecord(
  content: ContentStore,
  cid: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ChainRecord> {
  const record = await readRecord(content, cid, options);
  if (record.kind !== "recovery") return record;
  throw new SprfError("RECORD_INVALID", `${cid} is a recovery, which no history leads to`);
}
