import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";

/**
 * The agreements that named a worker, newest first, down to the one after number `downTo`: each has the number of the one before,
 * and the market has the number of the newest.
 */
export async function* walkAgreements(
  chain: Chain,
  workerId: number,
  downTo: number,
  options: ChainOptions = {},
): AsyncGenerator<Agreement, void, undefined> {
  let number = (await chain.worker(workerId, options))?.lastAgreement ?? 0;
  while (number > downTo) {
    const agreement = await chain.agreement(await chain.agreementAt(number, options), options);
    const index = agreement?.workerIds.indexOf(workerId) ?? -1;
    // The chain was re-organised between two reads; the next walk sees it whole.
    if (agreement === undefined || index === -1) return;
    yield agreement;
    number = agreement.previousAgreements[index] ?? 0;
  }
}
