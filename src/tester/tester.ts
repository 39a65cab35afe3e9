import PQueue from "p-queue";

import { DEFAULT_WITHDRAW_FACTOR } from "../domain/worthwhile.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Agreement } from "../ports/chain.ts";
import type { Random } from "../ports/random.ts";
import type { Startable } from "../ports/startable.ts";
import type { Store } from "../ports/store.ts";
import { epochAt } from "../worker/agreements/authorise-address-request.ts";
import { closeAgreement } from "../worker/agreements/close-agreement.ts";
import { collectFees } from "./collect-fees.ts";
import { createDutyRunner, type DutyInit, type DutyRunner, type EpochReport, type Timeouts } from "./duty-runner.ts";
import { createDutyStore, type Duty, type DutyStore } from "./duty-store.ts";
import type { ExamineComponents } from "./examine.ts";
import type { Purse } from "./purse.ts";
import { openWatchList, type WatchList } from "./watch-list.ts";

const DEFAULT_TIMEOUTS: Timeouts = { workerMs: 15_000, leastWorkerMs: 2_000 };
const DEFAULT_CONCURRENCY = 8;
const SALT_BYTES = 32;

export interface TesterComponents extends ExamineComponents {
  readonly store: Store;
  readonly random: Random;
  readonly purse: Purse;
}

export interface TesterInit {
  /** @default 15 s for a worker, and none is blamed for less than 2 s */
  readonly timeouts?: Timeouts;
  /** Agreements looked at side by side. @default 8 */
  readonly concurrency?: number;
  /** Called after each epoch whose verdicts were revealed. */
  readonly onReport?: (report: EpochReport) => void;
  /** How many times its gas a withdrawal has to bring. @default 2 */
  readonly withdrawFactor?: number;
}

