import { messageOf, SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Startable } from "../../ports/startable.ts";
import type { ClosedLedger } from "./ledger/close-ledger.ts";
import type { DevelopmentLedger } from "./ledger/development-ledger.ts";
import type { LedgerTransaction } from "./ledger/transaction.ts";
import type { Submission } from "./ledger/transaction-queue.ts";
import type { LedgerStore } from "./rpc/ledger-store.ts";

export interface LedgerRunnerComponents {
  readonly ledger: DevelopmentLedger;
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LedgerRunnerInit {
  /** Milliseconds between closes; 0 closes a ledger for every transaction at once. */
  readonly closeEveryMs: number;
}

/** Gives a ledger its time: closes it, stores every close, and tells who waits for one. */
export interface LedgerRunner extends Startable {
  /** True when every transaction closes its own ledger. */
  readonly onDemand: boolean;
  /** @throws SprfError `INTERNAL` when an earlier close could not be stored. */
  submit(tx: LedgerTransaction): Submission;
  /**
   * Closes a ledger now.
   *
   * @throws SprfError `INTERNAL` when this or an earlier close could not be stored.
   */
  closeLedger(): ClosedLedger;
  /** Resolves with the next ledger; rejects with `ABORTED` when the runner stops first. */
  nextClose(): Promise<ClosedLedger>;
}

interface Waiter {
  resolve(closed: ClosedLedger): void;
  reject(error: SprfError): void;
}

/** Builds the runner of a ledger; nothing moves before `start`. */
export function createLedgerRunner(
  { ledger, store, clock, logger }: LedgerRunnerComponents,
  { closeEveryMs }: LedgerRunnerInit,
): LedgerRunner {
  let failure: SprfError | undefined;
  let waiters: Waiter[] = [];
  let running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  const nowSeconds = (): bigint => BigInt(Math.floor(clock.now() / 1000));

  const closeLedger = (): ClosedLedger => {
    if (failure !== undefined) throw failure;
    const now = nowSeconds();
    const last = ledger.header().closeTime;
    try {
      const closed = ledger.close({ closeTime: now > last ? now : last });
      store.save(closed);
      for (const { resolve } of waiters.splice(0)) resolve(closed);
      return closed;
    } catch (error) {
      // Memory may be ahead of the store now: going on would answer with what a restart does not know.
      failure = new SprfError("INTERNAL", `the development ledger halted: ${messageOf(error)}`, { cause: error });
      logger.error("development ledger halted", { error: messageOf(error) });
      throw failure;
    }
  };

  const closeRegularly = async (signal: AbortSignal): Promise<void> => {
    let next = clock.now() + closeEveryMs;
    while (!signal.aborted) {
      try {
        await clock.sleep(Math.max(0, next - clock.now()), { signal });
        closeLedger();
      } catch {
        return;
      }
      next = Math.max(next + closeEveryMs, clock.now());
    }
  };

  return {
    onDemand: closeEveryMs === 0,
    submit(tx) {
      if (failure !== undefined) throw failure;
      // On demand nothing else moves the ledger's time, and lower time bounds are held against the last close.
      if (closeEveryMs === 0 && nowSeconds() > ledger.header().closeTime) closeLedger();
      const submission = ledger.submit(tx, nowSeconds());
      if (closeEveryMs === 0 && submission.status === "PENDING") closeLedger();
      return submission;
    },
    closeLedger,
    nextClose: () => new Promise((resolve, reject) => waiters.push({ resolve, reject })),
    async start() {
      if (running !== undefined) return;
      const abort = new AbortController();
      running = { abort, done: closeEveryMs === 0 ? Promise.resolve() : closeRegularly(abort.signal) };
      await Promise.resolve();
    },
    async stop() {
      const stopping = running;
      running = undefined;
      stopping?.abort.abort();
      const stopped = new SprfError("ABORTED", "the development ledger stopped");
      for (const { reject } of waiters) reject(stopped);
      waiters = [];
      await stopping?.done;
    },
  };
}
