import type { ContentStore } from "../ports/content-store.ts";
import { MAX_RECORD_BYTES, decodeRecord, type ProgramRecord } from "../wire/record.ts";
import { readContent } from "./read-content.ts";

/** Reads a record by its CID. @throws SprfError `RECORD_INVALID`, and what the content store throws */
export async function readRecord(
  content: ContentStore,
  cid: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProgramRecord> {
  return decodeRecord(await readContent(content, cid, { maxBytes: MAX_RECORD_BYTES, signal }));
}
