import { Keypair, type OperationRecord } from "@stellar/stellar-sdk";

import { innerTransactionOf, memoHashOf } from "../../../src/domain/program/envelope.ts";
import { ENTRY, majorityOf } from "../../../src/domain/program/smart-account.ts";
import { parseXlm } from "../../../src/domain/program/stroops.ts";
import type { ClosedLedger } from "../../../src/devnet/stellar/ledger/close-ledger.ts";
import { TOTAL_COINS_STROOPS } from "../../../src/devnet/stellar/ledger/parameters.ts";
import { isSuccess } from "../../../src/devnet/stellar/ledger/results.ts";
import { feeSourceOf } from "../../../src/devnet/stellar/ledger/transaction.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import type { SubmitResult } from "../../../src/ports/ledger.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import type { BatchProposal } from "../../../src/wire/batch-proposal.ts";
import { recordCidFromHash, recordCidOf } from "../../../src/wire/canonical.ts";
import type { ExecutionAnswer } from "../../../src/wire/execution-answer.ts";
import type { AnswerWithOutput } from "../../../src/wire/execution-json.ts";
import { decodeRecord } from "../../../src/wire/record.ts";
import type { SimulatedLedger } from "./ledger.ts";
import type { Trace } from "./trace.ts";
import type { SimulatedWorker } from "./worker.ts";

/** A transition that landed. */
export interface LandedTransition {
  readonly program: string;
  readonly recordCid: string;
  readonly newState: string;
}

/** What a ledger did to a program's balance, in order. */
export type MoneyEvent =
  | { readonly kind: "in"; readonly stroops: bigint }
  /** A transaction of the program, with what it paid to whom. */
  | {
      readonly kind: "own";
      readonly recordCid: string;
      readonly payments: readonly { readonly to: string; readonly stroops: bigint }[];
    };

/** Watches a simulation from outside and remembers each breach of the invariants of `programs.md`. */
export interface Watch {
  readonly breaches: readonly string[];
  /** In the order of the ledger. */
  readonly landed: readonly LandedTransition[];
  readonly signedAnswers: number;
  /** What came in and went out of a program since `begin`. */
  moneyOf(program: string): readonly MoneyEvent[];
  /** What was paid for a request (hash in hex); undefined when nothing was. */
  paidFor(request: string): bigint | undefined;
  /** Notes all balances; from here on only payments and fees may move them. */
  begin(parts: { readonly programs: readonly string[]; readonly workers: readonly SimulatedWorker[] }): void;
  /** A worker's engine made one state of another. */
  ran(worker: number, sequence: string, before: string, after: string): void;
  answered(worker: number, answer: AnswerWithOutput): void;
  /** A worker signed what another one proposed. */
  endorsed(worker: number, proposal: BatchProposal): void;
  submitted(who: string, result: SubmitResult): void;
  breach(what: string): void;
  /** Resolves when what landed last has been looked at. */
  settled(): Promise<void>;
}

/** What a worker signed of a run. */
type CheckedRun = Pick<ExecutionAnswer, "sequence" | "previousState" | "newState" | "status">;

/** Refusals for signatures: too few, too many, or of strangers. */
const WRONG_SIGNATURES: ReadonlySet<string> = new Set(["tx_bad_auth", "tx_bad_auth_extra"]);

