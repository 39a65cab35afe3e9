import { Account, Operation, StrKey, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import type { Keypair } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { ClosedLedger, LedgerEntryOfTransaction } from "./ledger/close-ledger.ts";
import type { DevelopmentLedger } from "./ledger/development-ledger.ts";
import { rootKeypair } from "./ledger/development-ledger.ts";
import { toHex } from "./ledger/hashing.ts";
import { STROOPS_PER_XLM } from "./ledger/parameters.ts";
import { isSuccess, plainResult } from "./ledger/results.ts";
import type { LedgerRunner } from "./ledger-runner.ts";
import { transactionMeta } from "./rpc/transaction-meta.ts";

/** What every new account gets. */
export const FRIENDBOT_XLM = 10_000n;

/** Accounts that one ledger funds; one operation each. */
const MAX_BATCH = 100;

/** Ledgers that one request waits for at most: its own, and some for others who use the root account meanwhile. */
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
}

/**
 * Builds the friendbot. Requests that come in together share one transaction, because the queue takes only one of the root
 * account at a time.
 */
export function createFriendbot(ledger: DevelopmentLedger, runner: LedgerRunner): Friendbot {
  const root = rootKeypair(ledger.parameters.networkPassphrase);
  let waiting: string[] = [];
  let round: Promise<Outcome> | undefined;

  const takeRound = async (): Promise<Outcome> => {
    // Everybody who asks before the next turn of the event loop joins this round.
    await Promise.resolve();
    round = undefined;
    const all = [...new Set(waiting)];
    waiting = all.slice(MAX_BATCH);
    return await submitRound(ledger, runner, root, all.slice(0, MAX_BATCH));
  };

  return {
    async fund(address) {
      if (!StrKey.isValidEd25519PublicKey(address))
        return problem(400, "Bad Request", "invalid address: not a G... key");
      const id = toHex(StrKey.decodeEd25519PublicKey(address));
      for (let ledgers = 0; ledgers < MAX_LEDGERS; ledgers++) {
        if (ledger.state.account(id) !== undefined) return alreadyFunded();
        if (!waiting.includes(address)) waiting.push(address);
        round ??= takeRound();
        const { addresses, entry, sequence } = await round;
        const mine = addresses.includes(address);
        if (mine && entry !== undefined && isSuccess(entry.result)) return funded(entry, sequence);
      }
      return problem(504, "Timeout", "the root account was busy for too long; try again");
    },
  };
}

interface Outcome {
  readonly addresses: readonly string[];
  /** The applied transaction; undefined when the queue refused it or the ledger dropped it. */
  readonly entry: LedgerEntryOfTransaction | undefined;
  readonly sequence: number;
}

async function submitRound(
  ledger: DevelopmentLedger,
  runner: LedgerRunner,
  root: Keypair,
  asked: readonly string[],
): Promise<Outcome> {
  const addresses = asked.filter((a) => ledger.state.account(toHex(StrKey.decodeEd25519PublicKey(a))) === undefined);
  const rootAccount = ledger.state.account(toHex(root.rawPublicKey()));
  if (rootAccount === undefined) throw new SprfError("INTERNAL", "the root account of this network no longer exists");
  if (addresses.length === 0) return { addresses, entry: undefined, sequence: 0 };
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
  const tx = ledger.decode(transaction.toXdr());
  // Registered first: on demand the close happens within the submission.
  const closing = runner.nextClose();
  closing.catch(() => undefined);
  const { status } = runner.submit(tx);
  if (status !== "PENDING" && runner.onDemand) return { addresses, entry: undefined, sequence: 0 };
  const closed = await closing;
  return { addresses, entry: find(closed, tx.hash), sequence: closed.header.sequence };
}

function find(closed: ClosedLedger, hash: string): LedgerEntryOfTransaction | undefined {
  return closed.transactions.find(({ tx }) => tx.hash === hash);
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
