import { SprfError } from "../errors.ts";
import { reputationOf } from "../domain/read-model/reputation.ts";
import type { HistoryRow } from "../domain/read-model/rows.ts";
import type { IndexedWorker, ReadModel } from "../indexer/read-model.ts";
import type { MarketConstants } from "../ports/event-log.ts";
import { agreementView } from "./agreement-view.ts";
import type { ReadSource } from "./feed.ts";
import { createTrends, numbersOf, summaryOf, workerSummary, type MarketComponents } from "./market-rows.ts";
import { paymentsView } from "./payments-view.ts";
import type {
  AgreementView,
  HistoryEntryView,
  MarketView,
  PaymentsView,
  ReputationPoint,
  StatusView,
  WorkerSummary,
  WorkerView,
} from "./views.ts";

/** Rows that a page shows of each list; the command line has the rest. */
const MAX_WORKERS = 500;
const MAX_AGREEMENTS = 100;
const MAX_HISTORY = 400;
const SHOWN_HISTORY = 100;
/** Views of a kind that are kept. */
const MAX_KNOWN_VIEWS = 64;
/** An account, in lower or mixed case. */
const ACCOUNT = /^0x[0-9a-fA-F]{40}$/;

/** The views of the market, from the index alone. */
export function createMarketSources(
  components: MarketComponents,
): Readonly<Record<"status" | "market" | "worker" | "agreement" | "payments", ReadSource>> {
  const { model, contracts, isChainAway } = components;
  const trendOf = createTrends(model);
  const summarize = async (worker: IndexedWorker, reorgs: number): Promise<WorkerSummary> =>
    workerSummary(worker, await trendOf(worker, reorgs));

  return {
    status: {
      async read(): Promise<StatusView> {
        const { block, head, reorgs } = await model.asOf();
        return { chainId: contracts.chainId, block, head: Math.max(block, head), reorgs, isChainAway: isChainAway() };
      },
    },
    market: {
      read: untilNextEvent(model, async (): Promise<MarketView> => {
        const { reorgs } = await model.asOf();
        const workers = await model.workers({ limit: MAX_WORKERS });
        const agreements = await model.agreements({ limit: MAX_AGREEMENTS });
        return {
          workers: await Promise.all(workers.map(async (worker) => await summarize(worker, reorgs))),
          agreements: agreements.map(summaryOf),
          contracts,
        };
      }),
    },
    worker: {
      read: untilNextEvent(model, async (id): Promise<WorkerView> => {
        const workerId = numberOf("worker", id);
        const { constants, reorgs } = await model.asOf();
        const worker = await model.worker(workerId);
        if (worker === undefined) throw new SprfError("INVALID_INPUT", `there is no worker ${workerId}`);
        const history = await model.history(workerId, { limit: MAX_HISTORY });
        const shown = history.slice(0, SHOWN_HISTORY);
        const numbers = await numbersOf(model, shown);
        const agreements = await model.agreements({ workerId, limit: MAX_AGREEMENTS });
        const { twinId, epochsOk, epochsUnreachable, epochsWrong } = worker;
        return {
          worker: {
            ...(await summarize(worker, reorgs)),
            twinId,
            lockedWei: String(worker.lockedWei),
            slashedWei: String(worker.slashedWei),
            unbondingWei: String(worker.unbondingWei),
            epochsOk,
            epochsUnreachable,
            epochsWrong,
          },
          reputation: reputationPoints(history, constants),
          history: shown.map((entry) => entryView(entry, numbers)),
          agreements: agreements.map(summaryOf),
          contracts,
        };
      }),
    },
    agreement: {
      read: untilNextEvent(model, async (id): Promise<AgreementView> => await agreementView(model, id)),
    },
    payments: {
      async read(account): Promise<PaymentsView> {
        if (!ACCOUNT.test(account)) throw new SprfError("INVALID_INPUT", "an account is 0x and 40 hex digits");
        return await paymentsView(components, account);
      },
    },
  };
}

/**
 * Reads anew only what an event may have changed: most blocks have none, and a market of hundreds of workers is read in the time
 * in which others wait for theirs.
 */
function untilNextEvent<V>(model: ReadModel, read: (id: string) => Promise<V>): (id: string) => Promise<V> {
  const known = new Map<string, { readonly at: string; readonly view: V }>();
  return async (id) => {
    const { events, reorgs } = await model.asOf();
    const at = `${reorgs}/${events}`;
    const found = known.get(id);
    if (found?.at === at) return found.view;
    const view = await read(id);
    known.delete(id);
    known.set(id, { at, view });
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN_VIEWS && oldest !== undefined) known.delete(oldest);
    return view;
  };
}

/** Oldest first; from its registration on, if that is not too long ago. */
function reputationPoints(history: readonly HistoryRow[], constants: MarketConstants): readonly ReputationPoint[] {
  const none = reputationOf({ weightOkWei: 0n, weightTotalWei: 0n }, constants);
  return history
    .flatMap(({ kind, block, timeSeconds, reputation = kind === "registered" ? none : undefined }) =>
      reputation === undefined ? [] : [{ block, timeSeconds, reputation }],
    )
    .reverse();
}

function entryView(
  { block, timeSeconds, transaction, kind, epoch, ...row }: HistoryRow,
  numbers: ReadonlyMap<string, number>,
): HistoryEntryView {
  const agreement = row.agreement === undefined ? undefined : numbers.get(row.agreement);
  const { amountWei, outcome, reputation } = row;
  return {
    block,
    timeSeconds,
    transaction,
    kind,
    ...(agreement === undefined ? {} : { agreement }),
    ...(epoch === undefined ? {} : { epoch }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(reputation === undefined ? {} : { reputation }),
    ...(amountWei === undefined ? {} : { amountWei: String(amountWei) }),
  };
}

function numberOf(what: string, id: string): number {
  if (/^\d{1,12}$/.test(id)) return Number(id);
  throw new SprfError("INVALID_INPUT", `a ${what} is known by its number`);
}
