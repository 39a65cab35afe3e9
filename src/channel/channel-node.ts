import type { Member } from "../domain/channel/membership.ts";
import { messageOf, SprfError } from "../errors.ts";
import type { ChannelAbsence } from "../ports/channel-absence.ts";
import type { ChannelCourt } from "../ports/channel-court.ts";
import type { ChannelWatch } from "../ports/channel-watch.ts";
import type { ChannelHub, ChannelInfo, HubEvent } from "../ports/channel-hub.ts";
import type { ChannelNetwork } from "../ports/channel-network.ts";
import type { ChannelLinks } from "../ports/channel-service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { RecordLog } from "../ports/record-log.ts";
import type { Startable } from "../ports/startable.ts";
import { toHex } from "../utils/bytes.ts";
import { addressOfKey } from "../utils/recoverable-signature.ts";
import { publicKeyOf } from "../utils/secp256k1.ts";
import { within } from "../utils/within.ts";
import { encodeCallInput, type SignedCall } from "../wire/channel/call.ts";
import { channelDomain, type ChannelDomain } from "../wire/channel/domain.ts";
import { RECORD_KINDS, type TouchedSlot } from "../wire/channel/record.ts";
import { encodeSessionInput, type SessionInput } from "../wire/channel/session.ts";
import { createAbsenceKeeper } from "./absence.ts";
import { createAccuser } from "./accuse.ts";
import { createAnswers, type Answers } from "./answers.ts";
import { followChain } from "./chain-view.ts";
import { createCore, isLeader, officeOf, peersOf, type ChannelNews, type Core } from "./core.ts";
import { createElector, DEFAULT_HEARTBEAT_MS, type Elector } from "./elector.ts";
import { createAcker } from "./follower.ts";
import { createFinisher } from "./finisher.ts";
import { createForwarder, type Forwarder } from "./forward.ts";
import { beat } from "./heartbeat.ts";
import { createGuarding, type Guarding } from "./guarding.ts";
import { heartbeatWords } from "./heartbeat-words.ts";
import { createHistory } from "./history.ts";
import { createLeader, type Leader } from "./leader.ts";
import { delaysOf, linksOf } from "./links.ts";
import { openState } from "./open-state.ts";
import { createPathFinder, type PathFinder } from "./path-finder.ts";
import type { PlayedRecord, Player } from "./player.ts";
import { createReadGate, type ReadGate } from "./read-gate.ts";
import { createReceiptBook, type KeptOutcome, type ReceiptBook } from "./receipt-book.ts";
import { createRequester } from "./program-requests.ts";
import { createRelay, type Relay } from "./relay.ts";
import { createRequests } from "./requests.ts";
import { createRoundTrips, type RoundTrips } from "./round-trips.ts";
import { createRouter } from "./router.ts";
import type { CallOutcome } from "./sandbox/call-runner.ts";
import { createSettler, type Settler } from "./settler.ts";
import { createSync } from "./sync.ts";
import { createTakeover } from "./takeover.ts";

const COMMIT_TIMEOUT_MS = 30_000;

