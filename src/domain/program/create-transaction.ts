import type { Keypair, Transaction } from "@stellar/stellar-sdk";
import { Account, Memo, Operation, TransactionBuilder } from "@stellar/stellar-sdk";

import type { CreateRecord } from "../../wire/record.ts";
import { checkTerms, entriesOf, reserveStroops, type SmartAccountTerms } from "./account-terms.ts";
import { imageOf, majorityOf } from "./smart-account.ts";
import { formatStroops } from "./stroops.ts";

/** @throws SprfError `INVALID_INPUT` for terms that would make an account nobody can use */
export function createRecordOf(network: string, program: string, terms: SmartAccountTerms): CreateRecord {
  checkTerms(terms);
  return {
    version: 1,
    kind: "create",
    network,
    program,
    ...(terms.owner === undefined ? {} : { owner: terms.owner }),
    image: imageOf(terms.program),
    terms: { baseFeeStroops: terms.baseFeeStroops, gasPriceStroops: terms.gasPriceStroops },
    state: terms.state,
    workers: terms.workers.map(({ address, ledgerKey }) => ({ address, ledgerKey })),
  };
}

/**
 * The one transaction that makes a smart account: account, entries, signers and thresholds together, so that nobody ever
 * holds it alone. Signed by the payer and by the new account's own key, which counts for nothing afterwards.
 */
export function buildCreateTransaction(parts: {
  readonly network: string;
  readonly payer: { readonly id: string; readonly sequence: bigint };
  readonly account: Keypair;
  readonly terms: SmartAccountTerms;
  readonly recordHash: Uint8Array;
  /** Fee of each operation. */
  readonly feeStroops: bigint;
  /** Seconds since the Unix epoch. */
  readonly maxTime: number;
  /** Spendable balance of the new account above its reserve. */
  readonly endowmentStroops: bigint;
}): Transaction {
  const { account, terms } = parts;
  const id = account.publicKey();
  const majority = majorityOf(terms.workers.length);
  const builder = new TransactionBuilder(new Account(parts.payer.id, parts.payer.sequence.toString()), {
    fee: parts.feeStroops.toString(),
    networkPassphrase: parts.network,
    timebounds: { minTime: 0, maxTime: parts.maxTime },
    memo: Memo.hash(parts.recordHash),
  });
  builder.addOperation(
    Operation.createAccount({
      destination: id,
      startingBalance: formatStroops(reserveStroops(terms) + parts.endowmentStroops),
    }),
  );
  for (const [name, value] of entriesOf(terms)) {
    builder.addOperation(Operation.manageData({ source: id, name, value }));
  }
  for (const worker of terms.workers) {
    builder.addOperation(
      Operation.setOptions({ source: id, signer: { ed25519PublicKey: worker.ledgerKey, weight: 1 } }),
    );
  }
  // Dates the account's sequence: to the ledger, one that never moved has been silent for ever, and its recovery would be open.
  builder.addOperation(Operation.bumpSequence({ source: id, bumpTo: "0" }));
  builder.addOperation(
    Operation.setOptions({
      source: id,
      masterWeight: 0,
      lowThreshold: majority,
      medThreshold: majority,
      highThreshold: majority,
    }),
  );
  return builder.build();
}
