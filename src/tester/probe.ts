import { Keypair } from "@stellar/stellar-sdk";

import { payBaseFee } from "../client/pay.ts";
import { walletOf } from "../client/wallet.ts";
import { gasFeeStroops } from "../domain/program/gas.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import type { OwnRuns } from "../domain/verdict/decide-verdict.ts";
import { chooseProbeInput } from "../domain/verdict/choose-probe-input.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { readRecord } from "../execution/read-record.ts";
import { findTip } from "../execution/tip.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { Random } from "../ports/random.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { fromHex, toHex } from "../utils/bytes.ts";
import { within } from "../utils/within.ts";
import type { ExecutionAnswer, SignedAnswer } from "../wire/execution-answer.ts";
import {
  hashRequest,
  signRequest,
  type ExecutionInput,
  type ExecutionRequest,
  type SignedRequest,
} from "../wire/execution-request.ts";
import { askWorker, type AskedWorker, type Patience } from "./ask-worker.ts";
import type { ProbeTrace } from "./duty-store.ts";
import type { OwnRun } from "./own-run.ts";
import type { Purse } from "./purse.ts";
import { repeatRuns } from "../execution/repeat-runs.ts";

const SEED_BYTES = 32;
const VALID_SECONDS = 600;
const MS_PER_SECOND = 1_000;
const MAX_PROBE_GAS = 1_000_000n;
const GAS_PRICE_UNIT = 1_000n;
/** For the fees of the payment, of a fee bump that is never sent, and of giving the rest back. */
const FEES_STROOPS = 1_000_000n;
const INPUT_TIMEOUT_MS = 3_000;
const STATE_LOOKS = 3;
const STATE_PAUSE_MS = 500;

export interface ProbeParts {
  /** The smart account; undefined when the agreement is bound to none. */
  readonly program: string | undefined;
  readonly nonce: Uint8Array;
  /** In the agreement's order. */
  readonly workers: ReadonlyArray<{ readonly ledgerKey: string; readonly messageKey: Uint8Array }>;
  readonly trace: ProbeTrace | undefined;
  /** Stores the trace; nothing is spent before it resolves. */
  readonly keep: (trace: ProbeTrace) => Promise<void>;
  readonly patience: Patience;
  /** Resolves once content can be fetched from a worker, or never will be. */
  readonly connected: Promise<unknown>;
  readonly signal: AbortSignal;
}

/** What one worker said, before it is compared with anything. */
export type WorkerSaid =
  | { readonly kind: "answer"; readonly signed: SignedAnswer; readonly account: SmartAccount | undefined }
  | { readonly kind: "silent"; readonly code: string }
  /** The smart account does not name it. */
  | { readonly kind: "not-named" };

/** What came of probing a program. */
export type ProbeResult =
  | { readonly kind: "none"; readonly reason: string }
  | { readonly kind: "failed"; readonly code: string }
  | {
      readonly kind: "asked";
      readonly engine: SmartAccount["program"]["kind"];
      readonly digest: string | undefined;
      readonly signed: SignedRequest;
      readonly said: readonly WorkerSaid[];
      /** The tester's own runs by the sequence and state that they ran on, see {@link stateKey}. */
      readonly own: ReadonlyMap<string, OwnRuns>;
    };

/** Probes programs as an ordinary user does, without submitting what comes out. */
export type Prober = (parts: ProbeParts) => Promise<ProbeResult>;

export interface ProberComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly workerApi: WorkerApi;
  readonly ownRun: OwnRun;
  readonly purse: Purse;
  /** Connects to the peers that hold the program's content. */
  readonly joinContent?: (program: string, options: { signal: AbortSignal }) => Promise<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ProberInit {
  /** A program that asks for more for one execution is not probed. @default 50,000,000 (5 XLM) */
  readonly budgetStroops?: bigint;
}

const DEFAULT_BUDGET_STROOPS = 50_000_000n;

/** Names the state that a run starts from. */
export function stateKey(at: { readonly sequence: bigint; readonly state: string }): string {
  return `${at.sequence}/${at.state}`;
}