export interface ChannelNodeComponents {
  readonly hub: ChannelHub;
  /** Absent: lies are reported by votes alone. */
  readonly court?: ChannelCourt | undefined;
  /** Who pays for proofs, where there is one. */
  readonly watch?: ChannelWatch | undefined;
  /** Absent: where members are no quorum, they wait. */
  readonly absence?: ChannelAbsence | undefined;
  readonly network: ChannelNetwork;
  readonly log: RecordLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ChannelNodeInit {
  readonly channel: bigint;
  /** 32 bytes: the key of the signer that the member's consent names. */
  readonly signerKey: Uint8Array;
  /** Blocks on top of what is believed. @default 0 */
  readonly confirmations?: number | undefined;
  /** The leader settles so often; 0: only when somebody leaves or the channel closes. @default 0 */
  readonly settleEveryMs?: number | undefined;
  /** How long members wait for the leader to bring the hub what they all may bring, before they do. @default 30,000 */
  readonly requestPatienceMs?: number | undefined;
  /** Members tell each other so often that they are there; a leader that is silent three times as long is replaced. @default 5,000 */
  readonly heartbeatMs?: number | undefined;
  /** How long a new leader asks for records that cannot be committed before it goes on without them. @default 60,000 */
  readonly recordsPatienceMs?: number | undefined;
  /** Calls that may wait to be played while this node leads; others are refused. @default 4,096 */
  readonly maxWaiting?: number | undefined;
  /**
   * Slots of the state from which on this node, while it leads, takes no more calls of accounts that are no members: each new account
   * costs a slot for good. Members' calls are taken up to twice as many. @default 1,048,576
   */
  readonly maxStateSlots?: number | undefined;
  /** No member's node: it follows, and guards the channel for members that named its signer. @default false */
  readonly watches?: boolean | undefined;
  /** How long records of a settlement may come from members before they are asked for on the chain. @default 20,000 */
  readonly dataPatienceMs?: number | undefined;
}

/** A member's node of one channel. What it knows can be read once it was started. */
export interface ChannelNode extends Startable {
  readonly channel: bigint;
  readonly info: ChannelInfo;
  readonly domain: ChannelDomain;
  /** Of this node's last record. */
  readonly head: {
    readonly height: number;
    readonly hash: Uint8Array;
    readonly timeMs: number;
    readonly stateRoot: Uint8Array;
  };
  readonly committedHeight: number;
  readonly finalHeight: number;
  readonly leads: boolean;
  readonly term: number;
  /** Account of who leads; empty when nobody does. */
  readonly leader: string;
  /** Members as of the head. */
  readonly members: readonly Member[];
  /** How records come here and go on. */
  readonly links: ChannelLinks;
  /**
   * Brings a call or session to the leader. Resolves with the height once the leader has signed its record.
   *
   * @throws SprfError with the code of the refusal; `CHANNEL_BUSY` and `CHANNEL_NO_LEADER` may be tried again
   */
  submit(input: SignedCall | SessionInput, options?: { readonly signal?: AbortSignal | undefined }): Promise<number>;
  /** Resolves when a height is committed; rejects when it was taken back meanwhile (`CHANNEL_NO_LEADER`) or `signal` aborts. */
  committed(height: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** A view of the program at the head, or at a recent height. @throws SprfError `CHANNEL_HEIGHT_UNKNOWN`, `CHANNEL_BUSY` */
  read(call: {
    readonly sender: string;
    readonly data: Uint8Array;
    readonly height?: number;
  }): Promise<CallOutcome & { readonly height: number }>;
  /** The next nonce of an account. */
  nonceOf(account: string): bigint;
  /** A record of which all is known here; those that could still be taken back are. */
  record(height: number): PlayedRecord | undefined;
  /** What a record did; known for longer than the record itself. */
  outcome(height: number): KeptOutcome | undefined;
  /** Whether another state came in the place of what stood at a height, and it is not known what that was. */
  isUnsure(height: number): boolean;
  /** The height of an account's call, or end of a session, of this number. */
  heightOf(account: string, nonce: bigint): number | undefined;
  /** How many slots the state at the head has. */
  readonly slotCount: number;
  /** The state at the head, in parts, and its height. */
  snapshot(): { readonly height: number; readonly parts: AsyncIterable<Uint8Array> };
  /** Settles on the chain all up to the head; resolves with the height when it is final. */
  settle(): Promise<number>;
  /** What its guarding of the channel cannot do by itself; undefined while there is nothing. */
  readonly trouble: string | undefined;
  /** Calls `listener` with all that happens; returns what ends that. */
  watch(listener: (news: ChannelNews) => void): () => void;
}

interface Running {
  readonly core: Core;
  readonly leader: Leader;
  readonly settler: Settler;
  readonly forwarder: Forwarder;
  readonly answers: Answers;
  readonly pathFinder: PathFinder;
  readonly relay: Relay;
  readonly roundTrips: RoundTrips;
  readonly elector: Elector;
  readonly reads: ReadGate;
  readonly receipts: ReceiptBook;
  readonly guarding: Guarding;
  readonly stop: AbortController;
  readonly work: readonly Promise<unknown>[];
}

/** A node that leads or follows, as the chain says. */
export function createChannelNode(components: ChannelNodeComponents, init: ChannelNodeInit): ChannelNode {
  const { hub, court, absence, watch, network, log, clock } = components;
  const { channel, signerKey, confirmations = 0, settleEveryMs = 0 } = init;
  const logger = components.logger.child({ component: "channel", channel: channel.toString() });
  const domain = channelDomain(hub.chainId, hub.address);
  const self = addressOfKey(publicKeyOf(signerKey));
  const watchers = new Set<(news: ChannelNews) => void>();
  let running: Running | undefined;
  let starting: Promise<void> | undefined;

  const parts = (): Running => {
    if (running === undefined) throw new SprfError("INTERNAL", "the channel's node was not started");
    return running;
  };

  async function start(outer: AbortSignal | undefined): Promise<void> {
    const stop = new AbortController();
    const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]);
    const info = await hub.channel(channel, { signal });
    if (info === undefined) throw new SprfError("CHANNEL_UNKNOWN", `the hub has no channel ${channel}`);
    let onNews: (events: readonly HubEvent[]) => void = () => undefined;
    const { view: chain, life } = await followChain(
      {
        hub,
        channel,
        fromBlock: info.createdInBlock,
        confirmations,
        logger,
        onNews: (events) => onNews(events),
      },
      stop.signal,
    );
    try {
      const state = await openState({ info, domain, hub, chain, log }, signal);
      const account = hub.account.toLowerCase();
      const core = createCore(
        {
          info,
          domain,
          account,
          signerKey,
          hub,
          court,
          absence,
          chain,
          terms: state.terms,
          network,
          log,
          clock,
          logger,
        },
        state,
      );
      const inner = run(core, stop);
      onNews = inner.onNews;
      running = { core, stop, ...inner, work: [...inner.work, life] };
      await network.start();
      inner.onNews([]);
    } catch (error) {
      stop.abort();
      throw error;
    }
  }

