import { SprfError } from "../errors.ts";
import type { HubMember } from "../ports/channel-hub.ts";
import type { ChannelConnection } from "../ports/channel-connection.ts";
import type { ChannelReceipt } from "../ports/channel-service.ts";
import type { Clock } from "../ports/clock.ts";
import { createAlarm } from "../utils/alarm.ts";
import { toHex } from "../utils/bytes.ts";
import { SETTLEMENT_MODES } from "../wire/channel/settlement.ts";
import { createChainWatch, type ChannelOnChain, type WatchedHub, type WatchedProposal } from "./channel-chain-watch.ts";
import { createNodeWatch, type WatchedNode } from "./channel-node-watch.ts";
import type {
  ChannelMemberView,
  ChannelNodeView,
  ChannelRecordView,
  ChannelView,
  DelayView,
  HeightsView,
  SettlementView,
} from "./channel-types.ts";
import { viewsByLooking, type TopicSource } from "./topic-source.ts";

const MS = 1_000;
const DEFAULT_CHAIN_MS = 2_000;
/** How exactly it is told when members were seen, so that nothing changes by that alone all the time. */
const SEEN_MS = 1_000;

export interface ChannelSourceParts {
  readonly hub: WatchedHub;
  /** WebSocket addresses of nodes that may know a channel. */
  readonly nodesOf: (channel: bigint) => Promise<readonly string[]>;
  readonly connect: (
    url: string,
    channel: bigint,
    options: { readonly signal: AbortSignal },
  ) => Promise<ChannelConnection>;
  /** Of apps that come with SPRF. */
  readonly appName: (app: string) => string | undefined;
  readonly clock: Clock;
  /** How often the chain is asked. @default 2,000 */
  readonly chainMs?: number | undefined;
}

/** Channels as the dashboard shows them: off the chain, and live as the nodes that it was told of say. */
export function createChannelSource(parts: ChannelSourceParts): TopicSource<ChannelView> {
  const { hub, nodesOf, connect, clock, chainMs = DEFAULT_CHAIN_MS } = parts;
  return {
    async *views(id, { signal: outer }) {
      const channel = channelOf(id);
      const alarm = createAlarm(clock);
      const chain = createChainWatch(hub, channel, { clock, everyMs: chainMs });
      await chain.read(outer);
      const watches = (await nodesOf(channel)).map((url) =>
        createNodeWatch({
          url,
          connect: async (to, options) => await connect(to, channel, options),
          clock,
          onNews: () => alarm.ring(),
        }),
      );
      const ending = new AbortController();
      const signal = AbortSignal.any([outer, ending.signal]);
      const work = watches.map(async (watch) => await watch.run(signal));
      try {
        const read = async (): Promise<ChannelView> =>
          viewOf(
            parts,
            await chain.read(signal),
            watches.map(({ node }) => node),
          );
        yield* viewsByLooking(read, { clock, everyMs: chainMs, alarm, signal });
      } finally {
        ending.abort();
        await Promise.allSettled(work);
      }
    },
  };
}

function channelOf(id: string): bigint {
  if (/^[1-9]\d{0,18}$/.test(id)) return BigInt(id);
  throw new SprfError("INVALID_INPUT", "expected a channel: a number from 1 on");
}

function viewOf(
  { hub, appName }: ChannelSourceParts,
  { info, members, head, proposals, settledHeights }: ChannelOnChain,
  nodes: readonly WatchedNode[],
): ChannelView {
  const { channel, app, program, config } = info;
  // Whoever is the furthest knows the most.
  const best = nodes
    .filter(({ description, problem }) => description !== undefined && problem === undefined)
    .toSorted((a, b) => (b.description?.head.height ?? 0) - (a.description?.head.height ?? 0))[0];
  const said = best?.description?.head;
  const heights: HeightsView = {
    sent: Math.max(said?.height ?? 0, head.height),
    acknowledged: Math.max(said?.committedHeight ?? 0, head.height),
    settled: Math.max(said?.finalHeight ?? 0, head.height),
  };
  // Nobody leads for a node that does not know who does.
  const leader = said?.leader || info.leader;
  const name = appName(app);
  return {
    channel: channel.toString(),
    chainId: Number(hub.chainId),
    hub: hub.address,
    app,
    ...(name !== undefined && { appName: name }),
    program,
    state: info.isClosed ? "closed" : info.isClosing ? "closing" : "open",
    mode: config.mode === SETTLEMENT_MODES.root ? "root" : "slots",
    tickMs: config.tickMs,
    term: said?.term ?? info.term,
    ...(leader !== undefined && { leader }),
    heights,
    nodes: nodes.map(nodeView),
    members: members.map((member) => memberView(member, leader, nodes)),
    delays: nodes.flatMap(delaysOf),
    isPrivate: best?.isPrivate ?? false,
    records: (best?.records ?? []).map((record) => recordView(record, heights)),
    inbox: { length: info.inboxLength, settled: head.inboxCursor },
    isLocked: head.isLocked,
    settlements: proposals.map(settlementView),
    settledHeights,
  };
}

