import type { ContentStore } from "../ports/content-store.ts";

/** Content as one piece of work sees it: what it stores and fetches stays until it lets go, however often that is said. */
export interface HeldContent {
  readonly content: ContentStore;
  /** Keeps this alone of what it holds; nothing without it. */
  letGo(but?: string): Promise<void>;
}

/** @param holder of this work alone, see `PinOptions` */
export function holdContent(content: ContentStore, holder: string): HeldContent {
  return {
    content: withHolder(content, () => holder),
    letGo: async (but) => await letGoOf(content, `${holder} `, (cid) => cid !== but),
  };
}

/** The content store of whoever keeps all that it stores and pins under a name; to let go of it is left to others. */
export function withHolder(content: ContentStore, holderNow: () => string): ContentStore {
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

/** Lets go of what holders keep whose names begin with `prefix`, where `isOver` says so. */
export async function letGoOf(
  content: ContentStore,
  prefix: string,
  isOver: (cid: string, holder: string) => boolean | Promise<boolean> = () => true,
): Promise<void> {
  for await (const { holder, cid } of content.held(prefix)) {
    if (await isOver(cid, holder)) await content.unpin(cid, { holder });
  }
}
