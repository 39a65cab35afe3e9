import { judgeWorkers, type AgreementHistory, type Judgement } from "../domain/market/judge-workers.ts";
import type { WorkerPolicy } from "../domain/market/worker-policy.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { Agreement, Chain } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import { within } from "../utils/within.ts";
import { readHistory, type OutcomesChain } from "./agreement-outcomes.ts";
import { buyBest, type BestPurchase, type BuyBestOptions, type BuyComponents } from "./choose-and-buy.ts";

const DEFAULT_WATCH_TIMEOUT_MS = 86_400_000;

/** What a worker of an agreement has shown so far. */
export interface JudgedWorker {
  readonly workerId: number;
  readonly operator: string;
  readonly judgement: Judgement;
}

/** An agreement that was bought in place of another. */
export interface Replacement extends BestPurchase {
  /** Workers of the old agreement that the new one has, too. */
  readonly kept: readonly number[];
  /** Workers that only the new agreement has. */
  readonly added: readonly number[];
  /** Bad workers of the old agreement. */
  readonly removed: readonly JudgedWorker[];
  /** Whether the old agreement was told to end. `error`: the new agreement stands, but the old one goes on. */
  readonly old: { readonly terminated: boolean; readonly error?: SprfError };
}

/** Conditions of a replacement. */
export interface ReplaceOptions extends BuyBestOptions {
  /** End the old agreement once the new one is bought; what it does not use comes back to its client. @default false */
  readonly terminate?: boolean | undefined;
}

/**
 * How the workers of an agreement have done, in its order.
 *
 * @throws SprfError `INVALID_INPUT` when the market knows no agreement at this address
 */
export async function judgeAgreement(
  chain: OutcomesChain & Pick<Chain, "agreement">,
  address: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<readonly JudgedWorker[]> {
  const agreement = await requireAgreement(chain, address, options);
  return judge(agreement, await readHistory(chain, agreement, undefined, options));
}

/**
 * Waits until a worker of an agreement is bad; looks with every block.
 *
 * @param timeoutMs @default a day
 * @returns all workers; `undefined` when every epoch is final and nobody was bad
 * @throws SprfError `TIMEOUT`, `INVALID_INPUT` when the market knows no agreement at this address
 */
export async function awaitBadWorker(
  { chain, clock }: { readonly chain: OutcomesChain & Pick<Chain, "agreement" | "blocks">; readonly clock: Clock },
  address: string,
  {
    signal,
    timeoutMs = DEFAULT_WATCH_TIMEOUT_MS,
  }: { signal?: AbortSignal | undefined; timeoutMs?: number | undefined } = {},
): Promise<readonly JudgedWorker[] | undefined> {
  const watch = async (inner: AbortSignal): Promise<readonly JudgedWorker[] | undefined> => {
    let history: AgreementHistory | undefined;
    for await (const _block of chain.blocks({ signal: inner })) {
      // Read anew: an agreement can be extended, and ended early.
      const agreement = await requireAgreement(chain, address, { signal: inner });
      history = await readHistory(chain, agreement, history, { signal: inner });
      const judged = judge(agreement, history);
      if (judged.some(({ judgement }) => judgement.kind === "bad")) return judged;
      const { epochs } = history;
      if (epochs.length === agreement.epochCount && epochs.every(({ final }) => final)) return undefined;
    }
    throw new SprfError("ABORTED", "the chain's blocks ended");
  };
  return await within(watch, { clock, timeoutMs, signal });
}

/**
 * Replaces the bad workers of an agreement: buys another one for the blocks that are left, with the good workers as far as they meet
 * the policy, and others that it chooses; neither the bad ones nor another entry of their operators.
 *
 * @param policy its redundancy, length and application type are the old agreement's unless it says otherwise
 * @returns `undefined` when no worker is bad: nothing was bought
 * @throws SprfError as `buyBest` does, and `INVALID_INPUT` for an agreement that is over or unknown
 */
export async function replaceBadWorkers(
  components: BuyComponents & { readonly chain: OutcomesChain & Pick<Chain, "agreement" | "terminate"> },
  address: string,
  policy: Partial<WorkerPolicy> = {},
  { terminate = false, ...options }: ReplaceOptions = {},
): Promise<Replacement | undefined> {
  const { chain } = components;
  const agreement = await requireAgreement(chain, address, options);
  const judged = judge(agreement, await readHistory(chain, agreement, undefined, options));
  const removed = judged.filter(({ judgement }) => judgement.kind === "bad");
  const [bad] = removed;
  if (bad === undefined) return undefined;
  const good = judged.filter(({ judgement }) => judgement.kind === "good").map(({ workerId }) => workerId);
  const purchase = await buyBest(
    components,
    {
      ...policy,
      redundancy: policy.redundancy ?? agreement.workerIds.length,
      lengthBlocks: policy.lengthBlocks ?? (await blocksLeft(chain, agreement, options)),
      applicationType: policy.applicationType ?? (await chain.worker(bad.workerId, options))?.applicationType,
      keepWorkers: good,
      // An operator has one entry for an application type, so this leaves out the bad workers themselves.
      excludeOperators: [...(policy.excludeOperators ?? []), ...removed.map(({ operator }) => operator)],
    },
    options,
  );
  const now = purchase.workers.map(({ workerId }) => workerId);
  return {
    ...purchase,
    kept: now.filter((workerId) => good.includes(workerId)),
    added: now.filter((workerId) => !good.includes(workerId)),
    removed,
    old: terminate ? await end(chain, address, options) : { terminated: false },
  };
}

/** The new agreement is bought by now: that the old one could not be ended must not hide it. */
async function end(
  chain: Pick<Chain, "terminate">,
  address: string,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<Replacement["old"]> {
  try {
    await chain.terminate(address, { signal });
    return { terminated: true };
  } catch (thrown) {
    const error = isSprfError(thrown) ? thrown : new SprfError("INTERNAL", messageOf(thrown), { cause: thrown });
    return { terminated: false, error };
  }
}

async function blocksLeft(
  chain: Pick<Chain, "blockNumber">,
  { address, startBlock, endBlock }: Agreement,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<number> {
  // The purchase is in the next block at the earliest.
  const from = Math.max(startBlock, (await chain.blockNumber({ signal })) + 1);
  if (from < endBlock) return endBlock - from;
  throw new SprfError("INVALID_INPUT", `${address} ended with block ${endBlock - 1}: nothing is left to buy`);
}

function judge({ workerIds, workerOperators }: Agreement, history: AgreementHistory): readonly JudgedWorker[] {
  const judgements = judgeWorkers(history);
  return workerIds.map((workerId, index) => ({
    workerId,
    operator: workerOperators[index] ?? "",
    judgement: judgements[index] ?? { kind: "good" },
  }));
}

async function requireAgreement(
  chain: Pick<Chain, "agreement">,
  address: string,
  { signal }: { signal?: AbortSignal | undefined },
): Promise<Agreement> {
  const agreement = await chain.agreement(address, { signal });
  if (agreement === undefined) throw new SprfError("INVALID_INPUT", `${address} is no agreement of this market`);
  return agreement;
}
