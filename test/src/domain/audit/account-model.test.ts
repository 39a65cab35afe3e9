import { Account, Asset, Operation, TransactionBuilder, type Transaction, type xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import {
  NEW_ACCOUNT,
  applyTransaction,
  differenceOf,
  modelOf,
  modelOfSnapshot,
} from "../../../../src/domain/audit/account-model.ts";
import type { AccountTerms } from "../../../../src/domain/audit/history-state.ts";
import { buildChangeTransaction, termsAfter } from "../../../../src/domain/program/change-transaction.ts";
import { buildCreateTransaction } from "../../../../src/domain/program/create-transaction.ts";
import { imageOf, readSmartAccount } from "../../../../src/domain/program/smart-account.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { STATE, keyOf, snapshotWith, termsFor } from "../../../helpers/smart-accounts.ts";

const NETWORK = "test network";
const PROGRAM = keyOf(99);
const OWNER = keyOf(98).publicKey();
const recordCid = recordCidOf(new Uint8Array([1]));

const modelFor = (workers: number, changes: Parameters<typeof termsFor>[1] = {}): ReturnType<typeof modelOf> => {
  const { program, state, ...terms } = termsFor(workers, changes);
  return modelOf({ ...terms, image: imageOf(program) }, state);
};

/** A transaction of the program with these operations. */
function transactionOf(...operations: readonly xdr.Operation[]): Transaction {
  const builder = new TransactionBuilder(new Account(PROGRAM.publicKey(), "7"), {
    fee: "0",
    networkPassphrase: NETWORK,
    timebounds: { minTime: 0, maxTime: 1 },
  });
  for (const operation of operations) builder.addOperation(operation);
  return builder.build();
}

describe("domain/audit/account-model", () => {
  it("should come to the account that a creation makes, with any number of workers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.boolean(), (workers, owned) => {
        const terms = termsFor(workers, owned ? { owner: OWNER } : {});
        const transaction = buildCreateTransaction({
          network: NETWORK,
          payer: { id: OWNER, sequence: 1n },
          account: PROGRAM,
          terms,
          recordHash: new Uint8Array(32),
          feeStroops: 100n,
          maxTime: 1,
          endowmentStroops: 0n,
        });
        const { model, payments, foreign } = applyTransaction(NEW_ACCOUNT, transaction, PROGRAM.publicKey());
        expect(differenceOf(model, modelFor(workers, owned ? { owner: OWNER } : {}))).to.equal(undefined);
        expect([payments, foreign]).to.deep.equal([[], undefined]);
      }),
      { numRuns: 40 },
    );
  });

  it("should come to the account that a change makes", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }), (numbers) => {
        const snapshot = snapshotWith({ data: { smart_program_owner: OWNER } });
        const account = readSmartAccount(snapshot);
        const workers = numbers.map((n) => ({ address: `http://127.0.0.1:${n}`, ledgerKey: keyOf(n).publicKey() }));
        const change = { kind: "workers", workers } as const;
        const after = termsAfter(account, change);
        const { id: program, sequence } = account;
        const request = { version: 1 as const, network: NETWORK, program, sequence, validUntil: 1n, change };
        const transaction = buildChangeTransaction({ account, after, request, recordCid });
        const { model, foreign } = applyTransaction(modelOfSnapshot(snapshot), transaction, program);
        const { program: reference, state, ...terms } = after;
        const expected: AccountTerms = { ...terms, image: imageOf(reference) };
        expect(differenceOf(model, modelOf(expected, state))).to.equal(undefined);
        expect(foreign).to.equal(undefined);
      }),
      { numRuns: 40 },
    );
  });

  it("should see the account of a ledger as its terms", () => {
    const account = readSmartAccount(snapshotWith());
    expect(differenceOf(modelOfSnapshot(snapshotWith()), modelOf(account, account.state))).to.equal(undefined);
  });

  const stranger = keyOf(1).publicKey();
  const program = PROGRAM.publicKey();
  const authority = { low: /thresholds 0, 1, 2, 2 instead/, signer: /signer .* is 2 instead of 1/ };
  const cases: ReadonlyArray<[what: string, operation: xdr.Operation, difference: RegExp]> = [
    ["an entry more", Operation.manageData({ name: "x", value: "y" }), /entry x is y instead of absent/],
    ["an entry less", Operation.manageData({ name: "gas_price", value: null }), /entry gas_price is absent/],
    ["another state", Operation.manageData({ name: "current_state", value: "?" }), /current_state is \? instead/],
    ["a weight", Operation.setOptions({ signer: { ed25519PublicKey: stranger, weight: 2 } }), authority.signer],
    ["a threshold", Operation.setOptions({ lowThreshold: 1 }), authority.low],
    ["the master key", Operation.setOptions({ masterWeight: 1 }), /master weight and thresholds 1,/],
  ];
  for (const [what, operation, difference] of cases) {
    it(`should see ${what}`, () => {
      const own = modelFor(3);
      const { model } = applyTransaction(own, transactionOf(operation), program);
      expect(differenceOf(model, own)).to.match(difference);
    });
  }

  const foreigners: ReadonlyArray<[what: string, operation: xdr.Operation]> = [
    ["a signer of another kind", Operation.setOptions({ signer: { sha256Hash: Buffer.alloc(32), weight: 1 } })],
    ["flags", Operation.setOptions({ setFlags: 1 })],
    ["a merge", Operation.accountMerge({ destination: stranger })],
    ["a jump of its sequence", Operation.bumpSequence({ bumpTo: "9" })],
    ["an operation of somebody else", Operation.manageData({ source: stranger, name: "x", value: "y" })],
    ["a payment in another asset", paymentIn(new Asset("X", stranger))],
  ];
  for (const [what, operation] of foreigners) {
    it(`should call ${what} foreign`, () => {
      expect(applyTransaction(modelFor(3), transactionOf(operation), program).foreign).to.be.a("string");
    });
  }

  it("should know what is paid and what is received", () => {
    const amount = "1.5";
    const asset = Asset.native();
    const { payments, received } = applyTransaction(
      modelFor(3),
      transactionOf(
        Operation.payment({ destination: stranger, asset, amount }),
        Operation.payment({ source: OWNER, destination: program, asset, amount }),
      ),
      program,
    );
    expect(payments).to.deep.equal([{ destination: stranger, stroops: 15_000_000n }]);
    expect(received).to.deep.equal([{ source: OWNER, stroops: 15_000_000n }]);
    expect(modelFor(3).entries.get("current_state")).to.equal(STATE);
  });

  function paymentIn(asset: Asset): xdr.Operation {
    return Operation.payment({ destination: stranger, asset, amount: "1" });
  }
});
