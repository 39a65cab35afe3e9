import type { ContentStore } from "../ports/content-store.ts";
import { concatBytes } from "../utils/bytes.ts";
import { MAX_RECORD_BYTES, decodeRecord, type ProgramRecord } from "../wire/record.ts";

/** Reads a record by its CID. @throws SprfError `RECORD_INVALID`, and what the content store throws */
export async function readRecord(
  content: ContentStore,
  cid: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProgramRecord> {
  const parts: Uint8Array[] = [];
  for await (const part of content.get(cid, { maxBytes: MAX_RECORD_BYTES, signal })) parts.push(part);
  return decodeRecord(concatBytes(...parts));
}
