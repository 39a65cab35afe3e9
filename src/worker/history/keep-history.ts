import { z } from "zod";

import { contentOfRecord } from "../../domain/program/record-content.ts";
import { isSprfError, messageOf } from "../../errors.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { readRecord } from "../../execution/read-record.ts";
import { findTip, type TipMemory } from "../../execution/tip.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { GatewayBook } from "../../ports/gateway-book.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Store } from "../../ports/store.ts";
import { throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { createTable } from "../../utils/table.ts";
import { createHistoryCopier } from "./copy-history.ts";
import { historyOf, releaseAll, releaseRecent, statesOf } from "./holders.ts";

/** A payment older than an hour buys nothing; what a run left behind is of no use after twice that, but for outcomes. */
const MIN_RECENT_MS = 2 * 60 * 60 * 1_000;
const OLD_STATE_TIMEOUT_MS = 20_000;
const RELEASED_AT_ONCE = 1_000;

export interface HistoryComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly gateways?: GatewayBook;
  readonly tips?: TipMemory;
}

export interface HistoryInit {
  /** `G...` of this worker. */
  readonly ledgerKey: string;
  /** Who keeps a state that has just become old; nobody when absent. */
  readonly holderNow?: () => string;
  /**
   * Whether a running agreement binds this worker to the program: then it copies the history before the account names it, so that it
   * holds all of it when it begins to sign. @default none does
   */
  readonly isBound?: (program: string) => boolean;
}

/** Keeps the history of the programs that this worker signs for. Everything it does may be repeated. */
export interface HistoryKeeper {
  /** Remembers a program, also over restarts, until this worker is no signer of it any more. */
  follow(program: string): Promise<void>;
  /**
   * Looks at every program once: keeps what has landed since, and lets go of states that are old. Resolves with whether all of
   * it worked; what did not is tried again with the next look.
   */
  look(options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Looks at one program now. Resolves with whether this worker holds all that it has to of it. */
  hold(program: string, options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Lets go of what runs left behind before this block, unless the history keeps it. Only after a look that worked. */
  prune(beforeBlock: number, options: { readonly signal: AbortSignal }): Promise<number>;
}

const followedSchema = z.strictObject({ since: z.number() });

/**
 * The first state, records, inputs, outputs and programs stay for as long as the worker is a signer; of the later states the one that
 * stands (invariant P3) and the one before it.
 */
export function createHistoryKeeper(components: HistoryComponents, init: HistoryInit): HistoryKeeper {
  const { ledger, content, store, clock, gateways, tips } = components;
  const logger = components.logger.child({ component: "history" });
  const followed = createTable(store, "history-followed", followedSchema);
  const copier = createHistoryCopier({ content, store, logger });
  /** What the account looked like when all of it was kept. */
  const keptAt = new Map<string, string>();
  const looking = new Map<string, Promise<boolean>>();

  /** One look at a program at a time: two would note different steps of one copy. */
  async function keepInTurn(program: string, signal: AbortSignal): Promise<boolean> {
    const before = looking.get(program) ?? Promise.resolve(false);
    const own = before.then(
      async () => await keep(program, signal),
      async () => await keep(program, signal),
    );
    looking.set(program, own);
    try {
      return await own;
    } finally {
      if (looking.get(program) === own) looking.delete(program);
    }
  }

  /** Resolves with whether all of it is held. */
  async function keep(program: string, signal: AbortSignal): Promise<boolean> {
    throwIfAborted(signal);
    const account = await findAccount(program, signal);
    const isSigner = account?.workers.some(({ ledgerKey }) => ledgerKey === init.ledgerKey) === true;
    const isBound = init.isBound?.(program) === true;
    // What is bound to this worker may be made, or name it, a moment later.
    if (account === undefined && isBound) return false;
    if (account === undefined || (!isSigner && !isBound)) {
      await release(program, signal);
      return false;
    }
    const look = `${account.stateLedger}/${account.sequence}`;
    if (keptAt.get(program) === look) return true;
    gateways?.add(account.workers.map(({ address }) => address));
    const holder = statesOf(program);
    // The state first: it is what the next run needs.
    await content.pin(account.state, { holder, signal });
    const tip = await findTip(ledger, account, { signal, memory: tips }).catch((error: unknown) => {
      if (!isSprfError(error, "HISTORY_BROKEN")) throw error;
      logger.error("a program cannot go on; what is kept of it stays", { program, reason: error.message });
      return undefined;
    });
    if (tip === undefined) {
      keptAt.set(program, look);
      return true;
    }
    const isWhole = await copier.copy(program, tip.recordCid, { signal });
    const { states } = contentOfRecord(await readRecord(content, tip.recordCid, { signal }));
    for (const state of states) if (state !== account.state) await keepIfThere(program, state, signal);
    await releaseOld(program, new Set([account.state, ...states]), signal);
    if (isWhole) keptAt.set(program, look);
    return isWhole;
  }

  /** The state before the one that stands: others may still run their answers on it again, but nothing here rests on it. */
  async function keepIfThere(program: string, state: string, signal: AbortSignal): Promise<void> {
    try {
      await content.pin(state, { holder: statesOf(program), signal: withDeadline(signal, OLD_STATE_TIMEOUT_MS) });
    } catch (error) {
      throwIfAborted(signal);
      logger.warn("the state before cannot be had", { program, state, reason: messageOf(error) });
    }
  }

  async function findAccount(program: string, signal: AbortSignal): Promise<SmartAccount | undefined> {
    try {
      return await loadSmartAccount(ledger, program, { signal });
    } catch (error) {
      if (isSprfError(error, "ACCOUNT_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async function releaseOld(program: string, current: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const holder = statesOf(program);
    const next = init.holderNow?.();
    for await (const { cid } of content.held(`${holder} `, { signal })) {
      if (current.has(cid)) continue;
      // Answers on this state may still have to be run again.
      if (next !== undefined && (await content.has(cid, { signal }))) await content.pin(cid, { holder: next, signal });
      await content.unpin(cid, { holder, signal });
      logger.debug("an old state is let go of", { program, state: cid });
    }
  }

  async function release(program: string, signal: AbortSignal): Promise<void> {
    await releaseAll(content, historyOf(program), { signal });
    await releaseAll(content, statesOf(program), { signal });
    await copier.forget(program);
    keptAt.delete(program);
    await store.apply([followed.delete(program)]);
    logger.info("no signer of the program any more; its history is let go of", { program });
  }

  return {
    async follow(program) {
      if ((await followed.get(program)) !== undefined) return;
      await store.apply([followed.put(program, { since: clock.now() })]);
    },
    async look({ signal }) {
      let allWorked = true;
      for (const { key: program } of await followed.list()) {
        try {
          await keepInTurn(program, signal);
        } catch (error) {
          throwIfAborted(signal);
          allWorked = false;
          logger.warn("a program's history cannot be kept now", { program, reason: messageOf(error) });
        }
      }
      return allWorked;
    },
    hold: async (program, { signal }) => await keepInTurn(program, signal),
    prune: async (beforeBlock, { signal }) =>
      await releaseRecent(
        content,
        { block: beforeBlock, atMs: clock.now() - MIN_RECENT_MS, limit: RELEASED_AT_ONCE },
        { signal },
      ),
  };
}
