import type { Keypair } from "@stellar/stellar-sdk";

import { TRANSITION_FEE_STROOPS } from "../../domain/program/fee-ladder.ts";
import { gasFeeStroops } from "../../domain/program/gas.ts";
import { nextAttempt, type PastAttempt } from "../../domain/program/next-attempt.ts";
import { checkAmount, checkPayment, checkPaymentHash } from "../../domain/program/payment.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, isSprfError } from "../../errors.ts";
import { conclude } from "../../execution/conclude.ts";
import { findPriceStroops } from "../../execution/find-price.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { planRun } from "../../execution/plan-run.ts";
import type { TipMemory } from "../../execution/tip.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { AccountSnapshot, LandedTransaction, Ledger } from "../../ports/ledger.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Runs } from "../../ports/runs.ts";
import { raceAbort, throwIfAborted } from "../../utils/abort.ts";
import { toHex } from "../../utils/bytes.ts";
import { boundToRequest } from "../../utils/request-scope.ts";
import { within } from "../../utils/within.ts";
import { signAnswer } from "../../wire/execution-answer.ts";
import { verifyRequest, type SignedRequest } from "../../wire/execution-request.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import { createLoad } from "./load.ts";
import { createFailedRuns } from "./failed-runs.ts";
import type { RequestQueue } from "./request-queue.ts";
import type { RestoredGuard } from "./restored.ts";
import type { UsedPayments } from "./used-payments.ts";

const MS_PER_SECOND = 1_000;
/**
 * Longer than any run takes that could still land. A ledger, a peer or a registry that takes connections and never answers would
 * otherwise keep a place in the queue for ever.
 */
const MAX_EXECUTION_MS = 180_000;

export interface ExecuteComponents {
  readonly runs: Runs;
  readonly content: ContentStore;
  readonly ledger: Ledger;
  readonly attempts: Attempts;
  readonly tips?: TipMemory | undefined;
  readonly usedPayments: UsedPayments;
  /** Absent where no store can come from a backup. */
  readonly restored?: RestoredGuard | undefined;
  readonly queue: RequestQueue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keys: { readonly ledgerKey: Keypair; readonly messagePrivateKey: Uint8Array };
  /** Whether an agreement that runs binds this worker to the smart account. */
  serves(program: string): Promise<boolean>;
}

/** A request that may run: its payment, and the account as it was found. */
interface Admitted {
  readonly account: SmartAccount;
  readonly payment: LandedTransaction;
}

export interface ExecuteInit {
  /** Requests that may wait at once; more are refused. */
  readonly maxQueued: number;
  /** Requests are refused while one would wait for longer than this, by what the last ones took. @default any time */
  readonly maxWaitMs?: number | undefined;
}

