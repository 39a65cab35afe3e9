import PQueue from "p-queue";

import type { ReportingPlan } from "../domain/verdict/reporting-way.ts";
import { DEFAULT_WITHDRAW_FACTOR } from "../domain/worthwhile.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Agreement } from "../ports/chain.ts";
import type { Random } from "../ports/random.ts";
import type { Startable } from "../ports/startable.ts";
import type { Store } from "../ports/store.ts";
import { closeAgreement } from "../worker/agreements/close-agreement.ts";
import { createChallengeBook } from "./challenge-book.ts";
import { openDesk, type Desk, type DeskComponents, type DeskInit } from "./desk.ts";
import type { EpochReport, Timeouts } from "./duty-runner.ts";
import { createDutyStore } from "./duty-store.ts";
import type { ExaminePanelComponents } from "./examine-panel.ts";
import { createTesterExchange, type ExchangeComponents } from "./exchange.ts";
import { createFavours } from "./favours.ts";
import { collectFees } from "./collect-fees.ts";
import type { Purse } from "./purse.ts";
import type { WatchEpochInit } from "./watch-epoch.ts";
import { openWatchList, type WatchList } from "./watch-list.ts";

const DEFAULT_TIMEOUTS: Timeouts = { workerMs: 15_000, leastWorkerMs: 2_000 };
const DEFAULT_CONCURRENCY = 8;
const DEFAULT_SLICE_MS = 5_000;
const BLOCKS_BETWEEN_COLLECTIONS = 16;

export interface TesterComponents extends Omit<ExaminePanelComponents, "exchange" | "evidenceTimeoutMs"> {
  readonly store: Store;
  readonly random: Random;
  readonly purse: Purse;
  /** What reaches the other testers; without it this one brings its reports alone. */
  readonly messaging?: Pick<ExchangeComponents, "messenger" | "messageKeys">;
}

export interface TesterInit extends WatchEpochInit {
  /** @default 15 s for a worker, and none is blamed for less than 2 s */
  readonly timeouts?: Timeouts;
  /** Agreements looked at side by side. @default 8 */
  readonly concurrency?: number;
  /** How long one of them keeps its place while others wait. @default 5 s */
  readonly sliceMs?: number;
  /** Called after each epoch whose verdicts were revealed. */
  readonly onReport?: (report: EpochReport) => void;
  /** How many times its gas a withdrawal has to bring. @default 2 */
  readonly withdrawFactor?: number;
}

/**
 * The tester daemon: looks at every agreement with every block, opens epochs and panels that it is drawn for, examines the workers,
 * commits and reveals, and stands by its reports until they are final. Whatever fails is logged and tried again with the next
 * block; nothing ends the daemon but `stop`.
 */
export function createTesterService(components: TesterComponents, init: TesterInit = {}): Startable {
  const logger = components.logger.child({ component: "tester" });
  const { chain } = components;
  let life: AbortController | undefined;
  let loop: Promise<void> = Promise.resolve();
  let round: Round | undefined;

  return {
    async start({ signal } = {}) {
      if (life !== undefined) return;
      const testerId = await chain.testerOf(chain.account, { signal });
      if (testerId === undefined) throw new SprfError("NOT_REGISTERED", `${chain.account} is no registered tester`);
      const watchList = await openWatchList(components);
      life = new AbortController();
      round = createRound({ ...components, logger }, init, { watchList, testerId, signal: life.signal });
      loop = follow(round, life.signal);
    },
    async stop() {
      life?.abort();
      await Promise.all([loop, round?.stop()]);
    },
  };

  async function follow(opened: Round, signal: AbortSignal): Promise<void> {
    try {
      for await (const block of chain.blocks({ signal })) await opened.onBlock(block);
    } catch (error) {
      if (!signal.aborted) logger.error("following blocks ended", describe(error));
    }
  }
}

interface Round {
  onBlock(block: number): Promise<void>;
  stop(): Promise<void>;
}

