import { SprfError } from "../../../src/errors.ts";
import type { ChannelAbsence } from "../../../src/ports/channel-absence.ts";
import type { ChannelConfig, ChannelHub, HubEvent, HubNews, HubVote } from "../../../src/ports/channel-hub.ts";
import type { Settlement } from "../../../src/wire/channel/settlement.ts";
import type { Trace } from "../simulation/trace.ts";
import { createMemoryHub, type MemoryHub } from "../memory-channel-hub.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { never, type Life, type SimulatedTime } from "./time.ts";

const PER_CENT = 100;
/** Blocks that may be replaced. */
export const REORG_DEPTH = 2;
const LEFT_WAITING = 10;

/** The hub on a chain of blocks, whose newest ones may be replaced. */
export interface SimulatedChain {
  /** As the newest block has it. */
  readonly hub: MemoryHub;
  as(account: string, life: Life): ChannelHub;
  /** Undefined in channels whose members are never asked whether they are there. */
  absenceAs(account: string, life: Life): ChannelAbsence | undefined;
  /** Something that somebody sends; resolves when it is in a block. */
  send<T>(what: string, apply: (hub: MemoryHub) => Promise<T> | T): Promise<T>;
  /** Mines blocks until the simulation ends. */
  begin(): void;
  stop(): void;
  /** Blocks are no longer replaced, and the chain's service answers always. */
  heal(): void;
  readonly reorgs: number;
}

interface Tx {
  readonly what: string;
  readonly apply: (hub: MemoryHub) => Promise<unknown>;
  readonly done: PromiseWithResolvers<unknown>;
}

interface Block {
  readonly timeMs: number;
  readonly txs: readonly Tx[];
  events: readonly HubEvent[];
}

export interface SimulatedChainInit {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly code: Uint8Array;
  /** @default none */
  readonly initialState?: Uint8Array;
  readonly config: Partial<ChannelConfig>;
  readonly blockMs: number;
  /** Share of blocks that replace others, in per cent. */
  readonly reorged: number;
  /** Share of questions that the chain's service does not answer, in per cent. */
  readonly unanswered: number;
  /** Hears of each event in a new block, and of settlements when somebody sends them. */
  readonly onEvent?: (event: HubEvent) => void;
  readonly onSettle?: (account: string, settlement: Settlement, votes: readonly HubVote[]) => void;
}

