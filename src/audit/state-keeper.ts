import { isSprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";

/** Sees to it that the state is on this machine that a transition goes on from. */
export interface StateKeeper {
  /**
   * Resolves when the state is here: fetched from peers, or made by running the transition before again.
   *
   * @param predecessor settles when the transition before has been run, where this audit runs it
   * @throws SprfError `CONTENT_NOT_FOUND` when neither is to be had
   */
  require(state: string, predecessor: Promise<void> | undefined, signal: AbortSignal): Promise<void>;
}

/**
 * Workers release old states, so states come from peers only while those have them. The first that nobody has ends the asking ahead:
 * from then on each transition waits for the one before it, whose run makes its state again.
 */
export function createStateKeeper(content: ContentStore): StateKeeper {
  let inTurn = false;
  return {
    async require(state, predecessor, signal) {
      if (inTurn) await predecessor;
      if (await content.has(state, { signal })) return;
      try {
        await content.pin(state, { signal });
        // It is whole here now and read right away; nothing of it has to stay afterwards.
        await content.unpin(state, { signal });
      } catch (error) {
        if (signal.aborted || !isSprfError(error, "CONTENT_NOT_FOUND") || predecessor === undefined) throw error;
        inTurn = true;
        await predecessor;
        if (!(await content.has(state, { signal }))) throw error;
      }
    },
  };
}
