import type { ContentStore } from "../ports/content-store.ts";
import { concatBytes } from "../utils/bytes.ts";

/** All bytes of a file or record. Throws what the content store throws. */
export async function readContent(
  content: Pick<ContentStore, "get">,
  cid: string,
  options: { readonly maxBytes: number; readonly signal?: AbortSignal | undefined },
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of content.get(cid, options)) parts.push(part);
  return concatBytes(...parts);
}