/** Takes a request from its arrival to the signed answer, checking what is cheap first (design: programs, Execution 3 to 5). */
export function createExecute(
  components: ExecuteComponents,
  { maxQueued, maxWaitMs }: ExecuteInit,
): (signed: SignedRequest, options?: { signal?: AbortSignal | undefined }) => Promise<Attempt> {
  const { clock, keys, ledger, queue } = components;
  const inFlight = new Map<string, Promise<Attempt>>();
  const failedRuns = createFailedRuns({ clock });
  const load = createLoad({ queue, clock }, { maxQueued, maxWaitMs });

  async function admit(
    signed: SignedRequest,
    requestHash: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<Admitted> {
    const { request } = signed;
    const now = Math.floor(clock.now() / MS_PER_SECOND);
    if (request.validUntil <= BigInt(now))
      throw new SprfError("REQUEST_EXPIRED", "the request's validUntil has passed");
    if (request.network !== ledger.networkPassphrase) {
      throw new SprfError("REQUEST_NOT_SERVED", `this worker is on another network than ${request.network}`);
    }
    if (!(await components.serves(request.program))) {
      throw new SprfError("REQUEST_NOT_SERVED", `no running agreement binds this worker to ${request.program}`);
    }
    const [account, payment, user] = await Promise.all([
      loadSmartAccount(ledger, request.program, options),
      ledger.transaction(toHex(signed.paymentHash), options),
      ledger.account(request.user, [], options),
    ]);
    if (!account.workers.some(({ ledgerKey }) => ledgerKey === keys.ledgerKey.publicKey())) {
      throw new SprfError("REQUEST_NOT_SERVED", `${request.program} does not name this worker`);
    }
    if (payment === undefined) {
      throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${toHex(signed.paymentHash)}`);
    }
    checkPaymentHash(payment, signed.paymentHash, ledger.networkPassphrase);
    const paidStroops = checkPayment(payment, {
      network: ledger.networkPassphrase,
      program: request.program,
      user: request.user,
      requestHash,
      baseFeeStroops: 0n,
      now,
    });
    const paid = { request, paidStroops, paidAt: BigInt(payment.closeTime) };
    checkAmount(payment, paidStroops, await findPriceStroops(components, account, paid, options));
    checkFunds(account, user, signed);
    return { account, payment };
  }

  function checkFunds(account: SmartAccount, user: AccountSnapshot | undefined, { request }: SignedRequest): void {
    const needed = gasFeeStroops(request.maxGas, account.gasPriceStroops) + TRANSITION_FEE_STROOPS;
    const has = user?.account.spendableStroops ?? 0n;
    if (has >= needed) return;
    throw new SprfError(
      "FUNDS_TOO_LOW",
      `${request.user}: ${needed} stroops needed for maxGas and fees, ${has} spendable`,
      {
        context: { neededStroops: needed.toString(), spendableStroops: has.toString() },
      },
    );
  }

  async function answer(
    signed: SignedRequest,
    requestHash: Uint8Array,
    { account, payment }: Admitted,
    options: { readonly signal: AbortSignal },
  ): Promise<Attempt> {
    const { request } = signed;
    const landedRecord = await components.usedPayments.check(account, signed.paymentHash, requestHash);
    const attempts = await components.attempts.of(requestHash);
    const past = await Promise.all(attempts.map(async (attempt) => await becameOf(attempt, landedRecord, options)));
    // Another answer than this worker's landed, or one that it was not asked for: the payment buys no further run.
    if (landedRecord !== undefined && !past.some(({ landed }) => landed === "success")) {
      throw new SprfError("PAYMENT_USED", `request ${toHex(requestHash)} landed with another answer`);
    }
    const next = nextAttempt(past, account.sequence);
    if (next.kind === "refuse") throw new SprfError("PAYMENT_USED", `request ${toHex(requestHash)}: ${next.why}`);
    const earlier = next.kind === "repeat" ? attempts[next.index] : undefined;
    if (earlier !== undefined) return earlier;
    if (request.ifState !== undefined && request.ifState !== account.state) {
      throw new SprfError("REQUEST_STATE_MOVED", `the state is ${account.state}, not ${request.ifState}`, {
        context: { state: account.state },
      });
    }

    await components.restored?.check({
      program: request.program,
      sequence: account.sequence,
      paidAt: payment.closeTime,
    });
    const run = { requestHash, sequence: account.sequence, validUntil: request.validUntil };
    failedRuns.check(run);
    const plan = await planRun(components, { account, request, requestHash, payment }, options);
    const outcome = await components.runs.run(plan.run, {
      ...options,
      deadlineMs: Number(request.validUntil) * MS_PER_SECOND,
      onEngineFailure: (error) => failedRuns.note(run, error),
    });
    const { answer: unsigned, transition } = conclude(plan, outcome, signed, ledger.networkPassphrase);
    if (transition !== undefined) await components.content.putRecord(transition.recordBlock, options);
    const transactionHash = transition === undefined ? undefined : new Uint8Array(transition.transaction.hash());
    const attempt: Attempt = {
      signed: signAnswer(unsigned, keys, transactionHash),
      output: new Uint8Array(outcome.output),
      ...(transactionHash === undefined ? {} : { transactionHash }),
      detail: outcome.detail,
    };
    const stored = await keep(attempt);
    if (stored !== attempt) return stored;
    components.logger.info("request answered", {
      request: toHex(requestHash),
      program: request.program,
      sequence: account.sequence.toString(),
      status: unsigned.status,
      newState: unsigned.newState,
    });
    return attempt;
  }

  /** A run that was given up for its time may have ended all the same: what was stored first is the answer. */
  async function keep(attempt: Attempt): Promise<Attempt> {
    try {
      await components.attempts.add(attempt);
      return attempt;
    } catch (error) {
      if (!isSprfError(error, "STORE_CONFLICT")) throw error;
      const { requestHash, sequence } = attempt.signed.answer;
      const past = await components.attempts.of(requestHash);
      const first = past.find(({ signed }) => signed.answer.sequence === sequence);
      if (first === undefined) throw error;
      return first;
    }
  }

  async function becameOf(
    { signed, transactionHash }: Attempt,
    landedRecord: string | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<PastAttempt> {
    const { sequence, recordCid } = signed.answer;
    if (transactionHash === undefined) return { sequence, landed: undefined };
    // The program's records are surer than the service, whose transactions may lag behind its accounts.
    if (recordCid !== undefined && recordCid === landedRecord) return { sequence, landed: "success" };
    const landed = await ledger.transaction(toHex(transactionHash), options);
    return { sequence, landed: landed === undefined ? "no" : landed.successful ? "success" : "failure" };
  }

  /**
   * What can no longer change for this request: the answer that landed, and after its time the last one that changed nothing. It is
   * given again whatever became of the user's funds, the payment's age or the agreement in the meantime.
   */
  async function settledAnswer(
    { request }: SignedRequest,
    requestHash: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<Attempt | undefined> {
    const attempts = await components.attempts.of(requestHash);
    for (const attempt of attempts) {
      if ((await becameOf(attempt, undefined, options)).landed === "success") return attempt;
    }
    const isOver = request.validUntil <= BigInt(Math.floor(clock.now() / MS_PER_SECOND));
    return isOver ? attempts.findLast(({ transactionHash }) => transactionHash === undefined) : undefined;
  }

  async function take(
    signed: SignedRequest,
    requestHash: Uint8Array,
    options: { readonly signal: AbortSignal },
  ): Promise<Attempt> {
    const settled = await settledAnswer(signed, requestHash, options);
    if (settled !== undefined) return settled;
    const admitted = await admit(signed, requestHash, options);
    load.check();
    const waits = queue.pending >= queue.concurrency;
    const work = boundToRequest(async (): Promise<Attempt> => {
      throwIfAborted(options.signal);
      // What waited may find the account moved on, by its own transition too if the others' signatures landed it.
      const account = waits ? await loadSmartAccount(ledger, signed.request.program, options) : admitted.account;
      // Whatever does not heed the signal must not keep its place in the queue.
      return await raceAbort(
        answer(signed, requestHash, { account, payment: admitted.payment }, options),
        options.signal,
      );
    });
    const { program, validUntil } = signed.request;
    const asker = { program, deadlineMs: Number(validUntil) * MS_PER_SECOND };
    return await queue.add(asker, async () => await load.measure(work));
  }

  return async (signed) => {
    const requestHash = verifyRequest(signed);
    const key = toHex(requestHash);
    const running = inFlight.get(key);
    if (running !== undefined) return await running;
    const work = within(async (signal) => await take(signed, requestHash, { signal }), {
      clock,
      timeoutMs: MAX_EXECUTION_MS,
    });
    inFlight.set(key, work);
    try {
      return await work;
    } catch (error) {
      if (!isSprfError(error) || error.fault !== "user") {
        components.logger.warn("request failed", { request: key, error: String(error) });
      }
      throw error;
    } finally {
      inFlight.delete(key);
    }
  };
}
