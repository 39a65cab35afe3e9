import type { ExecuteOptions, ExecutionResult } from "../../src/client/execute.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import type { SprfClient } from "../../src/create-client.ts";
import { SprfError, isSprfError, type ErrorCode } from "../../src/errors.ts";
import type { Chain } from "../../src/ports/chain.ts";
import { abortError } from "../../src/utils/abort.ts";
import type { SignedRequest } from "../../src/wire/execution-request.ts";

/** What a user is told to try again, see `next` in src/errors.ts. */
const TRY_AGAIN: readonly ErrorCode[] = [
  "NO_MAJORITY",
  "WORKER_UNREACHABLE",
  "WORKER_BUSY",
  "CONTENT_NOT_FOUND",
  "HISTORY_UNAVAILABLE",
  "LEDGER_UNREACHABLE",
  "TIMEOUT",
  "PEER_UNREACHABLE",
];
/** And what ends a payment, so that the same input needs a new one: the account moved on too often, or time ran out. */
const PAY_AGAIN: readonly ErrorCode[] = [
  "PAYMENT_USED",
  "PAYMENT_EXPIRED",
  "PAYMENT_NOT_FOUND",
  "REQUEST_EXPIRED",
  "OVERTAKEN",
  "TOO_LATE_TO_LAND",
];

/** How one execution ended; times as `performance.now()` gives them. */
export interface UserExecution {
  readonly program: string;
  readonly input: Uint8Array;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly tries: number;
  readonly payments: number;
  readonly result?: ExecutionResult;
  readonly error?: SprfError;
  /** There was no time left for another try: the agreement is at its end. */
  readonly isOver?: boolean;
}

export interface MarketUserInit {
  readonly client: SprfClient;
  readonly wallet: Wallet;
  readonly program: string;
  readonly chain: Pick<Chain, "blocks">;
  /** The block after which no worker serves the program any more. */
  readonly untilBlock: number;
  /** The user's own process dies, too, once: after this step, and goes on from what it had written down. */
  readonly diesAfter?: DiesAfter | undefined;
}

/** Steps of a request after which it can only be resumed. */
export const DEATHS = ["paid", "answered", "anchored"] as const;

export type DiesAfter = (typeof DEATHS)[number];

/**
 * Runs one input as a patient user does: a request that failed is resumed, one that its payment no longer covers is made anew, until
 * there is a result or the agreement is over.
 */
export async function runPatiently(init: MarketUserInit, input: Uint8Array<ArrayBuffer>): Promise<UserExecution> {
  const { client, wallet, program, chain, untilBlock } = init;
  const startedMs = performance.now();
  let { diesAfter } = init;
  let made: { readonly signed: SignedRequest; readonly payment: string } | undefined;
  let payments = 0;
  for (let tries = 1; ; tries++) {
    const life = new AbortController();
    try {
      const options: ExecuteOptions = {
        signal: life.signal,
        onProgress: (step) => {
          if (step.step === "paying") made = { signed: step.signed, payment: step.payment };
          if (step.step === "paid") payments++;
          if (step.step === diesAfter) life.abort();
        },
      };
      const result =
        made === undefined
          ? await client.execute({ program, input: { bytes: input }, wallet }, options)
          : await client.resume({ ...made, wallet }, options);
      // Nobody was there any more to see it.
      if (life.signal.aborted) throw abortError(life.signal);
      return { program, input, startedMs, endedMs: performance.now(), tries, payments, result };
    } catch (error) {
      if (!isSprfError(error)) throw error;
      if (error.code === "ABORTED") {
        diesAfter = undefined;
        continue;
      }
      if (PAY_AGAIN.includes(error.code)) made = undefined;
      const mayTryAgain = TRY_AGAIN.includes(error.code) || PAY_AGAIN.includes(error.code);
      const isOver = mayTryAgain && (await nextBlock(chain)) >= untilBlock;
      if (isOver || !mayTryAgain) {
        return { program, input, startedMs, endedMs: performance.now(), tries, payments, error, isOver };
      }
    }
  }
}

/** Waits until the chain has grown. */
export async function nextBlock(chain: Pick<Chain, "blocks">): Promise<number> {
  let first: number | undefined;
  for await (const block of chain.blocks()) {
    first ??= block;
    if (block > first) return block;
  }
  throw new SprfError("CHAIN_UNREACHABLE", "the chain's blocks ended");
}
