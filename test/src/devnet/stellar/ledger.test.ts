import { Asset, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import type { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import { accountIdToAddress } from "../../../../src/devnet/stellar/ledger/account-xdr.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { toHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { TOTAL_COINS_STROOPS } from "../../../../src/devnet/stellar/ledger/parameters.ts";
import { innerOf } from "../../../../src/devnet/stellar/ledger/transaction.ts";
import { isSuccess } from "../../../../src/devnet/stellar/ledger/results.ts";
import { closeNext, freshLedger, key, offer, ROOT, transaction } from "./ledger-fixture.ts";

const ALICE = key(1);
const BOB = key(2);

function pay(destination: string, amount: string, source?: string) {
  return Operation.payment({ destination, amount, asset: Asset.native(), ...(source !== undefined && { source }) });
}

function funded(ledger: DevelopmentLedger, people: readonly Keypair[] = [ALICE, BOB]): DevelopmentLedger {
  const create = people.map((account) =>
    Operation.createAccount({ destination: account.publicKey(), startingBalance: "100" }),
  );
  expect(offer(ledger, transaction(ledger, ROOT, create)).status).to.equal("PENDING");
  closeNext(ledger);
  return ledger;
}

describe("development ledger", () => {
  describe("queue", () => {
    it("takes one transaction of a source at a time", () => {
      const ledger = funded(freshLedger());
      const first = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]);
      expect(offer(ledger, first).status).to.equal("PENDING");
      expect(offer(ledger, first).status).to.equal("DUPLICATE");
      const second = transaction(ledger, ALICE, [pay(BOB.publicKey(), "2")], { ahead: 1n });
      expect(offer(ledger, second).status).to.equal("TRY_AGAIN_LATER");
      const rival = transaction(ledger, ALICE, [pay(BOB.publicKey(), "3")]);
      expect(offer(ledger, rival).status).to.equal("TRY_AGAIN_LATER");
      closeNext(ledger);
      expect(offer(ledger, second).status).to.equal("PENDING");
    });

    it("lets a fee bump of ten times the bid replace what waits", () => {
      const ledger = funded(freshLedger());
      const inner = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]);
      offer(ledger, inner);
      const bump = (fee: string) => {
        const tx = TransactionBuilder.buildFeeBumpTransaction(BOB, fee, inner, ledger.parameters.networkPassphrase);
        tx.sign(BOB);
        return tx;
      };
      const low = offer(ledger, bump("999"));
      expect(low.status).to.equal("ERROR");
      expect(low.errorResult?.result.type).to.equal("txInsufficientFee");
      expect(offer(ledger, bump("1000")).status).to.equal("PENDING");
      expect(closeNext(ledger).transactions.map(({ tx }) => tx.kind)).to.deep.equal(["feeBump"]);
    });

    it("drops what found no room for four ledgers and then refuses it for a while", () => {
      const ledger = funded(freshLedger("chain", 2));
      const two = (to: string) => [pay(to, "1"), pay(to, "1")];
      const cheap = transaction(ledger, ALICE, two(BOB.publicKey()), { fee: "100" });
      expect(offer(ledger, cheap).status).to.equal("PENDING");
      for (let i = 0; i < 4; i++) {
        const rich = transaction(ledger, BOB, two(ALICE.publicKey()), { fee: "200" });
        expect(offer(ledger, rich).status).to.equal("PENDING");
        expect(closeNext(ledger).transactions).to.have.lengthOf(1);
      }
      expect(ledger.waiting()).to.deep.equal([]);
      expect(offer(ledger, cheap).status).to.equal("TRY_AGAIN_LATER");
    });
  });

  it("dates a data entry by its own last change", () => {
    const ledger = funded(freshLedger());
    offer(ledger, transaction(ledger, ALICE, [Operation.manageData({ name: "current_state", value: "a" })]));
    const written = closeNext(ledger).header.sequence;
    offer(ledger, transaction(ledger, ALICE, [Operation.manageData({ name: "other", value: "b" })]));
    const later = closeNext(ledger).header.sequence;
    const id = toHex(ALICE.rawPublicKey());
    expect(ledger.state.data(id, "current_state")?.lastModifiedLedger).to.equal(written);
    expect(ledger.state.data(id, "other")?.lastModifiedLedger).to.equal(later);
    expect(ledger.state.account(id)?.lastModifiedLedger).to.equal(later);
  });

  it("undoes all operations of a failed transaction but keeps fee and sequence number", () => {
    const ledger = funded(freshLedger());
    const id = toHex(ALICE.rawPublicKey());
    const before = ledger.state.account(id);
    const tx = transaction(
      ledger,
      ALICE,
      [Operation.manageData({ name: "x", value: "y" }), pay(BOB.publicKey(), "1"), pay(key(9).publicKey(), "1")],
      { fee: "100" },
    );
    expect(offer(ledger, tx).status).to.equal("PENDING");
    const [applied] = closeNext(ledger).transactions;
    expect(applied?.result.result.type).to.equal("txFailed");
    expect(applied?.operationChanges).to.deep.equal([]);
    const after = ledger.state.account(id);
    expect(after?.balanceStroops).to.equal((before?.balanceStroops ?? 0n) - 300n);
    expect(after?.sequenceNumber).to.equal((before?.sequenceNumber ?? 0n) + 1n);
    expect(ledger.state.data(id, "x")).to.equal(undefined);
  });

  it("undoes a failed operation before the next one runs", () => {
    const ledger = funded(freshLedger());
    const poor = key(8);
    const create = Operation.createAccount({ destination: poor.publicKey(), startingBalance: "1.001" });
    offer(ledger, transaction(ledger, ALICE, [create]));
    closeNext(ledger);
    const signer = { ed25519PublicKey: BOB.publicKey(), weight: 1 };
    const tx = transaction(ledger, poor, [
      Operation.setOptions({ setFlags: 4, signer }),
      Operation.setOptions({ setFlags: 1 }),
    ]);
    expect(offer(ledger, tx).status).to.equal("PENDING");
    const [applied] = closeNext(ledger).transactions;
    expect(applied?.result.toJson()).to.have.deep.nested.property("result.tx_failed", [
      { op_inner: { set_options: "low_reserve" } },
      { op_inner: { set_options: "success" } },
    ]);
  });

  it("chains headers by hash and gives two runs of the same input the same hashes", () => {
    const run = (): string[] => {
      const ledger = funded(freshLedger());
      const hashes: string[] = [];
      for (let i = 0; i < 3; i++) {
        offer(ledger, transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]));
        offer(ledger, transaction(ledger, BOB, [pay(ALICE.publicKey(), "2")]));
        const previous = ledger.header().hash;
        const { header } = closeNext(ledger);
        expect(toHex(header.header.previousLedgerHash.value)).to.equal(previous);
        hashes.push(header.hash);
      }
      return hashes;
    };
    expect(run()).to.deep.equal(run());
  });

  it("names what it does not support", () => {
    const ledger = funded(freshLedger());
    const trust = Operation.changeTrust({ asset: new Asset("USD", BOB.publicKey()) });
    const { status, errorResult } = offer(ledger, transaction(ledger, ALICE, [trust]));
    expect(status).to.equal("ERROR");
    expect(errorResult?.toJson()).to.have.nested.property("result.tx_failed[0]", "op_not_supported");
  });

  it("moves and returns reserves when a sponsorship is revoked", () => {
    const ledger = funded(freshLedger());
    const alice = ALICE.publicKey();
    const bob = BOB.publicKey();
    const sponsored = transaction(
      ledger,
      ALICE,
      [
        Operation.beginSponsoringFutureReserves({ sponsoredId: bob }),
        Operation.manageData({ name: "d", value: "1", source: bob }),
        Operation.endSponsoringFutureReserves({ source: bob }),
      ],
      { signers: [ALICE, BOB] },
    );
    expect(offer(ledger, sponsored).status).to.equal("PENDING");
    expect(closeNext(ledger).transactions.every(({ result }) => isSuccess(result))).to.equal(true);
    const counts = (): (number | undefined)[] => [
      ledger.state.account(toHex(ALICE.rawPublicKey()))?.sponsoringCount,
      ledger.state.account(toHex(BOB.rawPublicKey()))?.sponsoredCount,
    ];
    expect(counts()).to.deep.equal([1, 1]);
    offer(ledger, transaction(ledger, BOB, [Operation.revokeDataSponsorship({ account: bob, name: "d" })]));
    const [refused] = closeNext(ledger).transactions;
    expect(refused?.result.toJson()).to.have.nested.property(
      "result.tx_failed[0].op_inner.revoke_sponsorship",
      "not_sponsor",
    );
    offer(ledger, transaction(ledger, ALICE, [Operation.revokeDataSponsorship({ account: bob, name: "d" })]));
    expect(closeNext(ledger).transactions.every(({ result }) => isSuccess(result))).to.equal(true);
    expect(counts()).to.deep.equal([0, 0]);
    expect(alice).to.equal(accountIdToAddress(toHex(ALICE.rawPublicKey())));
  });

  describe("conservation", () => {
    const people = [ALICE, BOB, key(3), key(4), key(5)];
    const person = fc.integer({ min: 0, max: people.length - 1 });
    const at = (i: number) => people[i] ?? ALICE;
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
        arbitrary: fc.record({
          kind: fc.constant("signer" as const),
          to: person,
          weight: fc.integer({ min: 0, max: 1 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant("sponsor" as const),
          to: person,
          name: fc.integer({ min: 0, max: 3 }),
        }),
      },
    );
    const step = fc.record({
      source: person,
      operations: fc.array(operation, { minLength: 1, maxLength: 2 }),
      fee: fc.integer({ min: 100, max: 5_000 }),
      bump: fc.option(person),
      closes: fc.boolean(),
    });

    const build = (op: typeof operation extends fc.Arbitrary<infer T> ? T : never) => {
      const xlm = (stroops: number): string => (stroops / 10_000_000).toFixed(7);
      switch (op.kind) {
        case "pay":
          return [pay(at(op.to).publicKey(), xlm(op.amount))];
        case "create":
          return [Operation.createAccount({ destination: at(op.to).publicKey(), startingBalance: xlm(op.amount) })];
        case "merge":
          return [Operation.accountMerge({ destination: at(op.to).publicKey() })];
        case "data":
          return [Operation.manageData({ name: `d${String(op.name)}`, value: op.set ? "v" : null })];
        case "signer":
          return [Operation.setOptions({ signer: { ed25519PublicKey: at(op.to).publicKey(), weight: op.weight } })];
        case "sponsor":
          return [
            Operation.beginSponsoringFutureReserves({ sponsoredId: at(op.to).publicKey() }),
            Operation.manageData({ name: `s${String(op.name)}`, value: "v", source: at(op.to).publicKey() }),
            Operation.endSponsoringFutureReserves({ source: at(op.to).publicKey() }),
          ];
      }
    };

    it("keeps balances and fee pool together at all coins, and every count at what it counts", () => {
      let applied = 0;
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), (steps) => {
          const ledger = funded(freshLedger("chain"), people);
          for (const { source, operations, fee, bump, closes } of steps) {
            const signers = new Set([at(source)]);
            for (const op of operations) if (op.kind === "sponsor") signers.add(at(op.to));
            const tx = transaction(ledger, at(source), operations.flatMap(build), {
              fee: String(fee),
              signers: [...signers],
              ahead: BigInt(
                ledger.waiting().filter((w) => innerOf(w).sourceId === toHex(at(source).rawPublicKey())).length,
              ),
            });
            if (bump === null) offer(ledger, tx);
            else {
              const { networkPassphrase } = ledger.parameters;
              const outer = TransactionBuilder.buildFeeBumpTransaction(at(bump), String(fee), tx, networkPassphrase);
              outer.sign(at(bump));
              offer(ledger, outer);
            }
            if (closes) applied += closeNext(ledger).transactions.filter(({ result }) => isSuccess(result)).length;
            checkInvariants(ledger);
          }
        }),
        { numRuns: 40 },
      );
      expect(applied).to.be.greaterThan(50);
    });
  });
});

function checkInvariants(ledger: DevelopmentLedger): void {
  let coins = ledger.state.feePoolStroops;
  const sponsoring = new Map<string, number>();
  const add = (id: string | null, reserves: number): void => {
    if (id !== null) sponsoring.set(id, (sponsoring.get(id) ?? 0) + reserves);
  };
  const accounts = [...ledger.state.accounts()];
  for (const account of accounts) {
    coins += account.balanceStroops;
    expect(account.balanceStroops >= 0n).to.equal(true);
    const data = [...ledger.state.dataOf(account.id)];
    expect(account.subentryCount).to.equal(data.length + account.signers.length);
    const sponsored = [...data, ...account.signers].filter(({ sponsor }) => sponsor !== null).length;
    expect(account.sponsoredCount).to.equal(sponsored + (account.sponsor === null ? 0 : 2));
    for (const { sponsor } of [...data, ...account.signers]) add(sponsor, 1);
    add(account.sponsor, 2);
  }
  for (const account of accounts) expect(account.sponsoringCount).to.equal(sponsoring.get(account.id) ?? 0);
  expect(coins).to.equal(TOTAL_COINS_STROOPS);
}
