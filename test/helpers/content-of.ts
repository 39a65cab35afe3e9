import { SprfError } from "../../src/errors.ts";
import type { ContentStore } from "../../src/ports/content-store.ts";

/** The reading half of a content store, with these contents by name. */
export function contentOf(contents: Readonly<Record<string, Uint8Array>>): Pick<ContentStore, "get"> {
  return {
    async *get(cid, { maxBytes }) {
      const bytes = contents[cid];
      if (bytes === undefined) throw new SprfError("CONTENT_NOT_FOUND", `nobody has ${cid}`);
      if (bytes.length > maxBytes) throw new SprfError("CONTENT_TOO_LARGE", `${cid} is too large`);
      await Promise.resolve();
      yield bytes;
    },
  };
}
