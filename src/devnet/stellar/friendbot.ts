import { Account, Operation, StrKey, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import type { Keypair } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { AccountId } from "./ledger/account.ts";
import type { LedgerEntryOfTransaction } from "./ledger/close-ledger.ts";
import type { DevelopmentLedger } from "./ledger/development-ledger.ts";
import { rootKeypair } from "./ledger/development-ledger.ts";
import { toHex } from "./ledger/hashing.ts";
import { isSuccess, plainResult } from "./ledger/results.ts";
import type { LedgerRunner } from "./ledger-runner.ts";
import { transactionMeta } from "./rpc/transaction-meta.ts";

/** What every new account gets. */
const FRIENDBOT_XLM = 10_000n;

/** Accounts that one ledger funds; one operation each. */
const MAX_BATCH = 100;

/** Addresses that may wait at a time; the rest is asked to come back. */
const MAX_WAITING = 10_000;

/** Ledgers that one request waits for at most: others may use the root account, or the batch may be full. */
const MAX_LEDGERS = 20;

/** An HTTP answer of the friendbot. */
export interface FriendbotAnswer {
  readonly status: number;
  readonly body: object;
}

/** Funds accounts from the network's root account. */
export interface Friendbot {
  /** Funds an address and answers when the ledger with it has closed. */
  fund(address: string): Promise<FriendbotAnswer>;
  /** Answers everybody who still waits. */
  stop(): void;
}

interface Request {
  readonly address: string;
  readonly id: AccountId;
  readonly answer: (answer: FriendbotAnswer) => void;
  ledgers: number;
}

/**
 * Builds the friendbot. All who ask between two closes share one transaction, put into the ledger right before it closes,
 * because the queue takes only one of the root account at a time.
 */
export function createFriendbot(ledger: DevelopmentLedger, runner: LedgerRunner): Friendbot {
  const root = rootKeypair(ledger.parameters.networkPassphrase);
  let waiting: Request[] = [];

  const settle = (request: Request, answer: FriendbotAnswer): void => {
    waiting = waiting.filter((other) => other !== request);
    request.answer(answer);
  };

  const answerAll = (answer: FriendbotAnswer): void => {
    for (const request of waiting) settle(request, answer);
  };

  runner.listen({
    before() {
      const batch = new Map<AccountId, string>();
      for (const { id, address } of waiting) if (batch.size < MAX_BATCH) batch.set(id, address);
      if (batch.size === 0) return;
      // Refused only while somebody else's transaction of the root account waits: the next ledger takes it then.
      ledger.submit(ledger.decode(buildFunding(ledger, root, [...batch.values()])));
    },
    after(closed) {
      const entry = closed.transactions.find(
        ({ tx, result }) => tx.kind === "plain" && tx.sourceId === toHex(root.rawPublicKey()) && isSuccess(result),
      );
      for (const request of waiting) {
        if (ledger.state.account(request.id) !== undefined) {
          const isFirst = waiting.find(({ id }) => id === request.id) === request;
          const mine = isFirst && entry !== undefined && creates(entry, request.id);
          // Twins of a request in one ledger find the account funded, like whoever comes later.
          settle(request, mine ? funded(entry, closed.header.sequence) : alreadyFunded());
        } else if ((request.ledgers += 1) >= MAX_LEDGERS) {
          settle(request, problem(504, "Timeout", "the root account was busy for too long; try again"));
        }
      }
    },
    halted: ({ message }) => answerAll(problem(503, "Service Unavailable", message)),
  });

  return {
    async fund(address) {
      if (!StrKey.isValidEd25519PublicKey(address))
        return problem(400, "Bad Request", "invalid address: not a G... key");
      const failure = runner.failure();
      if (failure !== undefined) return problem(503, "Service Unavailable", failure.message);
      const id = toHex(StrKey.decodeEd25519PublicKey(address));
      if (ledger.state.account(id) !== undefined) return alreadyFunded();
      if (waiting.length >= MAX_WAITING)
        return problem(503, "Service Unavailable", "too many requests wait; try again");
      const { promise, resolve } = Promise.withResolvers<FriendbotAnswer>();
      waiting.push({ address, id, answer: resolve, ledgers: 0 });
      if (runner.onDemand) runner.closeLedger();
      return await promise;
    },
    stop() {
      answerAll(problem(503, "Service Unavailable", "the network is stopping"));
    },
  };
}

/** One transaction of the root account that creates all accounts, as base64 envelope. */
function buildFunding(ledger: DevelopmentLedger, root: Keypair, addresses: readonly string[]): string {
  const rootAccount = ledger.state.account(toHex(root.rawPublicKey()));
  if (rootAccount === undefined) throw new SprfError("INTERNAL", "the root account of this network no longer exists");
  const builder = new TransactionBuilder(new Account(root.publicKey(), String(rootAccount.sequenceNumber)), {
    fee: String(ledger.parameters.baseFeeStroops),
    networkPassphrase: ledger.parameters.networkPassphrase,
    timebounds: { minTime: 0, maxTime: 0 },
  });
  for (const destination of addresses) {
    builder.addOperation(Operation.createAccount({ destination, startingBalance: String(FRIENDBOT_XLM) }));
  }
  const transaction = builder.build();
  transaction.sign(root);
  return transaction.toXdr();
}

function creates({ operationChanges }: LedgerEntryOfTransaction, id: AccountId): boolean {
  return operationChanges.flat().some(({ before, after }) => {
    return before === undefined && after?.kind === "account" && after.id === id;
  });
}

function funded({ tx, result, ...entry }: LedgerEntryOfTransaction, sequence: number): FriendbotAnswer {
  return {
    status: 200,
    body: {
      successful: true,
      hash: tx.hash,
      ledger: sequence,
      fee_charged: String(result.feeCharged),
      envelope_xdr: Buffer.from(tx.envelopeBytes).toString("base64"),
      result_xdr: result.toXdr("base64"),
      result_meta_xdr: transactionMeta({ tx, result, ...entry }).toXdr("base64"),
    },
  };
}

/** What the public friendbots answer for an account that exists; clients look for the code in `detail`. */
function alreadyFunded(): FriendbotAnswer {
  const code = xdr.CreateAccountResult.createAccountAlreadyExist();
  const operation = xdr.OperationResult.opInner(xdr.OperationResultTr.createAccount(code));
  const resultXdr = plainResult(100n, { code: "txFailed", operations: [operation] }).toXdr("base64");
  return problem(400, "Transaction Failed", `createAccountAlreadyExist (${resultXdr})`, {
    extras: { result_codes: { transaction: "tx_failed", operations: ["op_already_exists"] }, result_xdr: resultXdr },
  });
}

function problem(status: number, title: string, detail: string, more: object = {}): FriendbotAnswer {
  const type = `https://stellar.org/horizon-errors/${title.toLowerCase().replaceAll(" ", "_")}`;
  return { status, body: { type, title, status, detail, ...more } };
}
