import { isWorthwhile } from "../../domain/worthwhile.ts";
import type { Agreement, Chain, ChainOptions } from "../../ports/chain.ts";

/** Epochs that one transaction settles, at most, by the contract. */
export const EPOCHS_PER_SETTLE = 64;
/** Gas as bench/results/gas.json has it, rounded up. */
export const WITHDRAW_GAS = 80_000n;
const SETTLE_GAS = 120_000n;
const SETTLE_GAS_PER_EPOCH = 30_000n;

export interface CollectOptions extends ChainOptions {
  /** The latest block. */
  readonly block: number;
  /** How many times its gas a withdrawal has to bring. */
  readonly withdrawFactor: number;
}

/**
 * Pulls what this account has earned of an agreement so far, once that is worth the gas; epochs that are final are settled first
 * when that pays. Resolves with the wei withdrawn.
 */
export async function collectPay(chain: Chain, agreement: Agreement, options: CollectOptions): Promise<bigint> {
  const { signal, withdrawFactor: factor } = options;
  const { address } = agreement;
  const [creditWei, gasPriceWei, epochs] = await Promise.all([
    chain.creditWei(address, chain.account, { signal }),
    chain.gasPriceWei({ signal }),
    finalEpochs(chain, agreement, options),
  ]);
  const dueWei = epochs.length === 0 ? 0n : await payOf(chain, agreement, epochs, options);
  const settling = SETTLE_GAS + SETTLE_GAS_PER_EPOCH * BigInt(epochs.length);
  if (dueWei > 0n && isWorthwhile(creditWei + dueWei, { gas: WITHDRAW_GAS + settling, gasPriceWei, factor })) {
    await chain.settle(address, epochs.length, { signal });
    return await chain.withdraw(address, { signal });
  }
  if (!isWorthwhile(creditWei, { gas: WITHDRAW_GAS, gasPriceWei, factor })) return 0n;
  return await chain.withdraw(address, { signal });
}

/** Epochs that can be settled now, in their order: one that is not final stops those after it. */
async function finalEpochs(
  chain: Chain,
  { address, epochCount }: Agreement,
  { signal, block }: CollectOptions,
): Promise<readonly number[]> {
  const { settledEpochs } = await chain.agreementState(address, { signal });
  const epochs: number[] = [];
  for (let epoch = settledEpochs; epoch < epochCount && epochs.length < EPOCHS_PER_SETTLE; epoch++) {
    if ((await chain.windowsOf(address, epoch, { signal })).finalFrom > block) break;
    epochs.push(epoch);
  }
  return epochs;
}

/** What this account's workers get for final epochs. */
async function payOf(
  chain: Chain,
  agreement: Agreement,
  epochs: readonly number[],
  { signal }: CollectOptions,
): Promise<bigint> {
  let payWei = 0n;
  for (const epoch of epochs) {
    const outcomes = await chain.outcomesOf(agreement.address, epoch, { signal });
    for (const [index, outcome] of outcomes.entries()) {
      const paid = outcome === "ok" || outcome === "no-quorum";
      if (paid && agreement.workerOperators[index] === chain.account) payWei += epochPayWei(agreement, epoch, index);
    }
  }
  return payWei;
}

/** What a worker gets for an epoch that is paid, in wei. */
export function epochPayWei(agreement: Agreement, epoch: number, workerIndex: number): bigint {
  const { startBlock, endBlock, epochLengthBlocks, pricesPerBlockWei } = agreement;
  const from = startBlock + epoch * epochLengthBlocks;
  const blocks = Math.max(0, Math.min(epochLengthBlocks, endBlock - from));
  return BigInt(blocks) * (pricesPerBlockWei[workerIndex] ?? 0n);
}
