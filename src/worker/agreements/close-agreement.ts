import { isWorthwhile } from "../../domain/worthwhile.ts";
import { isSprfError } from "../../errors.ts";
import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";
import { EPOCHS_PER_SETTLE, WITHDRAW_GAS } from "./collect-pay.ts";

/** Blocks between the turns of two parties to an agreement. */
const BLOCKS_PER_TURN = 2;
/** Credit that was not worth its gas for so many blocks since the end is given up. */
const PATIENCE_BLOCKS = 50_000;

export interface CloseOptions extends ChainOptions {
  /** The latest block. */
  readonly block: number;
  /** Parties go one after the other, so that they do not all pay for the same transaction: 0 goes first. */
  readonly turn: number;
  /** How many times its gas a withdrawal has to bring. */
  readonly withdrawFactor: number;
}

export interface Closing {
  /** Nothing is left to do for this account. */
  readonly closed: boolean;
  /** It was reported to the market; only credit may be left. */
  readonly finalized: boolean;
  readonly withdrawnWei: bigint;
}

const NOT_YET: Closing = { closed: false, finalized: false, withdrawnWei: 0n };

/**
 * Settles and finalizes an agreement whose epochs are all final, and pulls this account's credit once it is worth the gas. Every
 * step is one that anybody may have taken before; a crash between two of them loses nothing.
 */
export async function closeAgreement(chain: Chain, agreement: Agreement, options: CloseOptions): Promise<Closing> {
  const { signal, block, turn, withdrawFactor: factor } = options;
  const { address, epochCount } = agreement;
  const { finalFrom } = await chain.windowsOf(address, epochCount - 1, { signal });
  if (block < finalFrom) return NOT_YET;

  let state = await chain.agreementState(address, { signal });
  if (state.status !== "finalized" && block < finalFrom + turn * BLOCKS_PER_TURN) return NOT_YET;
  // What is left after that, `finalize` settles itself.
  while (state.status === "due" && epochCount - state.settledEpochs > EPOCHS_PER_SETTLE) {
    await chain.settle(address, EPOCHS_PER_SETTLE, { signal });
    state = await chain.agreementState(address, { signal });
  }
  if (state.status === "due") {
    await unlessDone(chain.finalize(address, { signal }));
    state = await chain.agreementState(address, { signal });
  }
  if (state.status !== "finalized") return NOT_YET;

  const creditWei = await chain.creditWei(address, chain.account, { signal });
  if (creditWei === 0n) return { closed: true, finalized: true, withdrawnWei: 0n };
  const gasPriceWei = await chain.gasPriceWei({ signal });
  if (isWorthwhile(creditWei, { gas: WITHDRAW_GAS, gasPriceWei, factor })) {
    return { closed: true, finalized: true, withdrawnWei: await chain.withdraw(address, { signal }) };
  }
  return { closed: block >= finalFrom + PATIENCE_BLOCKS, finalized: true, withdrawnWei: 0n };
}

/** Another party may have been faster; that is as good. */
async function unlessDone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
  }
}