export function createWatch(ledger: SimulatedLedger, trace: Trace): Watch {
  const { port, inner } = ledger;
  const breaches: string[] = [];
  const landed: LandedTransition[] = [];
  const runs = new Set<string>();
  const answers = new Map<string, string>();
  /** Requests by the records of their transitions, and the sequence from which one landed. */
  const requests = new Map<string, string>();
  const landedFrom = new Map<string, bigint>();
  const looks: Promise<void>[] = [];
  const paidFor = new Map<string, bigint>();
  const money = new Map<string, MoneyEvent[]>();
  const expected = new Map<string, bigint>();
  let programs: readonly string[] = [];
  let workers: readonly SimulatedWorker[] = [];

  const breach = (what: string): void => {
    trace.event("watch", `BREACH ${what}`);
    breaches.push(what);
  };

  const move = (account: string, stroops: bigint): void => {
    expected.set(account, (expected.get(account) ?? 0n) + stroops);
  };

  /** Keeps the books of its own, from what the transactions say. */
  function book(closed: ClosedLedger): void {
    for (const { tx, result } of closed.transactions) {
      move(feeSourceOf(tx), -result.feeCharged);
      const transaction = innerTransactionOf(Buffer.from(tx.envelopeBytes).toString("base64"), port.networkPassphrase);
      const successful = isSuccess(result);
      trace.event("ledger", `${closed.header.sequence} holds ${tx.hash.slice(0, 8)}${successful ? "" : ", failed"}`);
      if (!successful) continue;
      const memo = memoHashOf(transaction);
      const payments: { to: string; stroops: bigint }[] = [];
      for (const operation of transaction.operations) {
        const source = operation.source ?? transaction.source;
        if (operation.type === "payment") {
          const stroops = parseXlm(operation.amount);
          const to = operation.destination;
          move(idOf(source), -stroops);
          move(idOf(to), stroops);
          if (programs.includes(source)) payments.push({ to, stroops });
          if (programs.includes(to)) money.get(to)?.push({ kind: "in", stroops });
          if (programs.includes(transaction.source) || memo === undefined) continue;
          const request = toHex(memo);
          if (paidFor.has(request)) breach(`P5: request ${request} was paid for twice`);
          paidFor.set(request, stroops);
        }
        if (setsState(operation) && programs.includes(source)) {
          if (memo === undefined) return breach(`a state of ${source} landed without a record`);
          const newState = Buffer.from(operation.value ?? []).toString();
          const recordCid = recordCidFromHash(memo);
          landed.push({ program: source, recordCid, newState });
          landedFrom.set(requests.get(recordCid) ?? "", BigInt(transaction.sequence) - 1n);
          looks.push(countHolders(source, newState));
        }
      }
      if (!programs.includes(transaction.source) || memo === undefined) continue;
      money.get(transaction.source)?.push({ kind: "own", recordCid: recordCidFromHash(memo), payments });
    }
  }

  async function countHolders(program: string, state: string): Promise<void> {
    const { workers: named } = await loadSmartAccount(port, program);
    const keys = new Set(named.map(({ ledgerKey }) => ledgerKey));
    const own = workers.filter(({ ledgerKey }) => keys.has(ledgerKey.publicKey()));
    const held = await Promise.all(own.map(async ({ content }) => await content.has(state)));
    const holders = held.filter(Boolean).length;
    if (holders < majorityOf(named.length)) breach(`P3: only ${holders} of ${named.length} workers hold ${state}`);
  }

  function compareBalances(): void {
    let total = inner.state.feePoolStroops;
    for (const { id, balanceStroops } of inner.state.accounts()) {
      total += balanceStroops;
      const should = expected.get(id);
      if (should !== balanceStroops) breach(`P6: account ${id} has ${balanceStroops} stroops in place of ${should}`);
    }
    if (total !== TOTAL_COINS_STROOPS) breach(`P6: there are ${total} stroops`);
  }

  function checkRun(worker: number, { sequence, previousState, newState, status }: CheckedRun): void {
    // Of one that cost too much the state is given up again.
    if (status === "out-of-gas") return;
    const run = `${worker}/${sequence}/${previousState}/${newState}`;
    if (!runs.has(run)) breach(`P1: worker ${worker} signed ${newState}, which its engine did not make`);
  }

  return {
    breaches,
    landed,
    get signedAnswers() {
      return answers.size;
    },
    moneyOf: (program) => money.get(program) ?? [],
    paidFor: (request) => paidFor.get(request),
    begin(parts) {
      ({ programs, workers } = parts);
      for (const program of programs) money.set(program, []);
      for (const { id, balanceStroops } of inner.state.accounts()) expected.set(id, balanceStroops);
      ledger.onClose((closed) => {
        book(closed);
        compareBalances();
      });
    },
    ran: (worker, sequence, before, after) => void runs.add(`${worker}/${sequence}/${before}/${after}`),
    answered(worker, { signed }) {
      const { answer } = signed;
      const key = `${worker}/${toHex(answer.requestHash)}/${answer.sequence}`;
      const said = `${toHex(signed.signature)}/${toHex(signed.transactionSignature ?? new Uint8Array())}`;
      trace.event(`worker ${worker}`, `answers ${key} ${answer.status} ${answer.newState} ${said}`);
      if ((answers.get(key) ?? said) !== said) breach(`P5: worker ${worker} signed two answers to ${key}`);
      answers.set(key, said);
      checkRun(worker, answer);
      const request = toHex(answer.requestHash);
      if (answer.recordCid !== undefined) requests.set(answer.recordCid, request);
      const from = landedFrom.get(request);
      if (from !== undefined && answer.sequence > from) {
        breach(`P2: worker ${worker} ran ${request} on a state that holds it already`);
      }
    },
    endorsed(worker, { recordBlock }) {
      const record = decodeRecord(recordBlock);
      trace.event(`worker ${worker}`, `endorses ${record.kind} ${recordCidOf(recordBlock)}`);
      if (record.kind !== "batch") return;
      let { previousState } = record;
      for (const input of record.inputs) {
        checkRun(worker, { ...input, sequence: record.sequence, previousState });
        previousState = input.newState;
      }
    },
    submitted(who, result) {
      const code = result.status === "refused" ? result.code : result.status;
      trace.event(who, `submitted ${result.hash.slice(0, 8)}: ${code}`);
      if (WRONG_SIGNATURES.has(code)) breach(`P4: ${who} submitted ${result.hash}, refused with ${code}`);
    },
    breach,
    async settled() {
      await Promise.all(looks);
    },
  };
}

function setsState(operation: OperationRecord): operation is Extract<OperationRecord, { type: "manageData" }> {
  return operation.type === "manageData" && operation.name === ENTRY.state;
}

function idOf(address: string): string {
  return toHex(Keypair.fromPublicKey(address).rawPublicKey());
}
