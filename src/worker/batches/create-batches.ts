import { chooseInputs, type PaidInput } from "../../domain/program/batch.ts";
import { creditsAfter } from "../../domain/program/credits.ts";
import { proposerAt, turnMs } from "../../domain/program/proposer.ts";
import { returnInput } from "../../domain/program/return.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import { baseOfAccount, type BatchBase } from "../../execution/batch-base.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { runBatch, type RunInput } from "../../execution/run-batch.ts";
import type { Runs } from "../../ports/runs.ts";
import type { Startable } from "../../ports/startable.ts";
import type { Store } from "../../ports/store.ts";
import { toHex } from "../../utils/bytes.ts";
import { inRequest, outsideRequests } from "../../utils/request-scope.ts";
import type { BatchProposal, BatchVerdict } from "../../wire/batch-proposal.ts";
import { verifyRequest, type SignedRequest } from "../../wire/execution-request.ts";
import type { RequestQueue } from "../executions/request-queue.ts";
import type { Attempt } from "../executions/attempts.ts";
import { checkPrepaidForm, findPrepayment, findReturnable, isForfeited, isOver } from "./check-prepaid.ts";
import { DEFAULT_BATCH_TIMING, type BatchComponents, type BatchTiming } from "./components.ts";
import { createEndorse, isOverdue } from "./endorse.ts";
import { createOwnBatches } from "./own-batches.ts";
import { payableOf } from "./payable.ts";
import { createPendingInputs, type WaitingInput } from "./pending-inputs.ts";
import { createProposer } from "./propose.ts";
import { createSetAside } from "./set-aside.ts";
import { settleLanded } from "./settle-landed.ts";
import { createSharedRuns } from "./shared-runs.ts";
import { createTurns } from "./turns.ts";
import { createWaitingCalls } from "./waiting-calls.ts";

/** Requests of one program that may wait at once; more are refused. */
const MAX_WAITING = 500;

/** A payment that cannot buy a run for these reasons is given back when its time is over. */
const WORTH_GIVING_BACK = ["PAYMENT_EXPIRED", "PAYMENT_TOO_LOW", "REQUEST_EXPIRED"] as const;

/** A ledger's time is that of its last close. */
const LEDGER_LAG_SECONDS = 15;

/** Between two looks at a program whose looks fail. */
const MAX_DELAY_MS = 10_000;

type Shared = Omit<BatchComponents, "pending" | "ownBatches" | "runs" | "setAside" | "turns" | "timing" | "logger">;

export interface BatchesInit extends Shared {
  readonly runs: Runs;
  readonly logger: BatchComponents["logger"];
  readonly store: Store;
  /** Where runs wait for their turn, those of the direct form too. */
  readonly queue: Pick<RequestQueue, "add">;
  /** @default {@link DEFAULT_BATCH_TIMING} */
  readonly timing?: Partial<BatchTiming>;
  /** A proposal has an id in the logs of all who sign it. @default none */
  readonly newRequestId?: (() => string) | undefined;
}

/** The prepaid form of executions: requests wait in order, and the workers take turns in proposing batches of them. */
export interface Batches extends Startable {
  /**
   * Takes a prepaid request and resolves with this worker's answer once the batch that holds it has landed.
   *
   * @throws SprfError `BATCH_PENDING` when that takes longer than a call may: it is kept, and asking again waits on; what is wrong
   * with the request or its payment
   */
  execute(signed: SignedRequest): Promise<Attempt>;
  /** Runs what another worker proposes, and signs its transaction. */
  endorse(proposal: BatchProposal): Promise<BatchVerdict>;
  /** What was paid for the requests of a program that wait, and for those that are to be given back. */
  waitingStroops(program: string): bigint;
  /** Looks after a program until nothing of it is left to do. */
  follow(program: string): void;
}