function nodeView({ url, description, problem }: WatchedNode): ChannelNodeView {
  if (description === undefined) return { url, ...(problem !== undefined && { problem }) };
  const { account, head, links } = description;
  const { height, committedHeight, finalHeight, term, leader } = head;
  return {
    url,
    ...(account !== undefined && { account }),
    heights: { sent: height, acknowledged: committedHeight, settled: finalHeight },
    term,
    leader,
    ...(links.delayMs !== undefined && { delayMs: links.delayMs }),
    ...(problem !== undefined && { problem }),
  };
}

function memberView(
  { account, joinNumber, stakeWei, leftAt, isAbsent, weight, candidate }: HubMember,
  leader: string | undefined,
  nodes: readonly WatchedNode[],
): ChannelMemberView {
  const own = nodes.find(({ description, problem }) => problem === undefined && description?.account === account);
  const seenAtMs = seenAtMsOf(account, nodes);
  return {
    account,
    joinNumber,
    stakeWei: stakeWei.toString(),
    state: leftAt !== undefined ? "leaving" : isAbsent ? "absent" : "member",
    weight,
    ...(candidate !== undefined && weight === 0 && { delegatedTo: candidate }),
    leads: account === leader,
    ...(seenAtMs !== undefined && { seenAtMs }),
    ...(own?.description !== undefined && { height: own.description.head.height }),
  };
}

/** When a node heard it last; of a member whose own node is asked: when that answered. */
function seenAtMsOf(account: string, nodes: readonly WatchedNode[]): number | undefined {
  const times = nodes.flatMap(({ description, atMs }) => {
    if (description === undefined || atMs === undefined) return [];
    if (description.account === account) return [atMs];
    const heard = description.links.heard?.find((each) => each.account === account);
    return heard === undefined ? [] : [atMs - heard.agoMs];
  });
  return times.length === 0 ? undefined : Math.floor(Math.max(...times) / SEEN_MS) * SEEN_MS;
}

function delaysOf({ description, problem }: WatchedNode): readonly DelayView[] {
  const from = description?.account;
  if (from === undefined || problem !== undefined) return [];
  return (description?.links.roundTrips ?? []).map(({ account: to, ms }) => ({ from, to, ms: Math.round(ms / 2) }));
}

function recordView(record: ChannelReceipt, { acknowledged, settled }: HeightsView): ChannelRecordView {
  const { height, term, timeMs, kind, sender, status, gasUsed, changes, recordHash } = record;
  return {
    height,
    term,
    timeMs,
    kind,
    ...(sender !== undefined && { sender }),
    status,
    commitment: height <= settled ? "final" : height <= acknowledged ? "committed" : "leader-signed",
    gasUsed: gasUsed.toString(),
    slotsChanged: changes.length,
    recordHash: toHex(recordHash),
  };
}

function settlementView(proposal: WatchedProposal): SettlementView {
  const { type, state, proposer, height, weightFor, weightAgainst, weightCounted, finalAtSeconds } = proposal;
  return {
    proposal: proposal.proposal.toString(),
    type,
    state,
    proposer,
    ...(height !== undefined && { height }),
    weightFor: weightFor.toString(),
    weightAgainst: weightAgainst.toString(),
    weightCounted: weightCounted.toString(),
    ...(finalAtSeconds > 0 && { finalAtMs: finalAtSeconds * MS }),
  };
}
