import { isSprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";

/** Sees to it that the state is on this machine that a transition goes on from. */
export interface StateKeeper {
  /**
   * Resolves when the state is here: fetched from peers, or made by running the transition before again.
   *
   * @throws SprfError `CONTENT_NOT_FOUND` when neither is to be had
   */
  require(state: string, parts: StateWanted, options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface StateWanted {
  /** In whose name it is fetched. */
  readonly content: ContentStore;
  /** Settles when the transition before has been run, where this audit runs it. */
  readonly predecessor: Promise<void> | undefined;
}

/**
 * Workers release old states, so states come from peers only while those have them. The first that nobody has ends the asking ahead:
 * from then on each transition waits for the one before it, whose run makes its state again.
 */
export function createStateKeeper(): StateKeeper {
  let inTurn = false;
  return {
    async require(state, { content, predecessor }, { signal }) {
      if (inTurn) await predecessor;
      if (await content.has(state, { signal })) return;
      try {
        await content.pin(state, { signal });
      } catch (error) {
        if (signal.aborted || !isSprfError(error, "CONTENT_NOT_FOUND") || predecessor === undefined) throw error;
        inTurn = true;
        await predecessor;
        if (!(await content.has(state, { signal }))) throw error;
      }
    },
  };
}
