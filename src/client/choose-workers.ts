import { createSelection, type LostWorker, type WorkerChoice } from "../domain/market/choose-workers.ts";
import type { WorkerPolicy } from "../domain/market/worker-policy.ts";
import type { Chain } from "../ports/chain.ts";
import type { Random } from "../ports/random.ts";

/** What the contract gives at most. */
const PAGE = 100;
/** No market is read further than this: 100,000 workers, the oldest ones. */
const MAX_PAGES = 1_000;
/** Enough that a distant endpoint does not make a large market slow, few enough for one that limits its users. */
const PAGES_AT_A_TIME = 4;
/** Pasts that are read at a time; each is a few calls, and endpoints refuse too many at once. */
const STANDINGS_AT_A_TIME = 16;

export interface ChooseComponents {
  readonly chain: Pick<Chain, "workers" | "reputationOf">;
  readonly random: Random;
}

/**
 * Chooses workers of the market by a policy. All entries are read, in pages; a worker's past only while it can change the choice.
 *
 * @throws SprfError `INVALID_INPUT` for a policy that is none
 */
export async function chooseFromMarket(
  { chain, random }: ChooseComponents,
  policy: WorkerPolicy,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<WorkerChoice & { readonly lost: readonly LostWorker[] }> {
  const selection = createSelection(policy, random);
  for (let read = 0, more = true; more && read < MAX_PAGES; read += PAGES_AT_A_TIME) {
    const pages = await Promise.all(
      Array.from(
        { length: PAGES_AT_A_TIME },
        async (_, n) => await chain.workers((read + n) * PAGE + 1, PAGE, { signal }),
      ),
    );
    for (const worker of pages.flat()) selection.consider(worker);
    more = pages.every((page) => page.length === PAGE);
  }
  for (;;) {
    const offers = selection.next(STANDINGS_AT_A_TIME);
    if (offers.length === 0) return { ...selection.choice(), lost: selection.lost() };
    const standings = await Promise.all(
      offers.map(async (offer) => ({ offer, standing: await chain.reputationOf(offer.workerId, { signal }) })),
    );
    for (const { offer, standing } of standings) selection.examine(offer, standing);
  }
}
