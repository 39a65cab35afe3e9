import { previousOf, timeAfter } from "../domain/program/chain-record.ts";
import { lowestPriceStroops, type PastPrices } from "../domain/program/past-prices.ts";
import { PAYMENT_USABLE_SECONDS, priceStroops } from "../domain/program/payment.ts";
import { isRunRecord } from "../domain/program/run-record.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ExecutionRequest } from "../wire/execution-request.ts";
import type { ChainRecord } from "../wire/record.ts";
import { readChainRecord } from "./read-record.ts";
import { findTip, type TipMemory } from "./tip.ts";

/** As many records as are looked at: more than a program makes in three hours when ledgers close every second. */
const MAX_RECORDS = 20_000;
/** Records, the oldest read first, whose prices are remembered for one content store. */
const MAX_REMEMBERED = 20_000;

/** Where prices are read from. */
export interface PriceComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly tips?: TipMemory | undefined;
}

/** A request, and what was paid for it. */
interface PaidRequest {
  readonly request: Pick<ExecutionRequest, "form" | "maxGas">;
  readonly paidStroops: bigint;
  /** When the payment's ledger closed, in seconds since the Unix epoch. */
  readonly paidAt: bigint;
}

/**
 * What has to have been paid for a request: the lowest price that may have been the program's when the payment landed or since.
 * It follows from the program's records alone, so that all workers come to the same, whenever each of them heard of the request;
 * the audit, which reads the same records, asks no more. They are read only when the price of now was not paid.
 *
 * @throws what finding the tip and reading records throw
 */
export async function findPriceStroops(
  components: PriceComponents,
  account: SmartAccount,
  { request, paidStroops, paidAt }: PaidRequest,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<bigint> {
  const price = priceStroops(request, account);
  if (paidStroops >= price) return price;
  const pastPrices = await findPastPrices(components, account, paidAt, options);
  return lowestPriceStroops(request, { terms: account, pastPrices }, paidAt);
}

/** The prices that were replaced when a payment of that time may have been on its way, or later; the newest first. */
async function findPastPrices(
  { ledger, content, tips }: PriceComponents,
  account: SmartAccount,
  paidAt: bigint,
  { signal }: { readonly signal?: AbortSignal | undefined },
): Promise<readonly PastPrices[]> {
  const tip = await findTip(ledger, account, { signal, memory: tips });
  const past: PastPrices[] = [];
  let next: string | undefined = tip.recordCid;
  /** Until when those prices held that are still to be found: a change says what came, an older record what went. */
  let until: bigint | undefined;
  let isRecent = true;
  for (let read = 0; next !== undefined && read < MAX_RECORDS; read += 1) {
    const step: PriceStep =
      recall(content, next) ?? remember(content, next, await readChainRecord(content, next, { signal }));
    if (until !== undefined && step.terms !== undefined) {
      past.push({ ...step.terms, until });
      until = undefined;
    }
    // What was run landed within that time, and what was changed before it was changed before the payment.
    if (step.ranAt !== undefined && step.ranAt + BigInt(PAYMENT_USABLE_SECONDS) < paidAt) isRecent = false;
    if (isRecent && step.changedUntil !== undefined && step.changedUntil >= paidAt) until = step.changedUntil;
    if (!isRecent && until === undefined) break;
    next = step.previous;
  }
  return past;
}

/** What a record says of prices. */
interface PriceStep {
  /** CID of the record before. */
  readonly previous: string | undefined;
  /** The prices after it, if it names any. */
  readonly terms?: { readonly baseFeeStroops: bigint; readonly gasPriceStroops: bigint };
  /** Of a change of prices: later than this, in seconds, it cannot have landed. */
  readonly changedUntil?: bigint;
  /** Of a run: its `SPRF_TIME`. */
  readonly ranAt?: bigint;
}

/** A record never says anything else, so it is read once, however often somebody asks what too low a payment buys. */
const remembered = new WeakMap<ContentStore, Map<string, PriceStep>>();

function recall(content: ContentStore, recordCid: string): PriceStep | undefined {
  return remembered.get(content)?.get(recordCid);
}

function remember(content: ContentStore, recordCid: string, record: ChainRecord): PriceStep {
  const steps = remembered.get(content) ?? new Map<string, PriceStep>();
  const [oldest] = steps.keys();
  if (steps.size >= MAX_REMEMBERED && oldest !== undefined) steps.delete(oldest);
  const step = stepOf(record);
  remembered.set(content, steps.set(recordCid, step));
  return step;
}

function stepOf(record: ChainRecord): PriceStep {
  const previous = previousOf(record)?.recordCid;
  if (record.kind === "create") return { previous, terms: record.terms };
  if (record.kind === "batch") return { previous, terms: record.terms, ranAt: timeAfter(record) };
  if (isRunRecord(record)) return { previous, ranAt: timeAfter(record) };
  if (record.kind !== "terms") return { previous };
  const { change, validUntil } = record.signedChange.request;
  return { previous, terms: change.terms, changedUntil: validUntil };
}