/**
 * The tester daemon: looks at every agreement with every block, opens epochs that it is drawn for, examines the workers, commits
 * and reveals. Whatever fails is logged and tried again with the next block; nothing ends the daemon but `stop`.
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
      if ((await chain.testerOf(chain.account, { signal })) === undefined) {
        throw new SprfError("NOT_REGISTERED", `${chain.account} is no registered tester`);
      }
      const watchList = await openWatchList(components);
      life = new AbortController();
      round = createRound({ ...components, logger }, init, watchList, life.signal);
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
function createRound(components: TesterComponents, init: TesterInit, watchList: WatchList, signal: AbortSignal): Round {
  const { chain, store, random, logger } = components;
  const duties: DutyStore = createDutyStore(store);
  const runners = new Map<string, Map<number, DutyRunner>>();
  /** Last epoch of an agreement for which it is known that somebody else was drawn. */
  const notDrawn = new Map<string, number>();
  const queue = new PQueue({ concurrency: init.concurrency ?? DEFAULT_CONCURRENCY });
  const dutyInit: DutyInit = {
    timeouts: init.timeouts ?? DEFAULT_TIMEOUTS,
    ...(init.onReport === undefined ? {} : { onReport: init.onReport }),
  };

  async function attend(address: string, block: number): Promise<void> {
    const agreement = await chain.agreement(address, { signal });
    if (agreement === undefined || isParty(agreement, chain.account)) return await drop(address);
    const mine = await runnersOf(agreement);
    const epoch = epochAt(agreement, block);
    if (epoch !== undefined && !mine.has(epoch) && notDrawn.get(address) !== epoch) {
      const duty = await join(agreement, epoch, block);
      if (duty !== undefined) await take(agreement, mine, duty);
    }
    await Promise.all([...mine.values()].map(async (runner) => await runner.advance(block)));
    if (block >= agreement.endBlock) await close(agreement, mine, block);
  }

  /** The duties of an agreement, taken up from the store when it is looked at for the first time. */
  async function runnersOf(agreement: Agreement): Promise<Map<number, DutyRunner>> {
    const known = runners.get(agreement.address);
    if (known !== undefined) return known;
    const fresh = new Map<number, DutyRunner>();
    for (const duty of await duties.of(agreement.address)) await take(agreement, fresh, duty);
    runners.set(agreement.address, fresh);
    return fresh;
  }

  async function take(agreement: Agreement, mine: Map<number, DutyRunner>, duty: Duty): Promise<void> {
    const windows = await chain.windowsOf(agreement.address, duty.epoch, { signal });
    mine.set(duty.epoch, createDutyRunner({ ...components, duties }, dutyInit, { agreement, windows, duty }));
  }

  /** Opens the epoch when this tester is drawn for it, and writes the duty down. */
  async function join(agreement: Agreement, epoch: number, block: number): Promise<Duty | undefined> {
    const { address } = agreement;
    const windows = await chain.windowsOf(address, epoch, { signal });
    if (block < windows.commitFrom || block >= windows.commitTo) return undefined;
    if (!(await chain.isOpen(address, epoch, { signal }))) {
      const drawn = await chain.previewTesters(address, epoch, { signal });
      if (!drawn.includes(chain.account)) {
        // The draw moves on when nobody opens the epoch for 256 blocks, so nothing is concluded from a preview.
        return undefined;
      }
      await openEpoch(address, epoch);
    }
    const seat = (await chain.seatsOf(address, epoch, { signal })).find(({ tester }) => tester === chain.account);
    if (seat?.status !== "drawn") {
      notDrawn.set(address, epoch);
      if (seat !== undefined) logger.error("committed earlier, but nothing is stored", { agreement: address, epoch });
      return undefined;
    }
    const duty: Duty = {
      version: 1,
      agreement: address,
      epoch,
      phase: "probing",
      salt: new Uint8Array(random.bytes(SALT_BYTES)),
      reclaimed: false,
    };
    await duties.put(duty);
    logger.info("drawn", { agreement: address, epoch });
    return duty;
  }

  async function openEpoch(address: string, epoch: number): Promise<void> {
    try {
      await chain.openEpoch(address, epoch, { signal });
    } catch (error) {
      // Another of those drawn was faster.
      if (!isSprfError(error, "CHAIN_REVERTED") || !(await chain.isOpen(address, epoch, { signal }))) throw error;
    }
  }

  async function close(agreement: Agreement, mine: Map<number, DutyRunner>, block: number): Promise<void> {
    if (mine.size === 0) return await drop(agreement.address);
    const over = [...mine.values()].every((runner) => runner.over());
    if (!over) return;
    // Workers go first: it is their pay.
    const turn = agreement.workerIds.length + 1;
    const withdrawFactor = init.withdrawFactor ?? DEFAULT_WITHDRAW_FACTOR;
    const { closed } = await closeAgreement(chain, agreement, { block, turn, signal, withdrawFactor });
    if (!closed) return;
    // Fees of all agreements lie in the registry, and are left there until they are worth the gas.
    const withdrawnWei = await collectFees(chain, { signal, withdrawFactor });
    logger.info("agreement closed", { agreement: agreement.address, withdrawnWei: withdrawnWei.toString() });
    await drop(agreement.address);
  }

  async function drop(address: string): Promise<void> {
    await watchList.remove(address);
    await duties.forget(address);
    runners.delete(address);
    notDrawn.delete(address);
  }

  return {
    async onBlock(block) {
      await watchList.update({ signal }).catch((error: unknown) => {
        if (!signal.aborted) logger.warn("cannot look for new agreements", describe(error));
      });
      const looks = watchList.all().map(
        async (address) =>
          await queue.add(async () => {
            if (signal.aborted) return;
            await attend(address, block).catch((error: unknown) => {
              if (signal.aborted) return;
              logger.warn("cannot look at an agreement", { agreement: address, ...describe(error) });
            });
          }),
      );
      await Promise.all(looks);
    },
    async stop() {
      const all = [...runners.values()].flatMap((mine) => [...mine.values()]);
      await Promise.all(all.map(async (runner) => await runner.stop()));
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