export function createProber(
  components: ProberComponents,
  { budgetStroops = DEFAULT_BUDGET_STROOPS }: ProberInit = {},
): Prober {
  const { ledger, content, clock, random, purse, logger } = components;

  async function probe(parts: ProbeParts, program: string): Promise<ProbeResult> {
    const { signal } = parts;
    const account = await loadUsable(program, signal);
    if (typeof account === "string") return { kind: "none", reason: account };
    const budget = budgetFor(account, budgetStroops);
    if (budget === undefined) return { kind: "none", reason: "TOO_EXPENSIVE" };

    const trace = parts.trace ?? { seed: new Uint8Array(random.bytes(SEED_BYTES)) };
    if (parts.trace === undefined) await parts.keep(trace);
    const user = Keypair.fromRawEd25519Seed(Buffer.from(trace.seed));
    const signed = trace.signed ?? (await pay(parts, account, user, budget));
    if (trace.signed === undefined) await parts.keep({ ...trace, signed });
    const requestHash = hashRequest(signed.request);
    const payment = await ledger.transaction(toHex(signed.paymentHash), { signal });
    if (payment === undefined) throw new SprfError("PAYMENT_NOT_FOUND", "the probe's own payment is not to be found");

    const seen = new Map<string, SmartAccount>();
    const said = await askAll(parts, { signed, requestHash }, program, seen);
    const { kind } = account.program;
    const own = new Map<string, OwnRuns>();
    for (const each of said) {
      if (each.kind !== "answer" || each.account === undefined) continue;
      const key = stateKey(each.account);
      if (own.has(key)) continue;
      const request = { account: each.account, signed, requestHash, payment };
      const answers = said.flatMap((other) => {
        const isOfState = other.kind === "answer" && other.account !== undefined && stateKey(other.account) === key;
        return isOfState ? [other.signed.answer] : [];
      });
      const run = async (): Promise<ExecutionAnswer> => await components.ownRun(request, { signal });
      const { lastCall } = parts.patience;
      own.set(key, await repeatRuns(run, { engine: kind, signed: answers, lastCall, signal }));
    }
    return { kind: "asked", engine: kind, digest: account.image.digest, signed, said, own };
  }

  /** The account, or why no user could use it: then the client bound the agreement to nothing, and nobody else is to blame. */
  async function loadUsable(program: string, signal: AbortSignal): Promise<SmartAccount | string> {
    try {
      return await loadSmartAccount(ledger, program, { signal });
    } catch (error) {
      const code = codeOf(error);
      if (code === "ACCOUNT_NOT_FOUND" || code === "SMART_ACCOUNT_INVALID") return code;
      throw error;
    }
  }

  async function pay(
    parts: ProbeParts,
    account: SmartAccount,
    user: Keypair,
    budget: { readonly maxGas: bigint; readonly spendableStroops: bigint },
  ): Promise<SignedRequest> {
    const { signal } = parts;
    const [input] = await Promise.all([
      chooseInput(parts, account),
      purse.fund(user.publicKey(), budget.spendableStroops, { signal }),
    ]);
    const request: ExecutionRequest = {
      version: 1,
      network: ledger.networkPassphrase,
      program: account.id,
      input,
      user: user.publicKey(),
      nonce: new Uint8Array(parts.nonce),
      maxGas: budget.maxGas,
      validUntil: BigInt(Math.floor(clock.now() / MS_PER_SECOND) + VALID_SECONDS),
    };
    const payment = await payBaseFee(
      { ledger, clock },
      { program: account, wallet: walletOf(user), requestHash: hashRequest(request) },
      { signal },
    );
    return signRequest(request, fromHex(payment.hash), user);
  }

  async function chooseInput(parts: ProbeParts, account: SmartAccount): Promise<ExecutionInput> {
    try {
      return await within(
        async (signal) => {
          const tip = await findTip(ledger, account, { signal });
          await Promise.all([parts.connected, components.joinContent?.(account.id, { signal })]);
          return chooseProbeInput(await readRecord(content, tip.recordCid, { signal }));
        },
        { clock, timeoutMs: INPUT_TIMEOUT_MS, signal: parts.signal },
      );
    } catch (error) {
      if (parts.signal.aborted) throw error;
      logger.debug("the last input cannot be read; probing with none", { program: account.id, code: codeOf(error) });
      return chooseProbeInput(undefined);
    }
  }

  /** Asks those workers again whose answer starts from a state that was not seen yet: it may just have moved. */
  async function askAll(
    parts: ProbeParts,
    question: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
    program: string,
    seen: Map<string, SmartAccount>,
  ): Promise<readonly WorkerSaid[]> {
    const { signal } = parts;
    const look = async (): Promise<SmartAccount> => {
      const account = await loadSmartAccount(ledger, program, { signal });
      seen.set(stateKey(account), account);
      return account;
    };
    const first = await look();
    const said: WorkerSaid[] = parts.workers.map(() => ({ kind: "not-named" }));
    let asked = parts.workers.flatMap(({ ledgerKey, messageKey }, index) => {
      const named = first.workers.find((worker) => worker.ledgerKey === ledgerKey);
      return named === undefined ? [] : [{ index, apiUrl: named.address, ledgerKey, messageKey }];
    });
    for (let turn = 1; asked.length > 0; turn++) {
      await Promise.all(
        asked.map(async ({ index, ...worker }) => {
          said[index] = await hear(worker, question, parts);
        }),
      );
      await look();
      for (const [index, each] of said.entries()) {
        if (each.kind === "answer") said[index] = { ...each, account: seen.get(startOf(each.signed.answer)) };
      }
      if (turn === STATE_LOOKS || parts.patience.lastCall.aborted) break;
      asked = asked.filter(({ index }) => {
        const each = said[index];
        return each?.kind === "answer" && each.account === undefined;
      });
      if (asked.length > 0) await clock.sleep(STATE_PAUSE_MS, { signal });
    }
    return said;
  }

  async function hear(
    worker: AskedWorker,
    question: { readonly signed: SignedRequest; readonly requestHash: Uint8Array },
    { patience, signal }: ProbeParts,
  ): Promise<WorkerSaid> {
    try {
      const signed = await askWorker(components, worker, question, { patience, signal });
      return { kind: "answer", signed, account: undefined };
    } catch (error) {
      if (signal.aborted || isSprfError(error, "OWN_TIME_UP")) throw error;
      return { kind: "silent", code: codeOf(error) };
    }
  }

  return async (parts) => {
    if (parts.program === undefined) return { kind: "none", reason: "NOT_BOUND" };
    try {
      return await probe(parts, parts.program);
    } catch (error) {
      if (parts.signal.aborted) throw error;
      const code = codeOf(error);
      logger.warn("a program cannot be probed from here", { program: parts.program, code });
      return { kind: "failed", code };
    }
  };
}

/** The most gas that the budget buys, and what the probe's account needs to spend; undefined when the program asks too much. */
function budgetFor(
  account: SmartAccount,
  budgetStroops: bigint,
): { readonly maxGas: bigint; readonly spendableStroops: bigint } | undefined {
  const { baseFeeStroops, gasPriceStroops } = account;
  const left = budgetStroops - baseFeeStroops - FEES_STROOPS;
  if (left < 0n) return undefined;
  const affordable = gasPriceStroops === 0n ? MAX_PROBE_GAS : (left * GAS_PRICE_UNIT) / gasPriceStroops;
  if (affordable === 0n) return undefined;
  const maxGas = affordable < MAX_PROBE_GAS ? affordable : MAX_PROBE_GAS;
  return { maxGas, spendableStroops: baseFeeStroops + gasFeeStroops(maxGas, gasPriceStroops) + FEES_STROOPS };
}

function startOf(answer: ExecutionAnswer): string {
  return stateKey({ sequence: answer.sequence, state: answer.previousState });
}

function codeOf(error: unknown): string {
  return isSprfError(error) ? error.code : "INTERNAL";
}
