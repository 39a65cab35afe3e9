import { isSprfError } from "../../errors.ts";
import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";

/** Epochs that one transaction settles; the contract takes no more than 64. */
const EPOCHS_PER_SETTLE = 64;
const WITHDRAW_GAS = 80_000n;
const ASSUMED_GAS_PRICE_WEI = 1_000_000_000n;

/** Less credit than this costs more to withdraw than it is worth. */
const MIN_WITHDRAW_WEI = WITHDRAW_GAS * ASSUMED_GAS_PRICE_WEI;

/** Blocks between the turns of two parties to an agreement. */
const BLOCKS_PER_TURN = 2;

export interface CloseOptions extends ChainOptions {
  /** The latest block. */
  readonly block: number;
  /** Parties go one after the other, so that they do not all pay for the same transaction: 0 goes first. */
  readonly turn: number;
  /** Credit to leave where it is, in wei, until there is more. @default 80,000 gas at 1 gwei */
  readonly minWithdrawWei?: bigint;
}

export interface Closing {
  /** Nothing is left to do for this account. */
  readonly closed: boolean;
  readonly withdrawnWei: bigint;
}

/**
 * Settles and finalizes an agreement whose last epoch is final, and pulls this account's credit. Every step is one that anybody
 * may have taken before; a crash between two of them loses nothing.
 */
export async function closeAgreement(chain: Chain, agreement: Agreement, options: CloseOptions): Promise<Closing> {
  const { signal, block, turn } = options;
  const { address, epochCount } = agreement;
  const { finalFrom } = await chain.windowsOf(address, epochCount - 1, { signal });
  if (block < finalFrom) return { closed: false, withdrawnWei: 0n };

  let state = await chain.agreementState(address, { signal });
  if (state.status !== "finalized" && block < finalFrom + turn * BLOCKS_PER_TURN) {
    return { closed: false, withdrawnWei: 0n };
  }
  while (state.status === "due" && state.settledEpochs < epochCount) {
    await chain.settle(address, EPOCHS_PER_SETTLE, { signal });
    state = await chain.agreementState(address, { signal });
  }
  if (state.status === "due") {
    await unlessDone(chain.finalize(address, { signal }));
    state = await chain.agreementState(address, { signal });
  }
  if (state.status !== "finalized") return { closed: false, withdrawnWei: 0n };

  const credit = await chain.creditWei(address, chain.account, { signal });
  if (credit === 0n || credit < (options.minWithdrawWei ?? MIN_WITHDRAW_WEI)) return { closed: true, withdrawnWei: 0n };
  return { closed: true, withdrawnWei: await chain.withdraw(address, { signal }) };
}

/** Another party may have been faster; that is as good. */
async function unlessDone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
  }
}
