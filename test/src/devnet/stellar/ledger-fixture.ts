import { Account, Keypair, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import type { FeeBumpTransaction, Transaction, xdr } from "@stellar/stellar-sdk";

import type { ClosedLedger } from "../../../../src/devnet/stellar/ledger/close-ledger.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { createDevelopmentLedger, rootKeypair } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { toHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import type { QueueRule, Submission } from "../../../../src/devnet/stellar/ledger/transaction-queue.ts";
import type { Logger } from "../../../../src/ports/logger.ts";

export const PASSPHRASE = "Test Ledger ; 2026";

export const START_TIME = 2_000_000_000n;

export const ROOT = rootKeypair(PASSPHRASE);

/** A key that is the same in every run. */
export function key(seed: number): Keypair {
  return Keypair.fromRawEd25519Seed(Buffer.alloc(32, seed));
}

/** A logger that keeps what it hears. */
export function recordingLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (message: string): void => void lines.push(message);
  const logger = { lines, debug: add, info: add, warn: add, error: add, child: (): Logger => logger };
  return logger;
}

/** A ledger at its second close. */
export function freshLedger(queueRule: QueueRule = "onePerSource", maxOperationsPerLedger = 1000): DevelopmentLedger {
  const ledger = createDevelopmentLedger({
    parameters: {
      networkPassphrase: PASSPHRASE,
      protocolVersion: 19,
      baseFeeStroops: 100n,
      baseReserveStroops: 5_000_000n,
      maxOperationsPerLedger,
    },
    queueRule,
  });
  ledger.close({ closeTime: START_TIME });
  return ledger;
}

/** A signed transaction of `source`, numbered after the ledger's state unless told otherwise. */
export function transaction(
  ledger: DevelopmentLedger,
  source: Keypair,
  operations: readonly xdr.Operation[],
  options: { readonly fee?: string; readonly ahead?: bigint; readonly signers?: readonly Keypair[] } = {},
): Transaction {
  const account = ledger.state.account(toHex(source.rawPublicKey()));
  const sequence = (account?.sequenceNumber ?? 0n) + (options.ahead ?? 0n);
  const builder = new TransactionBuilder(new Account(source.publicKey(), String(sequence)), {
    fee: options.fee ?? "100",
    networkPassphrase: ledger.parameters.networkPassphrase,
    timebounds: { minTime: 0, maxTime: 0 },
  });
  for (const operation of operations) builder.addOperation(operation);
  const tx = builder.build();
  for (const signer of options.signers ?? [source]) tx.sign(signer);
  return tx;
}

/** The ledger with accounts of 100 XLM each, made in one close. */
export function funded(ledger: DevelopmentLedger, people: readonly Keypair[]): DevelopmentLedger {
  const create = people.map((account) =>
    Operation.createAccount({ destination: account.publicKey(), startingBalance: "100" }),
  );
  const { status } = offer(ledger, transaction(ledger, ROOT, create));
  if (status !== "PENDING") throw new Error(`the root account could not pay: ${status}`);
  closeNext(ledger);
  return ledger;
}

/** Offers a transaction of the SDK to the ledger's queue. */
export function offer(ledger: DevelopmentLedger, tx: Transaction | FeeBumpTransaction): Submission {
  return ledger.submit(ledger.decode(tx.toXdr()));
}

/** Closes the next ledger five seconds after the last. */
export function closeNext(ledger: DevelopmentLedger): ClosedLedger {
  return ledger.close({ closeTime: ledger.header().closeTime + 5n });
}
