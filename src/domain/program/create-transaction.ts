import type { Keypair, Transaction } from "@stellar/stellar-sdk";
import { Account, Memo, Operation, TransactionBuilder } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import { cidSchema, ledgerAddressSchema } from "../../wire/primitives.ts";
import type { CreateRecord } from "../../wire/record.ts";
import { ENTRY, MAX_WORKERS, imageOf, majorityOf, programReference, type SmartAccountWorker } from "./smart-account.ts";
import { formatStroops } from "./stroops.ts";

const BASE_RESERVE_STROOPS = 5_000_000n;
const MAX_ENTRY_BYTES = 64;

/** What a new smart account shall say. */
export interface SmartAccountTerms {
  readonly program: ProgramReference;
  /** CID of the first state; the empty file unless the program was seeded. */
  readonly state: string;
  readonly baseFeeStroops: bigint;
  readonly gasPriceStroops: bigint;
  /** Who may change image, fees and workers; absent makes the account immutable. */
  readonly owner?: string;
  readonly workers: readonly SmartAccountWorker[];
}

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

/** The reserve of an account with these terms: (2 + entries + signers) x 0.5 XLM. */
export function reserveStroops(terms: SmartAccountTerms): bigint {
  return BigInt(2 + entriesOf(terms).length + terms.workers.length) * BASE_RESERVE_STROOPS;
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

function entriesOf(terms: SmartAccountTerms): ReadonlyArray<readonly [name: string, value: string]> {
  const image = imageOf(terms.program);
  return [
    [ENTRY.imageAddress, image.address],
    ...(image.digest === undefined ? [] : [[ENTRY.imageDigest, image.digest] as const]),
    [ENTRY.state, terms.state],
    [ENTRY.baseFee, terms.baseFeeStroops.toString()],
    [ENTRY.gasPrice, terms.gasPriceStroops.toString()],
    ...(terms.owner === undefined ? [] : [[ENTRY.owner, terms.owner] as const]),
    ...terms.workers.flatMap(({ address, ledgerKey }, i) => [
      [ENTRY.workerAddress(i + 1), address] as const,
      [ENTRY.workerKey(i + 1), ledgerKey] as const,
    ]),
  ];
}

function checkTerms(terms: SmartAccountTerms): void {
  const refuse = (why: string): never => {
    throw new SprfError("INVALID_INPUT", why);
  };
  const { workers } = terms;
  if (workers.length === 0 || workers.length > MAX_WORKERS) {
    refuse(`a smart account has 1 to ${MAX_WORKERS} workers, not ${workers.length}`);
  }
  if (new Set(workers.map(({ ledgerKey }) => ledgerKey)).size !== workers.length)
    refuse("two workers share a ledger key");
  for (const address of [
    ...workers.map(({ ledgerKey }) => ledgerKey),
    ...(terms.owner === undefined ? [] : [terms.owner]),
  ]) {
    if (!ledgerAddressSchema.safeParse(address).success) refuse(`${address} is not a Stellar address`);
  }
  if (!cidSchema.safeParse(terms.state).success) refuse(`the state is not a CID: ${terms.state}`);
  const image = imageOf(terms.program);
  if (programReference(image.address, image.digest) === undefined) refuse("the program is not pinned by digest or CID");
  if (terms.baseFeeStroops <= 0n)
    refuse("the base fee must be at least one stroop: payments of nothing cannot be made");
  if (terms.gasPriceStroops < 0n) refuse("the gas price is negative");
  for (const [name, value] of entriesOf(terms)) {
    // The ledger takes an entry without a value for its deletion.
    if (value === "") refuse(`${name} is empty`);
    if (Buffer.byteLength(value) > MAX_ENTRY_BYTES) refuse(`${name} is longer than ${MAX_ENTRY_BYTES} bytes: ${value}`);
  }
}
