import { withHolder } from "../../execution/held-content.ts";
import type { ContentStore } from "../../ports/content-store.ts";

/**
 * The content store as runs see it: what they store is kept as recent, since nobody knows yet whether it lands. The history
 * keeps what did; the rest goes when no outcome can rest on it any more.
 */
export function createRunContent(content: ContentStore, holderNow: () => string): ContentStore {
  return withHolder(content, holderNow);
}
