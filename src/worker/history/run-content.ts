import type { ContentStore } from "../../ports/content-store.ts";

/**
 * The content store as runs see it: what they store is kept as recent, since nobody knows yet whether it lands. The history
 * keeps what did; the rest goes when no outcome can rest on it any more.
 */
export function createRunContent(content: ContentStore, holderNow: () => string): ContentStore {
  return {
    start: async (options) => await content.start(options),
    stop: async () => await content.stop(),
    putFile: async (bytes, options) => await content.putFile(bytes, { holder: holderNow(), ...options }),
    putRecord: async (block, options) => await content.putRecord(block, { holder: holderNow(), ...options }),
    putDirectory: async (entries, options) => await content.putDirectory(entries, { holder: holderNow(), ...options }),
    listDirectory: async (cid, options) => await content.listDirectory(cid, options),
    pin: async (cid, options) => await content.pin(cid, { holder: holderNow(), ...options }),
    get: (cid, options) => content.get(cid, options),
    has: async (cid, options) => await content.has(cid, options),
    unpin: async (cid, options) => await content.unpin(cid, options),
    held: (prefix, options) => content.held(prefix, options),
  };
}
