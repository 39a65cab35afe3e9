import { holdContent, letGoOf, type HeldContent } from "../execution/held-content.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Checkpoint } from "./checkpoint.ts";

/**
 * States that runs left, each held in the name of its record until the next record of runs was checked. They stay when an audit is
 * killed, since peers may have released theirs.
 */
export interface HeldStates {
  /** Content in the name of a record. */
  of(recordCid: string): HeldContent;
  /** The record was found right, durably: what the one before it left is needed no more. */
  onChecked(recordCid: string, predecessor: string | undefined): Promise<void>;
  /** Lets go of all that no record needs: what killed audits, wrong records and records out of turn left. */
  sweep(): Promise<void>;
}

export function createHeldStates(
  { content, checkpoint }: { readonly content: ContentStore; readonly checkpoint: Checkpoint },
  program: string,
): HeldStates {
  const prefix = `audit/${program}/`;
  /** Records that were checked here before the one after them, and those whose next one was checked before they were. */
  const checked = new Set<string>();
  const passed = new Set<string>();
  const of = (recordCid: string): HeldContent => holdContent(content, `${prefix}${recordCid}`);

  return {
    of,
    async onChecked(recordCid, predecessor) {
      if (passed.delete(recordCid)) await of(recordCid).letGo();
      else checked.add(recordCid);
      if (predecessor === undefined) return;
      if (checked.delete(predecessor)) await of(predecessor).letGo();
      else passed.add(predecessor);
    },
    async sweep() {
      await letGoOf(content, prefix, async (_, holder) => !(await checkpoint.needsState(holder.slice(prefix.length))));
    },
  };
}
