import type { JsonRpcProvider, TransactionReceipt, Wallet } from "ethers";
import PQueue from "p-queue";

import { SprfError, isSprfError } from "../../errors.ts";
import type { ChainOptions } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import { abortError, raceAbort, withDeadline } from "../../utils/abort.ts";
import { chainError, isAlreadyKnown, isNonceError, revertError } from "./errors.ts";

const NONCE_ATTEMPTS = 5;
/** A transaction that is not mined by then is given up; it may still land. */
const MINED_TIMEOUT_MS = 180_000;
const REBROADCAST_MS = 5_000;
/** EIP-7825. */
const MAX_TRANSACTION_GAS = 16_777_216n;
const GAS_MARGIN = 50_000n;
const MAX_RECEIPT_INTERVAL_MS = 500;

/** What a contract's `populateTransaction` gives. */
export interface UnsignedCall {
  readonly to: string;
  readonly data: string;
  readonly value?: bigint;
}

interface Sent {
  readonly raw: string;
  readonly hash: string;
  readonly nonce: number;
}

export interface SenderParts {
  readonly provider: JsonRpcProvider;
  readonly wallet: Wallet;
  readonly clock: Clock;
  readonly pollingIntervalMs: number;
}

/** Sends one account's transactions: nonces are given out one at a time, waiting for blocks happens side by side. */
export function createSender(parts: SenderParts): {
  send(call: () => Promise<UnsignedCall>, options?: ChainOptions): Promise<TransactionReceipt>;
} {
  const { provider, wallet, clock } = parts;
  const queue = new PQueue({ concurrency: 1 });
  const intervalMs = Math.min(parts.pollingIntervalMs, MAX_RECEIPT_INTERVAL_MS);
  // Nodes behind a balancer may not know yet what was just sent; what was given out here counts until all of it is mined.
  let nextNonce = 0;
  let inFlight = 0;

  async function broadcast(call: UnsignedCall, signal: AbortSignal | undefined): Promise<Sent> {
    for (let attempt = 1; ; attempt++) {
      const request = { ...call, from: wallet.address };
      const [pending, fees, estimate] = await raceAbort(
        Promise.all([
          provider.getTransactionCount(wallet.address, "pending"),
          provider.getFeeData(),
          provider.estimateGas(request),
        ]),
        signal,
      );
      const nonce = inFlight === 0 ? pending : Math.max(pending, nextNonce);
      const raw = await wallet.signTransaction({
        ...call,
        nonce,
        chainId: (await provider.getNetwork()).chainId,
        gasLimit: gasLimitFor(estimate),
        ...(fees.maxFeePerGas === null
          ? { type: 0, gasPrice: fees.gasPrice }
          : { type: 2, maxFeePerGas: fees.maxFeePerGas, maxPriorityFeePerGas: fees.maxPriorityFeePerGas }),
      });
      try {
        const hash = (await raceAbort(provider.send("eth_sendRawTransaction", [raw]), signal)) as string;
        nextNonce = nonce + 1;
        return { raw, hash, nonce };
      } catch (error) {
        if (!isNonceError(error) || attempt >= NONCE_ATTEMPTS) throw error;
        nextNonce = 0;
      }
    }
  }

  async function waitUntilMined(sent: Sent, signal: AbortSignal): Promise<TransactionReceipt> {
    let rebroadcastAt = clock.now() + REBROADCAST_MS;
    for (;;) {
      const receipt = await receiptOf(sent.hash, signal);
      if (receipt !== null) return receipt;
      if (clock.now() >= rebroadcastAt) {
        await rebroadcast(sent, signal);
        rebroadcastAt = clock.now() + REBROADCAST_MS;
      }
      await clock.sleep(intervalMs, { signal });
    }
  }

  async function receiptOf(hash: string, signal: AbortSignal): Promise<TransactionReceipt | null> {
    try {
      return await raceAbort(provider.getTransactionReceipt(hash), signal);
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      // A node that is away may come back before the deadline.
      if (isSprfError(chainError(error), "CHAIN_UNREACHABLE")) return null;
      throw error;
    }
  }

  async function rebroadcast(sent: Sent, signal: AbortSignal): Promise<void> {
    try {
      const mined = await raceAbort(provider.getTransactionCount(wallet.address, "latest"), signal);
      if (mined > sent.nonce && (await receiptOf(sent.hash, signal)) === null) {
        throw new SprfError("CHAIN_TRANSACTION_LOST", `transaction ${sent.hash}: its nonce was used by another`, {
          context: { transactionHash: sent.hash },
        });
      }
      await raceAbort(provider.send("eth_sendRawTransaction", [sent.raw]), signal);
    } catch (error) {
      if (error instanceof SprfError) throw error;
      if (isAlreadyKnown(error) || isNonceError(error)) return;
      if (!isSprfError(chainError(error), "CHAIN_UNREACHABLE")) throw error;
    }
  }

  async function failureOf(call: UnsignedCall, receipt: TransactionReceipt): Promise<SprfError> {
    try {
      // The state before its block is the nearest that can be asked for; it mostly fails there in the same way.
      await provider.call({ ...call, from: wallet.address, blockTag: receipt.blockNumber });
    } catch (error) {
      const reason = chainError(error);
      if (reason.code === "CHAIN_REVERTED") return reason;
    }
    return revertError("0x");
  }

  return {
    async send(makeCall, { signal } = {}) {
      try {
        const call = await makeCall();
        const sent = await queue.add(
          async () => {
            const result = await broadcast(call, signal);
            inFlight++;
            return result;
          },
          signal === undefined ? {} : { signal },
        );
        try {
          const receipt = await waitUntilMined(sent, withDeadline(signal, MINED_TIMEOUT_MS));
          if (receipt.status === 1) return receipt;
          throw await failureOf(call, receipt);
        } finally {
          inFlight--;
        }
      } catch (error) {
        const known = chainError(error, signal);
        if (known.code !== "CHAIN_FUNDS_TOO_LOW") throw known;
        const words = `account ${wallet.address} cannot pay the value and gas of the transaction`;
        throw new SprfError("CHAIN_FUNDS_TOO_LOW", words, { cause: known });
      }
    },
  };
}

/** Draws depend on the block they land in, so a transaction may need more gas than its estimate. */
function gasLimitFor(estimate: bigint): bigint {
  const generous = (estimate * 3n) / 2n + GAS_MARGIN;
  return generous > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : generous;
}
