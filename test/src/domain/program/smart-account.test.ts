import { expect } from "chai";

import {
  ENTRY_NAMES,
  imageOf,
  majorityOf,
  programReference,
  readSmartAccount,
} from "../../../../src/domain/program/smart-account.ts";
import { MODULE, STATE, keyOf, snapshotWith } from "../../../helpers/smart-accounts.ts";

type Change = NonNullable<Parameters<typeof snapshotWith>[0]>;

const worker = (n: number): string => keyOf(n).publicKey();
const signers = (...keys: readonly string[]): { key: string; weight: number }[] =>
  keys.map((key) => ({ key, weight: 1 }));

/** Every rule of a smart account, broken once. */
const BROKEN: Readonly<Record<string, Change & { says: RegExp }>> = {
  "a master key that counts": { account: { thresholds: { master: 1, low: 2, medium: 2, high: 2 } }, says: /master/ },
  "a low threshold below the majority": {
    account: { thresholds: { master: 0, low: 1, medium: 2, high: 2 } },
    says: /thresholds/,
  },
  "a medium threshold below the majority": {
    account: { thresholds: { master: 0, low: 2, medium: 1, high: 2 } },
    says: /thresholds/,
  },
  "a high threshold above the majority": {
    account: { thresholds: { master: 0, low: 2, medium: 2, high: 3 } },
    says: /thresholds/,
  },
  "a worker that is no signer": {
    account: { signers: signers(worker(1), worker(2), worker(4)) },
    says: /not a signer/,
  },
  "a worker of weight 2": {
    account: { signers: [{ key: worker(1), weight: 2 }, ...signers(worker(2), worker(3))] },
    says: /weight 1/,
  },
  "a signer that no entry names": {
    account: { signers: signers(worker(1), worker(2), worker(3), worker(4)) },
    says: /4 signers for 3 workers/,
  },
  "a signer hidden behind a worker named twice": {
    data: { worker_2_public_key: worker(1) },
    account: { signers: signers(worker(1), worker(3), worker(4)) },
    says: /twice/,
  },
  "no worker": { data: { worker_1_public_key: undefined }, says: /no worker/ },
  "a worker without an address": { data: { worker_2_address: undefined }, says: /worker 2 has no address/ },
  "no image": { data: { smart_program_image_address: undefined }, says: /smart_program_image_address/ },
  "an image without a digest": { data: { smart_program_image_address: "localhost:5000/books:1" }, says: /pinned/ },
  "an image with half a digest": {
    data: { smart_program_image_address: "localhost:5000/books:1", smart_program_image_digest: "ab".repeat(16) },
    says: /pinned/,
  },
  "a module that is no CID": { data: { smart_program_image_address: "wasm:books" }, says: /pinned/ },
  "a module with a digest": { data: { smart_program_image_digest: "ab".repeat(32) }, says: /pinned/ },
  "no state": { data: { current_state: undefined }, says: /current_state/ },
  "a state that is no CID": { data: { current_state: "latest" }, says: /current_state/ },
  "no base fee": { data: { execution_base_fee: undefined }, says: /execution_base_fee/ },
  "a negative base fee": { data: { execution_base_fee: "-1" }, says: /execution_base_fee/ },
  "a base fee in XLM": { data: { execution_base_fee: "0.5" }, says: /execution_base_fee/ },
  "a gas price too long to be one": { data: { gas_price: "9".repeat(19) }, says: /gas_price/ },
  "an owner that is no address": { data: { smart_program_owner: "me" }, says: /smart_program_owner/ },
};

describe("smart account", () => {
  it("is read as its entries, signers and thresholds say", () => {
    const account = readSmartAccount(snapshotWith({ data: { smart_program_owner: worker(9) } }));
    expect(account).to.deep.include({
      id: worker(99),
      ledger: 42,
      sequence: 7n,
      spendableStroops: 40_000_000n,
      program: { kind: "wasi", cid: MODULE },
      state: STATE,
      stateLedger: 41,
      baseFeeStroops: 100n,
      gasPriceStroops: 10n,
      owner: worker(9),
    });
    expect(account.workers.map(({ ledgerKey }) => ledgerKey)).to.deep.equal([worker(1), worker(2), worker(3)]);
  });

  for (const [name, { says, ...change }] of Object.entries(BROKEN)) {
    it(`is refused for ${name}`, () => {
      expect(() => readSmartAccount(snapshotWith(change)))
        .to.throw(says)
        .with.property("code", "SMART_ACCOUNT_INVALID");
    });
  }

  it("needs int(N / 2) + 1 of its workers", () => {
    expect([1, 2, 3, 4, 5, 19, 20].map(majorityOf)).to.deep.equal([1, 2, 2, 3, 3, 10, 11]);
  });

  it("has at most 46 entries, each name once", () => {
    expect(new Set(ENTRY_NAMES).size).to.equal(46);
    expect(ENTRY_NAMES).to.include.members(["worker_1_address", "worker_20_public_key"]);
  });

  it("names a program by what its entries hold, both ways", () => {
    const references = [
      { kind: "wasi", cid: MODULE },
      { kind: "docker", image: "localhost:5000/books:1", digest: "ab".repeat(32) },
    ] as const;
    for (const reference of references) {
      const { address, digest } = imageOf(reference);
      expect(programReference(address, digest)).to.deep.equal(reference);
    }
  });
});
