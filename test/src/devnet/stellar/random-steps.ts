import { Asset, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import type { Keypair, xdr } from "@stellar/stellar-sdk";
import fc from "fast-check";

import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { toHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { innerOf } from "../../../../src/devnet/stellar/ledger/transaction.ts";
import type { Submission } from "../../../../src/devnet/stellar/ledger/transaction-queue.ts";
import { key, offer, transaction } from "./ledger-fixture.ts";

/** Who takes part in random steps. */
export const PEOPLE: readonly Keypair[] = [1, 2, 3, 4, 5].map(key);

/** A key of no account. */
const STRANGER = key(99);

const person = fc.integer({ min: 0, max: PEOPLE.length - 1 });

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("pay" as const),
      to: person,
      amount: fc.integer({ min: 1, max: 900_000_000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("create" as const),
      to: person,
      amount: fc.integer({ min: 0, max: 300_000_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("merge" as const), to: person }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("data" as const),
      name: fc.integer({ min: 0, max: 3 }),
      set: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("signer" as const), to: person, weight: fc.integer({ min: 0, max: 1 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("sponsor" as const), to: person, name: fc.integer({ min: 0, max: 3 }) }),
  },
);

type RandomOperation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const step = fc.record({
  source: person,
  operations: fc.array(operation, { minLength: 1, maxLength: 2 }),
  fee: fc.integer({ min: 100, max: 5_000 }),
  bump: fc.option(person),
  /** What is wrong with it before any operation is looked at; mostly nothing. */
  flaw: fc.oneof(
    { weight: 8, arbitrary: fc.constant("none" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("cheap" as const, "ahead" as const, "unsigned" as const, "stranger" as const),
    },
  ),
  closes: fc.boolean(),
});

/** One random transaction, valid or not, and whether a ledger closes after it. */
export type RandomStep = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Some of them. */
export const randomSteps: fc.Arbitrary<RandomStep[]> = fc.array(step, { minLength: 10, maxLength: 25 });

/** Offers the transaction of a step. */
export function offerStep(ledger: DevelopmentLedger, { source, operations, fee, bump, flaw }: RandomStep): Submission {
  const sourceId = toHex(at(source).rawPublicKey());
  const signers = new Set([at(source)]);
  for (const op of operations) if (op.kind === "sponsor") signers.add(at(op.to));
  if (flaw === "unsigned") signers.delete(at(source));
  if (flaw === "stranger") signers.add(STRANGER);
  const waiting = ledger.waiting().filter((tx) => innerOf(tx).sourceId === sourceId).length;
  const tx = transaction(ledger, at(source), operations.flatMap(build), {
    fee: flaw === "cheap" ? "1" : String(fee),
    signers: [...signers],
    ahead: BigInt(waiting) + (flaw === "ahead" ? 5n : 0n),
  });
  if (bump === null) return offer(ledger, tx);
  const { networkPassphrase } = ledger.parameters;
  const outer = TransactionBuilder.buildFeeBumpTransaction(at(bump), String(fee), tx, networkPassphrase);
  outer.sign(at(bump));
  return offer(ledger, outer);
}

function build(op: RandomOperation): xdr.Operation[] {
  switch (op.kind) {
    case "pay":
      return [Operation.payment({ destination: address(op.to), amount: xlm(op.amount), asset: Asset.native() })];
    case "create":
      return [Operation.createAccount({ destination: address(op.to), startingBalance: xlm(op.amount) })];
    case "merge":
      return [Operation.accountMerge({ destination: address(op.to) })];
    case "data":
      return [Operation.manageData({ name: `d${String(op.name)}`, value: op.set ? "v" : null })];
    case "signer":
      return [Operation.setOptions({ signer: { ed25519PublicKey: address(op.to), weight: op.weight } })];
    case "sponsor":
      return [
        Operation.beginSponsoringFutureReserves({ sponsoredId: address(op.to) }),
        Operation.manageData({ name: `s${String(op.name)}`, value: "v", source: address(op.to) }),
        Operation.endSponsoringFutureReserves({ source: address(op.to) }),
      ];
  }
}

function at(i: number): Keypair {
  return PEOPLE[i] ?? STRANGER;
}

function address(i: number): string {
  return at(i).publicKey();
}

function xlm(stroops: number): string {
  return (stroops / 10_000_000).toFixed(7);
}