export function createBatches(init: BatchesInit): Batches {
  const { clock, ledger, logger, store } = init;
  const timing = { ...DEFAULT_BATCH_TIMING, ...init.timing };
  const life = new AbortController();
  const components: BatchComponents = {
    ...init,
    timing,
    pending: createPendingInputs(store),
    ownBatches: createOwnBatches(store),
    runs: createSharedRuns(init),
    setAside: createSetAside(clock),
    turns: createTurns(clock, timing),
  };
  const { attempts, pending, setAside, turns } = components;
  const proposer = createProposer(components);
  const endorse = createEndorse(components, { onTaken: follow });
  const own = init.keys.ledgerKey.publicKey();
  const following = new Map<string, Promise<void>>();
  const anticipating = new Map<string, Promise<void>>();
  const calls = createWaitingCalls(clock, { signal: life.signal });
  let starting: Promise<void> | undefined;

  function follow(program: string): void {
    if (life.signal.aborted || following.has(program)) return;
    const work = outsideRequests(async () => await lookAfter(program)).finally(() => {
      following.delete(program);
      // What came while it ended is looked after anew.
      if (pending.of(program).length > 0) follow(program);
    });
    following.set(program, work);
  }

  async function lookAfter(program: string): Promise<void> {
    const seen: Seen = { sequence: undefined, base: undefined, idleSinceMs: clock.now() };
    let delayMs = timing.pollMs;
    while (!life.signal.aborted) {
      try {
        const id = init.newRequestId?.();
        const work = async (): Promise<boolean> => await look(program, seen);
        if (!(await (id === undefined ? work() : inRequest(id, work)))) return;
        delayMs = timing.pollMs;
      } catch (error) {
        if (life.signal.aborted || (isNoProgram(error) && pending.of(program).length === 0)) return;
        if (isSprfError(error, "HISTORY_BROKEN")) return await giveUp(program, error);
        logger.warn("a program's batches cannot be seen to", { program, reason: messageOf(error) });
        delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
      }
      await clock.sleep(delayMs, { signal: life.signal }).catch(() => undefined);
    }
  }

  /** Nothing of the program can land any more, not even what would give back its users' payments. */
  async function giveUp(program: string, error: SprfError): Promise<void> {
    const lost = pending.of(program);
    logger.error("a program cannot go on", { program, requests: lost.length, reason: error.message });
    await pending.remove(lost);
    for (const { requestHash } of lost) calls.fail(requestHash, error);
  }

  /** One look at a program. Resolves with false when nothing of it is left to do. */
  async function look(program: string, seen: Seen): Promise<boolean> {
    const { signal } = life;
    const account = await loadSmartAccount(ledger, program, { signal });
    await settleLanded(components, account, { signal, onAnswer: (hash, attempt) => calls.tell(hash, attempt) });
    await tellExpired(program);
    if (seen.sequence !== account.sequence) {
      seen.base = await baseOfAccount(components, account, { signal });
      seen.sequence = account.sequence;
      seen.idleSinceMs = clock.now();
      components.runs.moveOn(program, account.sequence);
      await components.ownBatches.prune(program, account.sequence - 1n);
    }
    const { base } = seen;
    const kept = pending.of(program);
    if (base === undefined || !account.workers.some(({ ledgerKey }) => ledgerKey === own)) return kept.length > 0;
    const waiting = kept.filter((input) => !isOver(input, clock.now()));
    const over = kept.filter((input) => isOver(input, clock.now(), LEDGER_LAG_SECONDS));
    const overdue = over.filter((input) => returnInput(input, base.terms.baseFeeStroops) !== undefined);
    // The base fee is all that was paid.
    if (over.length > overdue.length) await pending.remove(over.filter((input) => !overdue.includes(input)));
    const able = waiting.filter(({ requestHash }) => !setAside.has(requestHash));
    const runnable = await payableOf(components, account, able, { signal });
    const owes = creditsAfter(base.previousRecord).length > 0;
    if (waiting.length > 0) seen.idleSinceMs = clock.now();
    const refundNow = owes && (isOverdue(base, clock.now()) || clock.now() - seen.idleSinceMs >= timing.refundAfterMs);
    const hasWork = runnable.length > 0 || refundNow || overdue.length > 0;
    turns.see(program, { sequence: account.sequence, hasWork });
    if (hasWork) await takeTurn(account, base, { runnable, refundNow, overdue });
    return kept.length > 0 || (owes && !isHopelessRefund(base, clock.now() - seen.idleSinceMs));
  }

  /** Users whose accounts are gone are not waited for; what they are owed is looked at again when the program is used again. */
  function isHopelessRefund(base: BatchBase, idleMs: number): boolean {
    return idleMs > timing.refundAfterMs + 2 * timing.proposerTimeoutMs * Math.max(1, base.failed);
  }

  async function takeTurn(
    account: SmartAccount,
    base: BatchBase,
    {
      runnable,
      refundNow,
      overdue,
    }: {
      readonly runnable: readonly WaitingInput[];
      readonly refundNow: boolean;
      readonly overdue: readonly WaitingInput[];
    },
  ): Promise<void> {
    const { workers, sequence } = account;
    const round = turns.round(account.id, sequence, workers.length);
    if (round === undefined || workers[proposerAt(sequence, round, workers.length)]?.ledgerKey !== own) {
      anticipate(base, runnable);
      return;
    }
    const parts = {
      account,
      base,
      turnMs: turnMs(round, timing.proposerTimeoutMs, workers.length),
      signal: life.signal,
    };
    // They cost no run, and have waited longest.
    if (overdue.length > 0 && (await proposer.giveBack({ ...parts, overdue }))) return;
    if (refundNow && (await proposer.refund(parts))) return;
    if (runnable.length > 0) await proposer.batch({ ...parts, waiting: runnable });
  }

  /** Runs what will be proposed while somebody else does: the proposal then finds the runs made. */
  function anticipate(base: BatchBase, runnable: readonly WaitingInput[]): void {
    const { program } = base;
    if (anticipating.has(program) || runnable.length === 0) return;
    const inputs = chooseInputs(runnable);
    const run: RunInput = async (plan, options) => await components.runs.run(plan, options);
    const goesOn = (): boolean => components.runs.tookMs(program) < timing.budgetMs;
    const work = runBatch(base, { inputs, validUntil: 0n, run }, { signal: life.signal, goesOn })
      .then(
        () => undefined,
        (error: unknown) => {
          if (isSprfError(error, "INPUT_FAILED")) setAside.fail(String(error.context["requestHash"]));
          logger.debug("what will be proposed cannot be run yet", { program, reason: messageOf(error) });
        },
      )
      .finally(() => anticipating.delete(program));
    anticipating.set(program, work);
  }

  /** Requests whose time is over stay until their payments are given back, or nobody can tell any more that they were not used. */
  async function tellExpired(program: string): Promise<void> {
    const kept = pending.of(program);
    for (const input of kept) if (isOver(input, clock.now())) calls.fail(input.requestHash, expired(input));
    const forfeited = kept.filter((input) => isForfeited(input, clock.now()));
    await pending.remove(forfeited);
    for (const { requestHash } of forfeited) {
      logger.warn("the payment of a prepaid request could not be given back", { request: requestHash });
    }
  }

  async function take(signed: SignedRequest, requestHash: Uint8Array): Promise<void> {
    const { program } = signed.request;
    if (!(await init.serves(program))) {
      throw new SprfError("REQUEST_NOT_SERVED", `no running agreement binds this worker to ${program}`);
    }
    const account = await loadSmartAccount(ledger, program);
    if (!account.workers.some(({ ledgerKey }) => ledgerKey === own)) {
      throw new SprfError("REQUEST_NOT_SERVED", `${program} does not name this worker`);
    }
    const kept = pending.of(program);
    const over = kept.filter((input) => isOver(input, clock.now())).length;
    if (kept.length - over >= MAX_WAITING) {
      throw new SprfError("WORKER_BUSY", `${MAX_WAITING} requests are waiting already`);
    }
    const parts = { signed, requestHash };
    const { signal } = life;
    const input = await findPrepayment(components, account, parts, { signal }).catch(async (error: unknown) => {
      if (over >= MAX_WAITING || !WORTH_GIVING_BACK.some((code) => isSprfError(error, code))) throw error;
      const unused = await findUnused(account, parts);
      if (!isOver(unused, clock.now())) throw error;
      return unused;
    });
    await pending.add([{ ...input, requestHash: toHex(requestHash), takenAtMs: clock.now() }]);
  }

  /** The payment of a request that cannot be run, if it bought nothing. */
  async function findUnused(
    account: SmartAccount,
    parts: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
  ): Promise<PaidInput> {
    const input = await findReturnable(components, account, parts);
    const { paymentHash } = parts.signed;
    const paidAt = Number(input.payment.closeTime);
    const recordCid = await components.usedPayments.boughtBy(account, paymentHash, { paidAt });
    if (recordCid === undefined) return input;
    throw new SprfError("PAYMENT_USED", `payment ${toHex(paymentHash)} was used or given back by record ${recordCid}`);
  }

  return {
    async execute(signed) {
      checkPrepaidForm(signed, ledger.networkPassphrase);
      const requestHash = verifyRequest(signed);
      const [earlier] = await attempts.of(requestHash);
      if (earlier !== undefined) return earlier;
      if (pending.get(toHex(requestHash)) === undefined) await take(signed, requestHash);
      follow(signed.request.program);
      const taken = pending.get(toHex(requestHash));
      if (taken !== undefined && isOver(taken, clock.now())) throw expired(taken);
      if (setAside.isHopeless(toHex(requestHash))) {
        throw new SprfError("INPUT_FAILED", "the program cannot be run on this input here");
      }
      return await calls.wait(toHex(requestHash), async () => (await attempts.of(requestHash))[0]);
    },
    endorse: async (proposal) => await endorse(proposal, { signal: life.signal }),
    waitingStroops: (program) => pending.of(program).reduce((sum, { paidStroops }) => sum + paidStroops, 0n),
    follow,
    async start() {
      starting ??= pending.load().then(() => pending.programs().forEach(follow));
      await starting;
    },
    async stop() {
      life.abort();
      await Promise.all([...following.values(), ...anticipating.values()]);
    },
  };
}

function expired({ requestHash }: WaitingInput): SprfError {
  return new SprfError(
    "PAYMENT_EXPIRED",
    `request ${requestHash} was not run in time: what was paid, less the base fee, is given back`,
  );
}

function isNoProgram(error: unknown): boolean {
  return isSprfError(error, "ACCOUNT_NOT_FOUND") || isSprfError(error, "SMART_ACCOUNT_INVALID");
}

/** What the last look at a program saw. */
interface Seen {
  sequence: bigint | undefined;
  base: BatchBase | undefined;
  /** Since when nothing has waited on this sequence. */
  idleSinceMs: number;
}
