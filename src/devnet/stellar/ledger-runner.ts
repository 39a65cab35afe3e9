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

/** Hears of every close, before and after it happens. */
export interface CloseListener {
  /** The last chance to put a transaction into this ledger. */
  before(): void;
  after(closed: ClosedLedger): void;
  /** No ledger follows any more. */
  halted(failure: SprfError): void;
}

/** Gives a ledger its time: closes it, stores every close, and tells who listens. */
export interface LedgerRunner extends Startable {
  /** True when every transaction closes its own ledger. */
  readonly onDemand: boolean;
  /** Why the ledger halted, or undefined while it moves. */
  failure(): SprfError | undefined;
  /** @throws SprfError `INTERNAL` when an earlier close could not be stored. */
  submit(tx: LedgerTransaction): Submission;
  /**
   * Closes a ledger now.
   *
   * @throws SprfError `INTERNAL` when this or an earlier close could not be stored.
   */
  closeLedger(): ClosedLedger;
  listen(listener: CloseListener): void;
}

/** Builds the runner of a ledger; nothing moves before `start`. */
export function createLedgerRunner(
  { ledger, store, clock, logger }: LedgerRunnerComponents,
  { closeEveryMs }: LedgerRunnerInit,
): LedgerRunner {
  let failure: SprfError | undefined;
  const listeners: CloseListener[] = [];
  let running: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  const nowSeconds = (): bigint => BigInt(Math.floor(clock.now() / 1000));

  const closeLedger = (): ClosedLedger => {
    if (failure !== undefined) throw failure;
    for (const listener of listeners) notify(() => listener.before());
    const now = nowSeconds();
    const last = ledger.header().closeTime;
    let closed: ClosedLedger;
    try {
      closed = ledger.close({ closeTime: now > last ? now : last });
      store.save(closed);
    } catch (error) {
      // Memory may be ahead of the store now: going on would answer with what a restart does not know.
      const halt = new SprfError("INTERNAL", `the development ledger halted: ${messageOf(error)}`, { cause: error });
      failure = halt;
      logger.error("development ledger halted", { error: messageOf(error) });
      for (const listener of listeners) notify(() => listener.halted(halt));
      throw halt;
    }
    for (const listener of listeners) notify(() => listener.after(closed));
    return closed;
  };

  // A listener's fault must not stop the ledger.
  const notify = (call: () => void): void => {
    try {
      call();
    } catch (error) {
      logger.error("ledger listener failed", { error: messageOf(error) });
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
    failure: () => failure,
    submit(tx) {
      if (failure !== undefined) throw failure;
      // On demand nothing else moves the ledger's time, and lower time bounds are held against the last close.
      if (closeEveryMs === 0 && nowSeconds() > ledger.header().closeTime) closeLedger();
      const submission = ledger.submit(tx, nowSeconds());
      if (closeEveryMs === 0 && submission.status === "PENDING") closeLedger();
      return submission;
    },
    closeLedger,
    listen: (listener) => void listeners.push(listener),
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
      await stopping?.done;
    },
  };
}
