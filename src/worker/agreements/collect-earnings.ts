import type { Chain } from "../../ports/chain.ts";

/** Epochs settled in one transaction. */
const EPOCHS_A_TRANSACTION = 16;

/** Whether the agreement holds nothing more for this account, so that it need not be looked at again. */
export type Collected = "open" | "closed";

/**
 * Does what brings an ended agreement on: settles final epochs, reports it to the dispatcher, withdraws what was earned. Every
 * step may have been taken by anybody else before.
 */
export async function collectEarnings(
  chain: Chain,
  address: string,
  { epochCount }: { readonly epochCount: number },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Collected> {
  const state = await chain.agreementState(address, { signal });
  if (state.status !== "due" && state.status !== "finalized") return "open";
  if (state.status === "due") {
    for (let settled = state.settledEpochs; settled < epochCount; settled += EPOCHS_A_TRANSACTION) {
      await chain.settle(address, EPOCHS_A_TRANSACTION, { signal });
    }
    await chain.finalize(address, { signal });
  }
  const creditWei = await chain.creditWei(address, chain.account, { signal });
  if (creditWei > 0n) await chain.withdraw(address, { signal });
  return "closed";
}
