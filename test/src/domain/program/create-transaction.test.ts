import { Networks } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { reserveStroops, type SmartAccountTerms } from "../../../../src/domain/program/account-terms.ts";
import { buildCreateTransaction, createRecordOf } from "../../../../src/domain/program/create-transaction.ts";
import { memoHashOf } from "../../../../src/domain/program/envelope.ts";
import { decodeRecord, encodeRecord } from "../../../../src/wire/record.ts";
import { STATE, keyOf, termsFor } from "../../../helpers/smart-accounts.ts";

const account = keyOf(200);
const payer = keyOf(201).publicKey();
const recordHash = new Uint8Array(32).fill(7);

function build(terms: SmartAccountTerms, endowmentStroops = 10_000_000n): ReturnType<typeof buildCreateTransaction> {
  return buildCreateTransaction({
    network: Networks.TESTNET,
    payer: { id: payer, sequence: 41n },
    account,
    terms,
    recordHash,
    feeStroops: 100n,
    maxTime: 1_900_000_000,
    endowmentStroops,
  });
}

/** Terms that would make an account nobody can use. */
const REFUSED: Readonly<Record<string, Partial<SmartAccountTerms>>> = {
  "no workers": { workers: [] },
  "21 workers": termsFor(21),
  "a worker twice": { workers: [...termsFor(2).workers, ...termsFor(1).workers] },
  "a worker whose key is none": { workers: [{ address: "http://127.0.0.1:1", ledgerKey: "G123" }] },
  "a worker without an address": { workers: [{ address: "", ledgerKey: keyOf(1).publicKey() }] },
  "an address over 64 bytes": { workers: [{ address: `http://${"é".repeat(30)}`, ledgerKey: keyOf(1).publicKey() }] },
  "an owner who is none": { owner: "me" },
  "a state that is no CID": { state: "latest" },
  "a module that is no CID": { program: { kind: "wasi", cid: "books" } },
  "an image without a digest": { program: { kind: "docker", image: "localhost:5000/books:1", digest: "" } },
  "a base fee of nothing": { baseFeeStroops: 0n },
  "a negative gas price": { gasPriceStroops: -1n },
};

describe("transaction that makes a smart account", () => {
  for (const workers of [1, 2, 3, 5, 20]) {
    for (const owner of [undefined, keyOf(77).publicKey()]) {
      it(`sets entries, signers and thresholds at once (${workers} workers${owner === undefined ? "" : ", owned"})`, () => {
        const terms = termsFor(workers, owner === undefined ? {} : { owner });
        const entries = 4 + 2 * workers + (owner === undefined ? 0 : 1);
        const { operations, memo, fee } = build(terms);
        const count = (type: string): number => operations.filter((operation) => operation.type === type).length;
        expect(count("createAccount")).to.equal(1);
        expect(count("bumpSequence")).to.equal(1);
        expect(count("manageData")).to.equal(entries);
        expect(count("setOptions")).to.equal(workers + 1);
        expect(operations).to.have.length(entries + workers + 3);
        expect(operations.length).to.be.at.most(100);
        expect(BigInt(fee)).to.equal(100n * BigInt(operations.length));
        expect(memo.type).to.equal("hash");
        expect(memoHashOf(build(terms))).to.deep.equal(recordHash);
        expect(reserveStroops(terms)).to.equal(BigInt(2 + entries + workers) * 5_000_000n);
      });
    }
  }

  it("takes the master key away last, after the signers are there", () => {
    const operations = build(termsFor(3)).operations;
    expect(operations.at(-1)).to.deep.include({
      type: "setOptions",
      masterWeight: 0,
      lowThreshold: 2,
      medThreshold: 2,
      highThreshold: 2,
    });
    const others = operations.slice(1, -1);
    expect(
      others.every((operation) => !("masterWeight" in operation) || operation.masterWeight === undefined),
    ).to.equal(true);
  });

  it("pays the reserve and what was asked for above it", () => {
    const [created] = build(termsFor(3), 25_000_000n).operations;
    // (2 + 10 entries + 3 signers) x 0.5 + 2.5
    expect(created).to.deep.include({
      type: "createAccount",
      destination: account.publicKey(),
      startingBalance: "10.0000000",
    });
  });

  it("gives its record, which comes back as it went", () => {
    const record = createRecordOf(Networks.TESTNET, account.publicKey(), termsFor(3, { owner: keyOf(77).publicKey() }));
    expect(decodeRecord(encodeRecord(record))).to.deep.equal(record);
    expect(record).to.deep.include({ kind: "create", state: STATE, owner: keyOf(77).publicKey() });
  });

  for (const [name, change] of Object.entries(REFUSED)) {
    it(`is refused for ${name}`, () => {
      expect(() => createRecordOf(Networks.TESTNET, account.publicKey(), termsFor(3, change)))
        .to.throw()
        .with.property("code", "INVALID_INPUT");
    });
  }
});