/** What the tester does with one block, and what it remembers from one to the next. */
function createRound(
  components: TesterComponents,
  init: TesterInit,
  {
    watchList,
    testerId,
    signal,
  }: { readonly watchList: WatchList; readonly testerId: number; readonly signal: AbortSignal },
): Round {
  const { chain, content, store, clock, logger, messaging } = components;
  const duties = createDutyStore(store);
  const desks = new Map<string, Desk>();
  /** Agreements that are looked at or wait for it: one look at a time. */
  const busy = new Set<string>();
  const looks = new Set<Promise<void>>();
  const queue = new PQueue({ concurrency: init.concurrency ?? DEFAULT_CONCURRENCY });
  const withdrawFactor = init.withdrawFactor ?? DEFAULT_WITHDRAW_FACTOR;
  let latest = 0;
  let collectFrom = 0;
  let collecting: Promise<void> = Promise.resolve();
  /** Epochs whose fee does not cover its gas. */
  let unprofitable = 0;

  const exchange =
    messaging === undefined
      ? undefined
      : createTesterExchange({ ...components, ...messaging }, { evidenceOf: ownEvidence });
  const deskComponents: DeskComponents = {
    ...components,
    duties,
    favours: createFavours(store),
    book: createChallengeBook(components),
    ...(exchange === undefined ? {} : { exchange }),
    ...(init.evidenceTimeoutMs === undefined ? {} : { evidenceTimeoutMs: init.evidenceTimeoutMs }),
  };
  const deskInit: DeskInit = { ...init, timeouts: init.timeouts ?? DEFAULT_TIMEOUTS, onPlan };

  async function ownEvidence(wanted: {
    readonly agreement: string;
    readonly epoch: number;
    readonly evidenceCid: string;
  }): Promise<Uint8Array | undefined> {
    const duty = (await duties.of(wanted.agreement)).find(
      ({ epoch, report, phase }) =>
        epoch === wanted.epoch &&
        report?.evidenceCid === wanted.evidenceCid &&
        // Before, it would tell what is only committed to.
        (phase === "committed" || phase === "revealed"),
    );
    return duty === undefined ? undefined : await duties.evidenceOf(duty);
  }

  function onPlan({ way, costWei, savedWei, pays }: ReportingPlan): void {
    logger.debug("how reports are brought", { way, costWei: costWei.toString(), savedWei: savedWei.toString() });
    if (pays) return;
    unprofitable += 1;
    logger.warn("the fee of an epoch does not cover its gas; a miss would cost more", {
      costWei: costWei.toString(),
      epochs: unprofitable,
    });
  }

  async function attend(address: string, block: number): Promise<void> {
    const agreement = await chain.agreement(address, { signal });
    if (agreement === undefined || isParty(agreement, chain.account)) return await drop(address);
    const desk = await deskOf(agreement, block);
    await desk.attend(agreement, block);
    if (block >= agreement.endBlock) await close(agreement, desk, block);
  }

  async function deskOf(agreement: Agreement, block: number): Promise<Desk> {
    const known = desks.get(agreement.address);
    if (known !== undefined) return known;
    const desk = await openDesk(deskComponents, deskInit, { agreement, block, signal });
    desks.set(agreement.address, desk);
    return desk;
  }

  async function close(agreement: Agreement, desk: Desk, block: number): Promise<void> {
    const { address, epochCount } = agreement;
    const { finalFrom } = await chain.windowsOf(address, epochCount - 1, { signal });
    // Until then there may be an appeal, and a panel to join.
    if (block < finalFrom || !desk.isIdle()) return;
    if (desk.size() === 0) return await drop(address);
    // Workers go first: it is their pay.
    const turn = agreement.workerIds.length + 1;
    const { closed } = await closeAgreement(chain, agreement, { block, turn, signal, withdrawFactor });
    if (!closed) return;
    logger.info("agreement closed", { agreement: address });
    await drop(address);
    collectFrom = 0;
    collect(block);
  }

  async function drop(address: string): Promise<void> {
    // Nothing can be disputed any more, so nobody needs the evidence. What a crash leaves is found again from the end backwards.
    for (const { report } of await duties.of(address)) {
      if (report !== undefined) await content.unpin(report.evidenceCid, { signal });
    }
    await duties.forget(address);
    await watchList.remove(address);
    await desks.get(address)?.stop();
    desks.delete(address);
  }

  /** Looks at an agreement until it has seen the latest block. */
  async function look(address: string): Promise<void> {
    let seen: number;
    do {
      seen = latest;
      try {
        await attend(address, seen);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("cannot look at an agreement", { agreement: address, ...describe(error) });
      }
    } while (seen < latest && !signal.aborted);
  }

  /** Agreements take turns; a slow one keeps its place among those looked at for a while only. */
  function enqueue(address: string): void {
    if (busy.has(address)) return;
    busy.add(address);
    void queue
      .add(async () => {
        const over = new AbortController();
        const done = look(address).finally(() => {
          busy.delete(address);
          looks.delete(done);
          over.abort();
        });
        looks.add(done);
        const slice = clock.sleep(init.sliceMs ?? DEFAULT_SLICE_MS, { signal: AbortSignal.any([signal, over.signal]) });
        await Promise.race([done, slice.catch(() => undefined)]);
      })
      .catch(() => undefined);
  }

  function collect(block: number): void {
    if (block < collectFrom) return;
    collectFrom = block + BLOCKS_BETWEEN_COLLECTIONS;
    collecting = collecting
      .then(async () => await collectFees(chain, testerId, { factor: withdrawFactor, logger, signal }))
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn("fees cannot be withdrawn now", describe(error));
      });
  }

  return {
    async onBlock(block) {
      latest = Math.max(latest, block);
      await watchList.update({ signal }).catch((error: unknown) => {
        if (!signal.aborted) logger.warn("cannot look for new agreements", describe(error));
      });
      for (const address of watchList.all()) enqueue(address);
      collect(block);
    },
    async stop() {
      queue.clear();
      queue.pause();
      const stopDesks = async (): Promise<unknown> =>
        await Promise.all([...desks.values()].map(async (desk) => await desk.stop()));
      await stopDesks();
      await Promise.all([...looks, collecting]);
      // One that was just being opened.
      await stopDesks();
    },
  };
}

/** Client and workers are never drawn. */
function isParty(agreement: Agreement, account: string): boolean {
  return agreement.client === account || agreement.workerOperators.includes(account);
}

function describe(error: unknown): { code: string; reason: string } {
  return { code: isSprfError(error) ? error.code : "INTERNAL", reason: messageOf(error) };
}
