import { SprfError } from "../errors.ts";
import type { ChannelHub, ChannelInfo, HubMember, HubProposal, SettledHead } from "../ports/channel-hub.ts";
import type { Clock } from "../ports/clock.ts";

/** Proposals and settled heights that are shown. */
const SHOWN = 5;
/** How far back proposals are looked for at first. */
const LOOK_BACK_BLOCKS = 5_000;
const OVER: readonly HubProposal["state"][] = ["final", "rejected"];

/** A proposal, with the height that it would settle. */
export interface WatchedProposal extends HubProposal {
  readonly height?: number | undefined;
}

/** A channel as the chain has it. */
export interface ChannelOnChain {
  readonly info: ChannelInfo;
  readonly members: readonly HubMember[];
  readonly head: SettledHead;
  /** The newest first. */
  readonly proposals: readonly WatchedProposal[];
  /** Heights that were settled, the newest first; of the last few alone. */
  readonly settledHeights: readonly number[];
}

/** What of the hub it takes to watch a channel. */
export type WatchedHub = Pick<
  ChannelHub,
  "address" | "chainId" | "blockNumber" | "channel" | "head" | "members" | "events" | "proposal"
>;

/** Reads a channel off the chain, at most every so often. */
export function createChainWatch(
  hub: WatchedHub,
  channel: bigint,
  { clock, everyMs }: { readonly clock: Clock; readonly everyMs: number },
): { read(signal: AbortSignal): Promise<ChannelOnChain> } {
  const proposals = new Map<bigint, WatchedProposal>();
  let settledHeights: readonly number[] = [];
  let seenBlock: number | undefined;
  let last: { readonly atMs: number; readonly found: ChannelOnChain } | undefined;

  async function readProposals(info: ChannelInfo, signal: AbortSignal): Promise<void> {
    const block = await hub.blockNumber({ signal });
    const from = seenBlock === undefined ? Math.max(info.createdInBlock, block - LOOK_BACK_BLOCKS) : seenBlock + 1;
    const events = from > block ? [] : await hub.events(channel, from, block, { signal });
    seenBlock = block;
    const heights = new Map<bigint, number | undefined>();
    for (const event of events) {
      if (event.kind === "proposed") heights.set(event.proposal, event.settlement?.toHeight);
      if (event.kind === "settled") settledHeights = [event.height, ...settledHeights].slice(0, SHOWN);
    }
    const open = [...proposals.values()].filter(({ state }) => !OVER.includes(state));
    for (const proposal of new Set([...open.map((each) => each.proposal), ...heights.keys()])) {
      const found = await hub.proposal(channel, proposal, { signal });
      if (found === undefined) continue;
      proposals.set(proposal, { ...found, height: heights.get(proposal) ?? proposals.get(proposal)?.height });
    }
    for (const proposal of [...proposals.keys()].toSorted(byNumber).slice(SHOWN)) proposals.delete(proposal);
  }

  return {
    async read(signal) {
      if (last !== undefined && clock.now() - last.atMs < everyMs) return last.found;
      const info = await hub.channel(channel, { signal });
      if (info === undefined) throw new SprfError("CHANNEL_UNKNOWN", `the hub has no channel ${channel}`);
      const [members, head] = await Promise.all([
        hub.members(channel, { signal }),
        hub.head(channel, { signal }),
        readProposals(info, signal),
      ]);
      const newest = [...proposals.values()].toSorted((a, b) => byNumber(a.proposal, b.proposal));
      last = { atMs: clock.now(), found: { info, members, head, proposals: newest, settledHeights } };
      return last.found;
    },
  };
}

/** The newest first. */
function byNumber(a: bigint, b: bigint): number {
  return Number(b - a);
}
