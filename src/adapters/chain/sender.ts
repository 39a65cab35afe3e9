import { keccak256, type JsonRpcProvider, type TransactionReceipt, type Wallet } from "ethers";
import PQueue from "p-queue";

import { SprfError, isSprfError } from "../../errors.ts";
import type { ChainOptions } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import { abortError, raceAbort, withDeadline } from "../../utils/abort.ts";
import { chainError, isAlreadyKnown, isNonceError, isUnanswered, revertError } from "./errors.ts";
import { bumpedFees, suggestedFees, type Fees } from "./fees.ts";

const NONCE_ATTEMPTS = 5;
/** A transaction that is not mined by then is given up; it may still land. */
const MINED_TIMEOUT_MS = 180_000;
const REBROADCAST_MS = 5_000;
/** A transaction that was not taken into so many blocks offers too little. */
const BUMP_AFTER_BLOCKS = 3;
/** EIP-7825. */
const MAX_TRANSACTION_GAS = 16_777_216n;
const GAS_MARGIN = 50_000n;
const MAX_RECEIPT_INTERVAL_MS = 500;

/** What a contract's `populateTransaction` gives. */
export interface UnsignedCall {
  readonly to: string;
  readonly data: string;
  readonly value?: bigint;
  /** What it may need though an estimate says less: by the time that it is mined it may find another state, or a later time. */
  readonly gasAtLeast?: bigint;
}

/** What is the same in a transaction, whatever fees it offers. */
interface Unpriced extends Omit<UnsignedCall, "gasAtLeast"> {
  readonly nonce: number;
  readonly chainId: bigint;
  readonly gasLimit: bigint;
}

interface Sent {
  readonly transaction: Unpriced;
  readonly fees: Fees;
  readonly raw: string;
  readonly hash: string;
  /** The latest block when it was sent. */
  readonly block: number;
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

  async function broadcast({ gasAtLeast = 0n, ...call }: UnsignedCall, signal: AbortSignal | undefined): Promise<Sent> {
    for (let attempt = 1; ; attempt++) {
      const request = { ...call, from: wallet.address };
      const [pending, fees, estimate, block] = await raceAbort(
        Promise.all([
          provider.getTransactionCount(wallet.address, "pending"),
          suggestedFees(provider),
          provider.estimateGas(request),
          provider.getBlockNumber(),
        ]),
        signal,
      );
      const nonce = inFlight === 0 ? pending : Math.max(pending, nextNonce);
      const { chainId } = await provider.getNetwork();
      const transaction = { ...call, nonce, chainId, gasLimit: gasLimitFor(estimate, gasAtLeast) };
      try {
        const sent = await submit(transaction, fees, block, signal);
        nextNonce = nonce + 1;
        return sent;
      } catch (error) {
        if (!isNonceError(error) || attempt >= NONCE_ATTEMPTS) throw error;
        nextNonce = 0;
      }
    }
  }

  async function submit(
    transaction: Unpriced,
    fees: Fees,
    block: number,
    signal: AbortSignal | undefined,
  ): Promise<Sent> {
    const raw = await wallet.signTransaction({ ...transaction, ...fees });
    try {
      await raceAbort(provider.send("eth_sendRawTransaction", [raw]), signal);
    } catch (error) {
      // Nobody knows whether the node took it: it is waited for, and sent again, as one that was. A second one would pay twice.
      if (!isUnanswered(error)) throw error;
    }
    return { transaction, fees, raw, hash: keccak256(raw), block };
  }

  async function waitUntilMined(first: Sent, signal: AbortSignal): Promise<TransactionReceipt> {
    // Whichever of them is mined, it is the same call with the same nonce.
    const versions = [first];
    let rebroadcastAt = clock.now() + REBROADCAST_MS;
    for (;;) {
      const receipt = await receiptOfAny(versions, signal);
      if (receipt !== null) return receipt;
      if (clock.now() >= rebroadcastAt) {
        await rebroadcast(versions, signal);
        rebroadcastAt = clock.now() + REBROADCAST_MS;
      }
      await clock.sleep(intervalMs, { signal });
    }
  }

  async function receiptOfAny(versions: readonly Sent[], signal: AbortSignal): Promise<TransactionReceipt | null> {
    for (const { hash } of versions.toReversed()) {
      const receipt = await receiptOf(hash, signal);
      if (receipt !== null) return receipt;
    }
    return null;
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

  /** Sends the newest version again, in case the node forgot it, or one that offers more, in case it offers too little. */
  async function rebroadcast(versions: Sent[], signal: AbortSignal): Promise<void> {
    const [first, newest] = [versions.at(0), versions.at(-1)];
    if (first === undefined || newest === undefined) return;
    const { transaction } = newest;
    try {
      const mined = await raceAbort(provider.getTransactionCount(wallet.address, "latest"), signal);
      if (mined > transaction.nonce) {
        if ((await receiptOfAny(versions, signal)) !== null) return;
        throw new SprfError("CHAIN_TRANSACTION_LOST", `transaction ${newest.hash}: its nonce was used by another`, {
          context: { transactionHash: newest.hash },
        });
      }
      const block = await raceAbort(provider.getBlockNumber(), signal);
      const fees =
        block < newest.block + BUMP_AFTER_BLOCKS
          ? undefined
          : bumpedFees(newest.fees, first.fees, await raceAbort(suggestedFees(provider), signal));
      if (fees === undefined) await raceAbort(provider.send("eth_sendRawTransaction", [newest.raw]), signal);
      else versions.push(await submit(transaction, fees, block, signal));
    } catch (error) {
      if (error instanceof SprfError) throw error;
      if (isAlreadyKnown(error) || isNonceError(error)) return;
      const { code } = chainError(error);
      // The account may be able to pay what was offered first, but no more.
      if (code !== "CHAIN_UNREACHABLE" && code !== "CHAIN_FUNDS_TOO_LOW") throw error;
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
function gasLimitFor(estimate: bigint, atLeast: bigint): bigint {
  const generous = (estimate * 3n) / 2n + GAS_MARGIN;
  const wanted = generous > atLeast ? generous : atLeast;
  return wanted > MAX_TRANSACTION_GAS ? MAX_TRANSACTION_GAS : wanted;
}
