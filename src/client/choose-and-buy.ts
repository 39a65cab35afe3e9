import type { ChoiceTally } from "../domain/market/choice-tally.ts";
import type { LostWorker } from "../domain/market/choose-workers.ts";
import { explainChoice } from "../domain/market/explain-choice.ts";
import type { FittingWorker } from "../domain/market/rank-workers.ts";
import type { WorkerPolicy } from "../domain/market/worker-policy.ts";
import { SprfError, isSprfError } from "../errors.ts";
import type { Chain, Purchase } from "../ports/chain.ts";
import { chooseFromMarket, type ChooseComponents } from "./choose-workers.ts";
import { refuseDearer } from "./refuse-dearer.ts";

/** Choices that are made at most before a market that changes under the client's hands is left alone. */
const MAX_CHOICES = 5;

/** What the contract says when a chosen worker is no longer to be had as it was. */
const TAKEN: readonly unknown[] = ["WorkerDispatcher_WorkerNotAvailable", "WorkerDispatcher_BadLength"];

export interface BuyComponents extends ChooseComponents {
  readonly chain: Pick<Chain, "workers" | "worker" | "reputationOf" | "quoteWith" | "buyWith">;
}

/** Conditions of a purchase by policy. */
export interface BuyBestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Refuse to pay more for the whole agreement, testers included, in wei. @default the quote */
  readonly maxPriceWei?: bigint | undefined;
}

/** An agreement with the workers that a policy chose. */
export interface BestPurchase extends Purchase {
  /** In the order of the agreement's workers. */
  readonly workers: readonly FittingWorker[];
  readonly tally: ChoiceTally;
  /** Workers that the policy wanted to keep and that failed one of its conditions. */
  readonly lost: readonly LostWorker[];
}

/**
 * Chooses workers by a policy and buys an agreement with them: 3 testers at the default fee. When one was taken, or changed its
 * price, in the meantime, it chooses again.
 *
 * @throws SprfError `NO_MATCH` (message: how many failed which condition; context `tally`), `PURCHASE_REJECTED` when it would cost
 * more than `maxPriceWei` or the market would not stand still, `INVALID_INPUT` for a policy that is none
 */
export async function buyBest(
  components: BuyComponents,
  policy: WorkerPolicy,
  { signal, maxPriceWei }: BuyBestOptions = {},
): Promise<BestPurchase> {
  const { chain } = components;
  let taken: SprfError | undefined;
  for (let choices = 0; choices < MAX_CHOICES; choices++) {
    const choice = await chooseFromMarket(components, policy, { signal });
    const { tally, lost } = choice;
    if (choice.kind === "none") throw new SprfError("NO_MATCH", explainChoice(tally), { context: { tally } });
    const workerIds = choice.workers.map(({ workerId }) => workerId);
    try {
      const quoteWei = await chain.quoteWith(workerIds, policy.lengthBlocks, { signal });
      refuseDearer(quoteWei, maxPriceWei);
      await refuseNewPrices(chain, choice.workers, signal);
      const purchase = await chain.buyWith(workerIds, policy.lengthBlocks, quoteWei, { signal });
      return { ...purchase, workers: choice.workers, tally, lost };
    } catch (error) {
      if (!isTaken(error)) throw error;
      taken = error;
    }
  }
  throw new SprfError("PURCHASE_REJECTED", `${MAX_CHOICES} choices were taken in turn: ${taken?.message ?? ""}`, {
    cause: taken,
  });
}

/** The quote holds what workers ask now; whoever asks more than when it was chosen must not be paid it unnoticed. */
async function refuseNewPrices(
  chain: Pick<Chain, "worker">,
  workers: readonly FittingWorker[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { workerId, pricePerBlockWei } of workers) {
    const now = (await chain.worker(workerId, { signal }))?.pricePerBlockWei;
    if (now === pricePerBlockWei) continue;
    throw new SprfError(
      "PURCHASE_REJECTED",
      `worker ${workerId} asks ${now} wei a block, no longer ${pricePerBlockWei}`,
      {
        context: { market: "moved" },
      },
    );
  }
}

/** True when another choice may be to be had: not for a price above the client's own limit. */
function isTaken(error: unknown): error is SprfError {
  if (isSprfError(error, "CHAIN_REVERTED")) return TAKEN.includes(error.context["error"]);
  if (!isSprfError(error, "PURCHASE_REJECTED")) return false;
  return error.context["market"] === "moved" || error.context["requiredWei"] !== undefined;
}