export function createSimulatedChain(init: SimulatedChainInit): SimulatedChain {
  const { time, random, trace, code, config, blockMs } = init;
  const createdAtMs = time.now();
  let blockTimeMs = createdAtMs;
  let { reorged, unanswered } = init;
  let blocks: Block[] = [{ timeMs: createdAtMs, txs: [], events: [] }];
  let pending: Tx[] = [];
  let hub = fresh();
  let isStopped = false;
  let reorgs = 0;
  let mined = Promise.withResolvers<void>();

  function fresh(): MemoryHub {
    const { initialState = new Uint8Array() } = init;
    return createMemoryHub({ code, createdAtMs, nowMs: () => blockTimeMs, config, initialState });
  }

  /** All that the hub does happens before it returns its promise. */
  function apply(tx: Tx): readonly HubEvent[] {
    const before = hub.blocks.length;
    const result = tx.apply(hub);
    result.then(tx.done.resolve, tx.done.reject);
    return hub.blocks.slice(before).flat();
  }

  function addBlock(timeMs: number): void {
    blockTimeMs = timeMs;
    const txs: Tx[] = [];
    const later: Tx[] = [];
    while (pending.length > 0) {
      const [tx] = pending.splice(random.below(pending.length), 1);
      if (tx !== undefined) (random.below(PER_CENT) < LEFT_WAITING ? later : txs).push(tx);
    }
    pending = later;
    const events = txs.flatMap(apply);
    blocks.push({ timeMs, txs, events });
    for (const event of events) {
      init.onEvent?.(event);
      trace.event(
        "chain",
        `block ${blocks.length - 1}: ${event.kind}${event.kind === "inbox" ? ` ${event.entry.kind} of ${event.entry.account.slice(0, 6)}` : ""}${event.kind === "settled" ? ` ${event.height}` : ""}`,
      );
    }
  }

  function replace(depth: number): void {
    const gone = blocks.slice(blocks.length - depth);
    blocks = blocks.slice(0, blocks.length - depth);
    hub = fresh();
    for (const block of blocks) {
      blockTimeMs = block.timeMs;
      block.events = block.txs.flatMap(apply);
    }
    pending.push(...gone.flatMap(({ txs }) => txs));
    reorgs += 1;
    trace.event("chain", `${depth} blocks replaced`);
    for (const { timeMs } of gone) addBlock(timeMs);
  }

  function mine(): void {
    if (isStopped) return;
    const depth = 1 + random.below(REORG_DEPTH);
    if (random.below(PER_CENT) < reorged && blocks.length > depth + 1) replace(depth);
    addBlock(time.now());
    mined.resolve();
    mined = Promise.withResolvers();
    time.after(blockMs / 2 + random.below(blockMs), mine);
  }

  async function send<T>(what: string, work: (hub: MemoryHub) => Promise<T> | T): Promise<T> {
    const done = Promise.withResolvers<unknown>();
    done.promise.catch(() => undefined);
    pending.push({ what, apply: async (on) => await work(on), done });
    return (await done.promise) as T;
  }

  /** An account's way to the chain. */
  function wayOf(life: Life): {
    ask<T>(question: (hub: MemoryHub) => Promise<T>): Promise<T>;
    tell<T>(what: string, work: (hub: MemoryHub) => Promise<T>): Promise<T>;
  } {
    const travel = async (): Promise<void> => {
      await time.sleep(2 + random.below(40));
      if (!life.step()) await never();
      if (random.below(PER_CENT) < unanswered) throw new SprfError("CHAIN_UNREACHABLE", "no answer");
    };
    return {
      async ask(question) {
        await travel();
        const answer = await question(hub);
        await time.sleep(1 + random.below(20));
        return life.isAlive ? answer : await never();
      },
      async tell(what, work) {
        await travel();
        const result = await send(what, work);
        await time.sleep(1 + random.below(20));
        return life.isAlive ? result : await never();
      },
    };
  }

  function absenceAs(account: string, life: Life): ChannelAbsence | undefined {
    if ((config.answerSeconds ?? 0) === 0 && (config.aliveSeconds ?? 0) === 0) return undefined;
    const way = wayOf(life);
    const on = (at: MemoryHub): ChannelAbsence => at.absenceAs(account);
    const tell = async <T>(what: string, work: (absence: ChannelAbsence) => Promise<T>): Promise<T> =>
      await way.tell(what, async (at) => {
        const result = await work(on(at));
        trace.event("chain", `${account.slice(0, 6)}: ${what}`);
        return result;
      });
    return {
      answerSeconds: async (channel) => await way.ask(async (at) => await on(at).answerSeconds(channel)),
      accusation: async (channel, member) => await way.ask(async (at) => await on(at).accusation(channel, member)),
      accuseLeader: async (...args) => await tell("accuses the leader", async (it) => await it.accuseLeader(...args)),
      accuse: async (...args) => await tell("accuses a member", async (it) => await it.accuse(...args)),
      accuseOfSilence: async (...args) =>
        await tell("accuses a member of silence", async (it) => await it.accuseOfSilence(...args)),
      answerByAck: async (...args) => await tell("answers by an ack", async (it) => await it.answerByAck(...args)),
      answerByWord: async (...args) => await tell("answers by a word", async (it) => await it.answerByWord(...args)),
      answerByCertificate: async (...args) =>
        await tell("answers by a certificate", async (it) => await it.answerByCertificate(...args)),
      answerByRecord: async (...args) =>
        await tell("answers by a record", async (it) => await it.answerByRecord(...args)),
      demandRecords: async (...args) => await tell("demands records", async (it) => await it.demandRecords(...args)),
      postRecords: async (...args) => await tell("publishes records", async (it) => await it.postRecords(...args)),
      resolve: async (...args) => await tell("resolves", async (it) => await it.resolve(...args)),
      comeBack: async (...args) => await tell("comes back", async (it) => await it.comeBack(...args)),
      applyLeader: async (...args) => await tell("applies to lead", async (it) => await it.applyLeader(...args)),
      applyAbsence: async (...args) =>
        await tell("says that one is absent", async (it) => await it.applyAbsence(...args)),
      reportElection: async (...args) =>
        await tell("reports an election", async (it) => await it.reportElection(...args)),
      withdraw: async () => await tell("takes bonds back", async (it) => await it.withdraw()),
    };
  }

  function as(account: string, life: Life): ChannelHub {
    const way = wayOf(life);
    const ask = async <T>(question: (hub: ChannelHub) => Promise<T>): Promise<T> =>
      await way.ask(async (at) => await question(at.as(account)));
    const tell = async <T>(what: string, work: (hub: ChannelHub) => Promise<T>): Promise<T> =>
      await way.tell(what, async (at) => await work(at.as(account)));
    const own = hub.as(account);
    const port: Partial<ChannelHub> = {
      address: own.address,
      chainId: own.chainId,
      account,
      channel: async (channel) => await ask(async (on) => await on.channel(channel)),
      initialState: async (info) => await ask(async (on) => await on.initialState(info)),
      programCode: async (info) => await ask(async (on) => await on.programCode(info)),
      head: async (channel) => await ask(async (on) => await on.head(channel)),
      blockNumber: async () => await ask(async () => await Promise.resolve(blocks.length - 1)),
      member: async (channel, member) => await ask(async (on) => await on.member(channel, member)),
      members: async (channel) => await ask(async (on) => await on.members(channel)),
      keepAlive: async (channel, delaysMs) =>
        await tell("keepAlive", async (on) => await on.keepAlive(channel, delaysMs)),
      proposal: async (channel, proposal) => await ask(async (on) => await on.proposal(channel, proposal)),
      async *follow(_channel, { fromBlock = 0, confirmations = 0, signal } = {}): AsyncGenerator<HubNews> {
        let next = fromBlock;
        for (;;) {
          const { promise } = mined;
          const to = blocks.length - 1 - confirmations;
          if (!life.isAlive) await never();
          if (signal?.aborted === true) return;
          if (next <= to) {
            const events = blocks.slice(next, to + 1).flatMap((block) => block.events);
            next = to + 1;
            yield { toBlock: to, timeMs: blocks[to]?.timeMs ?? 0, events };
          } else {
            await promise;
            await time.sleep(1 + random.below(blockMs / 2));
          }
        }
      },
      async settle(settlement, changes, votes) {
        if (life.isAlive) init.onSettle?.(account, settlement, votes);
        return await tell("settle", async (on) => await on.settle(settlement, changes, votes));
      },
      leaveByRequest: async (channel, member, proof) =>
        await tell("leaveByRequest", async (on) => await on.leaveByRequest(channel, member, proof)),
      closeByRequest: async (channel, proof) =>
        await tell("closeByRequest", async (on) => await on.closeByRequest(channel, proof)),
      proposePunishment: async (punishment) =>
        await tell("proposePunishment", async (on) => await on.proposePunishment(punishment)),
      voteBySignatures: async (channel, proposal, votes) =>
        await tell("voteBySignatures", async (on) => await on.voteBySignatures(channel, proposal, votes)),
    };
    return port as ChannelHub;
  }

  return {
    get hub() {
      return hub;
    },
    as,
    absenceAs,
    send,
    begin: mine,
    stop: () => void (isStopped = true),
    heal() {
      reorged = 0;
      unanswered = 0;
    },
    get reorgs() {
      return reorgs;
    },
  };
}
