import { Keypair, type OperationRecord } from "@stellar/stellar-sdk";

import { innerTransactionOf, memoHashOf } from "../../../src/domain/program/envelope.ts";
import { ENTRY, majorityOf } from "../../../src/domain/program/smart-account.ts";
import { parseXlm } from "../../../src/domain/program/stroops.ts";
import type { ClosedLedger } from "../../../src/devnet/stellar/ledger/close-ledger.ts";
import { TOTAL_COINS_STROOPS } from "../../../src/devnet/stellar/ledger/parameters.ts";
import { isSuccess } from "../../../src/devnet/stellar/ledger/results.ts";
import { feeSourceOf } from "../../../src/devnet/stellar/ledger/transaction.ts";
import type { SubmitResult } from "../../../src/ports/ledger.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { recordCidFromHash } from "../../../src/wire/canonical.ts";
import type { AnswerWithOutput } from "../../../src/wire/execution-json.ts";
import type { SimulatedLedger } from "./ledger.ts";
import type { Trace } from "./trace.ts";
import type { SimulatedWorker } from "./worker.ts";

/** A transition that landed. */
export interface LandedTransition {
  readonly program: string;
  readonly recordCid: string;
  readonly newState: string;
}

/** Watches a simulation from outside and remembers each breach of the invariants of `programs.md`. */
export interface Watch {
  readonly breaches: readonly string[];
  /** In the order of the ledger. */
  readonly landed: readonly LandedTransition[];
  readonly signedAnswers: number;
  /** Notes all balances; from here on only payments and fees may move them. */
  begin(parts: { readonly programs: readonly string[]; readonly workers: readonly SimulatedWorker[] }): void;
  /** A worker's engine made one state of another. */
  ran(worker: number, sequence: string, before: string, after: string): void;
  answered(worker: number, answer: AnswerWithOutput): void;
  submitted(who: string, result: SubmitResult): void;
  breach(what: string): void;
  /** Resolves when what landed last has been looked at. */
  settled(): Promise<void>;
}

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
  const paidFor = new Map<string, number>();
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
      for (const operation of transaction.operations) {
        const source = operation.source ?? transaction.source;
        if (operation.type === "payment") {
          const stroops = parseXlm(operation.amount);
          move(idOf(source), -stroops);
          move(idOf(operation.destination), stroops);
          if (programs.includes(transaction.source) || memo === undefined) continue;
          const request = toHex(memo);
          paidFor.set(request, (paidFor.get(request) ?? 0) + 1);
          if (paidFor.get(request) !== 1) breach(`P5: request ${request} was paid for twice`);
        }
        if (setsState(operation) && programs.includes(source)) {
          if (memo === undefined) return breach(`a state of ${source} landed without a record`);
          const newState = Buffer.from(operation.value ?? []).toString();
          const recordCid = recordCidFromHash(memo);
          landed.push({ program: source, recordCid, newState });
          landedFrom.set(requests.get(recordCid) ?? "", BigInt(transaction.sequence) - 1n);
          looks.push(countHolders(newState));
        }
      }
    }
  }

  async function countHolders(state: string): Promise<void> {
    const held = await Promise.all(workers.map(async ({ content }) => await content.has(state)));
    const holders = held.filter(Boolean).length;
    if (holders < majorityOf(workers.length)) breach(`P3: only ${holders} of ${workers.length} workers hold ${state}`);
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

  return {
    breaches,
    landed,
    get signedAnswers() {
      return answers.size;
    },
    begin(parts) {
      ({ programs, workers } = parts);
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
      const run = `${worker}/${answer.sequence}/${answer.previousState}/${answer.newState}`;
      if (!runs.has(run)) breach(`P1: worker ${worker} signed ${answer.newState}, which its engine did not make`);
      const request = toHex(answer.requestHash);
      if (answer.recordCid !== undefined) requests.set(answer.recordCid, request);
      const from = landedFrom.get(request);
      if (from !== undefined && answer.sequence > from) {
        breach(`P2: worker ${worker} ran ${request} on a state that holds it already`);
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