  function run(
    core: Core,
    stop: AbortController,
  ): Omit<Running, "core" | "stop"> & { readonly onNews: (events: readonly HubEvent[]) => void } {
    const { signal } = stop;
    core.news.add((news) => {
      for (const watcher of watchers) watcher(news);
    });
    const receipts = createReceiptBook(
      () => core.player,
      () => core.committed,
    );
    receipts.catchUp();
    core.news.add(({ kind }) => {
      if (kind === "records") receipts.catchUp();
    });
    const requests = createRequests(clock);
    const { heartbeatMs = DEFAULT_HEARTBEAT_MS } = init;
    const roundTrips = createRoundTrips(clock);
    const relay = createRelay(core, { heartbeatMs });
    const leader = createLeader(core, { ...init, publish: (body) => relay.publish(body) });
    const watches = init.watches === true;
    const accuser = createAccuser({ core, watch: watches ? watch : undefined }, signal);
    const settler = createSettler(core, signal);
    const acker = createAcker(core);
    const onProgress = (): void => {
      if (!accuser.distrusts && !watches) acker();
      settler.onProgress();
      leader.wake();
    };
    const onFault = accuser.onFault.bind(accuser);
    const onSynced = (): void => {
      onProgress();
      relay.remind();
    };
    const sync = createSync({ core, requests, onFault, onProgress: onSynced, signal });
    const forwarder = createForwarder(core);
    const answers = createAnswers(core, createHistory(core), signal);
    const takeover = createTakeover({ core, leader, forwarder, sync, recordsPatienceMs: init.recordsPatienceMs });
    const elector = createElector({
      core,
      heartbeatMs: init.heartbeatMs,
      distrusts: () => accuser.distrusts,
      tells: (peer) => heartbeatWords(core, { peer, roundTrips, delayMs: pathFinder.delayMs() }),
      onCandidate: () => takeover.wake(),
    });
    const pathFinder = createPathFinder({
      core,
      roundTrips,
      sync,
      heartbeatMs,
      hears: (signer) => elector.hears(signer),
      distrusts: () => accuser.distrusts,
      isWatching: watches,
    });
    const router = createRouter({
      core,
      relay,
      pathFinder,
      roundTrips,
      leader,
      accuser,
      settler,
      sync,
      takeover,
      elector,
      forwarder,
      requests,
      answers,
      acker,
      onProgress,
    });
    network.listen(router);
    core.news.add(({ kind }) => {
      if (kind === "committed" || kind === "snapshot") settler.onProgress();
    });
    const keeper = createAbsenceKeeper({
      core,
      elector,
      takeover,
      heartbeatMs: init.heartbeatMs,
      distrusts: () => accuser.distrusts,
      onFault,
      onProgress: onSynced,
    });
    const onNews = (events: readonly HubEvent[] = []): void => {
      network.keepLinks(new Set([...peersOf(core), ...guarding.watchers].filter((signer) => signer !== self)));
      takeover.wake();
      pathFinder.wake();
      onProgress();
      keeper.onEvents(events);
    };
    const requester = createRequester(core, settler, init);
    const finisher = createFinisher(core, settler, init);
    const { dataPatienceMs: recordsPatienceMs } = init;
    const catchUp = (from: string): void => sync.catchUp(from);
    const guarding = createGuarding({ core, watch, watches, catchUp, onWatchers: () => onNews(), recordsPatienceMs });
    const work = [takeover.run(signal), guarding.run(signal)];
    if (!watches) {
      work.push(
        leader.run(signal),
        elector.run(signal),
        keeper.run(signal),
        relay.run(signal),
        pathFinder.run(signal),
        requester.run(signal),
        finisher.run(signal),
        beat(core, () => delaysOf(core, roundTrips), signal),
        settleRegularly(core, settler, signal),
      );
    }
    const reads = createReadGate(clock, signal);
    return {
      leader,
      settler,
      forwarder,
      answers,
      pathFinder,
      relay,
      roundTrips,
      elector,
      reads,
      receipts,
      guarding,
      work,
      onNews,
    };
  }

