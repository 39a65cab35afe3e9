import type { ChannelReceipt, ChannelUpdate, SubscribeOptions } from "../ports/channel-service.ts";
import { raceAbort } from "../utils/abort.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { ChannelNode } from "./channel-node.ts";
import { readSlots } from "./sandbox/snapshot.ts";
import type { SlotBudget } from "./slot-budget.ts";

/** What a subscription needs of a node. */
export type WatchedNode = Pick<
  ChannelNode,
  "committedHeight" | "head" | "outcome" | "slotCount" | "snapshot" | "watch"
>;

/**
 * What happens at a node, from its own records: a subscriber's place in them is all that is kept for it, so that a slow one costs
 * nothing. One who falls behind what the node still knows gets a snapshot.
 */
export async function* subscribe(
  node: WatchedNode,
  receiptOf: (height: number) => ChannelReceipt | undefined,
  { from, commitment = "committed", signal }: SubscribeOptions,
  budget: SlotBudget,
): AsyncGenerator<ChannelUpdate> {
  let news = Promise.withResolvers<void>();
  let rolledBackTo: number | undefined;
  let finalHeight: number | undefined;
  const unwatch = node.watch((heard) => {
    if (heard.kind === "rollback") rolledBackTo = Math.min(heard.toHeight, rolledBackTo ?? heard.toHeight);
    if (heard.kind === "final") finalHeight = heard.height;
    news.resolve();
  });
  try {
    let at = from?.height;
    if (from !== undefined && !hasRecord(node, from)) at = undefined;
    while (!signal.aborted) {
      news = Promise.withResolvers<void>();
      if (at === undefined) {
        // Until the subscriber has taken it: states of many who begin at once would not fit.
        const giveBack = await budget.take(node.slotCount, signal);
        try {
          // All that happened before is in it.
          rolledBackTo = undefined;
          const snapshot = await snapshotOf(node);
          at = snapshot.height;
          yield snapshot;
        } finally {
          giveBack();
        }
        continue;
      }
      if (rolledBackTo !== undefined) {
        const toHeight = rolledBackTo;
        rolledBackTo = undefined;
        if (toHeight < at) {
          at = toHeight;
          yield { type: "rollback", toHeight };
          continue;
        }
      }
      const end = commitment === "committed" ? node.committedHeight : node.head.height;
      if (at < end) {
        const record = receiptOf(at + 1);
        at = record === undefined ? undefined : at + 1;
        if (record !== undefined) yield { type: "record", record };
        continue;
      }
      if (finalHeight !== undefined && finalHeight <= at) {
        const height = finalHeight;
        finalHeight = undefined;
        yield { type: "final", height };
        continue;
      }
      await raceAbort(news.promise, signal);
    }
  } finally {
    unwatch();
  }
}

function hasRecord(node: WatchedNode, from: { readonly height: number; readonly recordHash: Uint8Array }): boolean {
  const outcome = node.outcome(from.height);
  return outcome !== undefined && equalBytes(outcome.recordHash, from.recordHash);
}

async function snapshotOf(node: WatchedNode): Promise<ChannelUpdate & { readonly type: "snapshot" }> {
  // Of one moment: nothing is awaited before the snapshot is taken.
  const { hash, stateRoot } = node.head;
  const { height, parts } = node.snapshot();
  return {
    type: "snapshot",
    height,
    recordHash: hash,
    stateRoot,
    slots: await readSlots(parts, { height, root: stateRoot }),
  };
}
