import type PQueue from "p-queue";

import { chooseInputs } from "../../domain/program/batch.ts";
import { creditsAfter } from "../../domain/program/credits.ts";
import { proposerAt, turnMs } from "../../domain/program/proposer.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import { baseOfAccount, type BatchBase } from "../../execution/batch-base.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { runBatch, type RunInput } from "../../execution/run-batch.ts";
import type { RunComponents } from "../../execution/run-program.ts";
import type { Startable } from "../../ports/startable.ts";
import type { Store } from "../../ports/store.ts";
import { toHex } from "../../utils/bytes.ts";
import type { BatchProposal, BatchVerdict } from "../../wire/batch-proposal.ts";
import { verifyRequest, type SignedRequest } from "../../wire/execution-request.ts";
import type { Attempt } from "../executions/attempts.ts";
import { checkPrepaidForm, findPrepayment, hasWaitedTooLong } from "./check-prepaid.ts";
import { DEFAULT_BATCH_TIMING, type BatchComponents, type BatchTiming } from "./components.ts";
import { createEndorse, isOverdue } from "./endorse.ts";
import { createOwnBatches } from "./own-batches.ts";
import { createPendingInputs, type WaitingInput } from "./pending-inputs.ts";
import { createProposer } from "./propose.ts";
import { createSetAside } from "./set-aside.ts";
import { settleLanded } from "./settle-landed.ts";
import { createSharedRuns } from "./shared-runs.ts";
import { createTurns } from "./turns.ts";
import { createWaitingCalls } from "./waiting-calls.ts";

/** Requests of one program that may wait at once; more are refused. */
const MAX_WAITING = 500;

/** Between two looks at a program whose looks fail. */
const MAX_DELAY_MS = 10_000;

type Shared = Omit<BatchComponents, "pending" | "ownBatches" | "runs" | "setAside" | "turns" | "timing" | "logger">;

export interface BatchesInit extends Shared, RunComponents {
  readonly logger: BatchComponents["logger"];
  readonly store: Store;
  /** Where runs wait for their turn, those of the direct form too. */
  readonly queue: PQueue;
  /** @default {@link DEFAULT_BATCH_TIMING} */
  readonly timing?: Partial<BatchTiming>;
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
  /** Looks after a program until nothing of it is left to do. */
  follow(program: string): void;
  /** What was paid for the requests to a program that wait here. */
  waitingStroops(program: string): bigint;
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
    const work = lookAfter(program).finally(() => {
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
        if (!(await look(program, seen))) return;
        delayMs = timing.pollMs;
      } catch (error) {
        if (life.signal.aborted || (isNoProgram(error) && pending.of(program).length === 0)) return;
        logger.warn("a program's batches cannot be seen to", { program, reason: messageOf(error) });
        delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
      }
      await clock.sleep(delayMs, { signal: life.signal }).catch(() => undefined);
    }
  }

  /** One look at a program. Resolves with false when nothing of it is left to do. */
  async function look(program: string, seen: Seen): Promise<boolean> {
    const { signal } = life;
    const account = await loadSmartAccount(ledger, program, { signal });
    await settleLanded(components, account, { signal, onAnswer: (hash, attempt) => calls.tell(hash, attempt) });
    await forgetOld(program);
    if (seen.sequence !== account.sequence) {
      seen.base = await baseOfAccount(components, account, { signal });
      seen.sequence = account.sequence;
      seen.idleSinceMs = clock.now();
      await components.runs.moveOn(program, account);
      await components.ownBatches.prune(program, account.sequence - 1n);
    }
    const { base } = seen;
    const waiting = pending.of(program);
    if (base === undefined || !account.workers.some(({ ledgerKey }) => ledgerKey === own)) return waiting.length > 0;
    const runnable = waiting.filter(({ requestHash }) => !setAside.has(requestHash));
    const owes = creditsAfter(base.previousRecord).length > 0;
    if (waiting.length > 0) seen.idleSinceMs = clock.now();
    const refundNow = owes && (isOverdue(base, clock.now()) || clock.now() - seen.idleSinceMs >= timing.refundAfterMs);
    turns.see(program, { sequence: account.sequence, hasWork: runnable.length > 0 || refundNow });
    if (runnable.length > 0 || refundNow) await takeTurn(account, base, { runnable, refundNow });
    return waiting.length > 0 || (owes && !isHopelessRefund(base, clock.now() - seen.idleSinceMs));
  }

  /** Users whose accounts are gone are not waited for; what they are owed is looked at again when the program is used again. */
  function isHopelessRefund(base: BatchBase, idleMs: number): boolean {
    return idleMs > timing.refundAfterMs + 2 * timing.proposerTimeoutMs * Math.max(1, base.failed);
  }

  async function takeTurn(
    account: SmartAccount,
    base: BatchBase,
    { runnable, refundNow }: { readonly runnable: readonly WaitingInput[]; readonly refundNow: boolean },
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

  async function forgetOld(program: string): Promise<void> {
    const old = pending.of(program).filter((input) => hasWaitedTooLong(input, clock.now()));
    await pending.remove(old);
    for (const { requestHash } of old) {
      logger.warn("a prepaid request has waited too long", { request: requestHash });
      calls.fail(requestHash, new SprfError("PAYMENT_EXPIRED", "the request could not be run in time"));
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
    if (pending.of(program).length >= MAX_WAITING) {
      throw new SprfError("WORKER_BUSY", `${MAX_WAITING} requests are waiting already`);
    }
    const input = await findPrepayment(components, account, { signed, requestHash });
    await pending.add([{ ...input, requestHash: toHex(requestHash), takenAtMs: clock.now() }]);
  }

  return {
    async execute(signed) {
      checkPrepaidForm(signed, ledger.networkPassphrase);
      const requestHash = verifyRequest(signed);
      const [earlier] = await attempts.of(requestHash);
      if (earlier !== undefined) return earlier;
      if (pending.get(toHex(requestHash)) === undefined) await take(signed, requestHash);
      follow(signed.request.program);
      if (setAside.isHopeless(toHex(requestHash))) {
        throw new SprfError("INPUT_FAILED", "the program cannot be run on this input here");
      }
      return await calls.wait(toHex(requestHash), async () => (await attempts.of(requestHash))[0]);
    },
    endorse: async (proposal) => await endorse(proposal, { signal: life.signal }),
    follow,
    waitingStroops: (program) => pending.of(program).reduce((sum, { paidStroops }) => sum + paidStroops, 0n),
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