  async function settleRegularly(core: Core, settler: Settler, signal: AbortSignal): Promise<void> {
    if (settleEveryMs === 0) return;
    while (!signal.aborted) {
      await clock.sleep(settleEveryMs, { signal }).catch(() => undefined);
      if (signal.aborted || !isLeader(core) || settler.isBusy) continue;
      await settler.settle().catch((error: unknown) => {
        if (!signal.aborted) logger.warn("not settled", { reason: messageOf(error) });
      });
    }
  }

  async function stopAll(): Promise<void> {
    if (running === undefined) return;
    const { leader, forwarder, answers, settler, stop, work, core } = running;
    running = undefined;
    stop.abort();
    const error = new SprfError("CHANNEL_NO_LEADER", "this node stops");
    leader.refuseAll(error);
    forwarder.refuseAll(error);
    await network.stop();
    await Promise.allSettled([...work, settler.idle, answers.idle]);
    await core.inTurn(async () => undefined);
    await log.close();
  }

  return {
    channel,
    domain,
    get info() {
      return parts().core.info;
    },
    get head() {
      const { header, hash } = parts().core.player.head;
      return { height: header.height, hash, timeMs: header.timeMs, stateRoot: header.stateRoot };
    },
    get committedHeight() {
      return parts().core.committed;
    },
    get finalHeight() {
      return parts().core.unsettled.fromHeight;
    },
    get leads() {
      const { core, leader } = parts();
      return leader.isReady && isLeader(core);
    },
    get term() {
      return parts().core.term;
    },
    get leader() {
      return officeOf(parts().core)?.leader ?? "";
    },
    get members() {
      return [...parts().core.player.head.membership.members.values()];
    },
    get links() {
      const { core, ...rest } = parts();
      return linksOf(core, rest);
    },
    async submit(input, { signal } = {}) {
      const { core, leader, forwarder } = parts();
      const [kind, bytes] =
        "call" in input
          ? [RECORD_KINDS.call, encodeCallInput(input)]
          : [RECORD_KINDS.session, encodeSessionInput(input)];
      return isLeader(core) ? await leader.submit(kind, bytes) : await forwarder.forward(kind, bytes, { signal });
    },
    async committed(height, { signal } = {}) {
      const { core } = parts();
      if (core.committed >= height) return;
      const done = Promise.withResolvers<void>();
      const listener = (news: ChannelNews): void => {
        if (news.kind === "committed" && news.height >= height) done.resolve();
        if (news.kind === "rollback" && news.toHeight < height) {
          done.reject(new SprfError("CHANNEL_NO_LEADER", `height ${height} was taken back`));
        }
      };
      watchers.add(listener);
      try {
        await within(async () => await done.promise, { clock, timeoutMs: COMMIT_TIMEOUT_MS, signal });
      } finally {
        watchers.delete(listener);
      }
    },
    async read({ sender, data, height }) {
      const { core, reads } = parts();
      return await reads(sender, async () => {
        const { player } = core;
        const at = height === undefined ? player.head : player.at(height);
        if (at === undefined) throw new SprfError("CHANNEL_HEIGHT_UNKNOWN", `height ${height} is not known here`);
        const context = { height: at.header.height, timeMs: at.header.timeMs, randomness: at.hash };
        const before = writtenSince(player, at.header.height);
        return { ...(await player.sandbox.read({ sender, data, context, before })), height: at.header.height };
      });
    },
    nonceOf: (account) => parts().core.player.sandbox.nonceOf(account),
    record(height) {
      const found = parts().core.player.at(height);
      return found !== undefined && "body" in found ? found : undefined;
    },
    outcome: (height) => parts().receipts.at(height),
    isUnsure: (height) => parts().receipts.isUnsure(height),
    heightOf: (account, nonce) => parts().receipts.heightOf(account, nonce),
    get slotCount() {
      return parts().core.player.sandbox.slotCount;
    },
    snapshot() {
      const { player } = parts().core;
      return { height: player.head.header.height, parts: player.sandbox.snapshot() };
    },
    settle: async () => await parts().settler.settle(),
    get trouble() {
      return parts().guarding.trouble;
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    async start({ signal } = {}) {
      if (self !== network.self) throw new SprfError("INTERNAL", "the network has another identity than the signer");
      if (running !== undefined) return;
      starting ??= start(signal).finally(() => {
        starting = undefined;
      });
      await starting;
    },
    stop: stopAll,
  };
}

/** What slots held at a height that were written after it. */
function writtenSince(player: Player, height: number): readonly TouchedSlot[] {
  const bySlot = new Map<string, TouchedSlot>();
  for (let at = player.head.header.height; at > height; at--) {
    const record = player.at(at);
    // The player knows all records above one that it knows.
    if (record === undefined || !("touched" in record)) continue;
    for (const touched of record.touched) bySlot.set(toHex(touched.slot), touched);
  }
  return [...bySlot.values()];
}
