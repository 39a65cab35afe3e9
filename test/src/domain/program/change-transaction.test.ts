import type { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createStellarRpcLedger } from "../../../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { anchor } from "../../../../src/client/anchor.ts";
import { walletOf } from "../../../../src/client/wallet.ts";
import { createStellarDevnet, type StellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { fundAccount } from "../../../../src/devnet/fund.ts";
import {
  addedReserveStroops,
  buildChangeTransaction,
  termsAfter,
  type AccountChange,
} from "../../../../src/domain/program/change-transaction.ts";
import { buildCreateTransaction } from "../../../../src/domain/program/create-transaction.ts";
import { majorityOf, readSmartAccount, type SmartAccount } from "../../../../src/domain/program/smart-account.ts";
import { submitAndWait } from "../../../../src/client/submit.ts";
import { loadSmartAccount } from "../../../../src/execution/load-smart-account.ts";
import type { Ledger } from "../../../../src/ports/ledger.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { MODULE, STATE, keyOf, snapshotWith, termsFor } from "../../../helpers/smart-accounts.ts";

const OWNER = keyOf(250);
const WINDOW_SECONDS = 600;
const IMAGE = { address: "localhost:5000/books:2", digest: "cd".repeat(32) };

/** The workers with these numbers; `moved` have another address than before. */
function workersOf(numbers: readonly number[], moved: boolean): Worker[] {
  return numbers.map((n) => ({
    address: `http://127.0.0.1:${moved ? 8_000 + n : 9_000 + n}`,
    ledgerKey: keyOf(n).publicKey(),
  }));
}

type Worker = { address: string; ledgerKey: string };

const someWorkers = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });

describe("transaction that changes a smart account", () => {
  let devnet: StellarDevnet;
  let ledger: Ledger;
  let made = 0;
  before(async () => {
    devnet = await createStellarDevnet({ logger: createMemoryLogger(), closeEveryMs: 0 });
    ledger = createStellarRpcLedger({ rpcUrl: devnet.rpcUrl, networkPassphrase: devnet.networkPassphrase });
    await fundAccount(devnet.friendbotUrl, OWNER.publicKey());
  });
  after(() => devnet.stop());

  const maxTime = (): number => Math.floor(systemClock.now() / 1_000) + WINDOW_SECONDS;

  /** Makes a smart account that can spend nothing. */
  async function create(workers: readonly Worker[]): Promise<SmartAccount> {
    made += 1;
    const account = keyOf(100 + made);
    const payer = await ledger.account(OWNER.publicKey(), []);
    const transaction = buildCreateTransaction({
      network: devnet.networkPassphrase,
      payer: { id: OWNER.publicKey(), sequence: payer?.account.sequence ?? 0n },
      account,
      terms: termsFor(1, { workers, owner: OWNER.publicKey() }),
      recordHash: new Uint8Array(32),
      feeStroops: 100n,
      maxTime: maxTime(),
      endowmentStroops: 0n,
    });
    transaction.sign(OWNER, account);
    await submitAndWait({ ledger, clock: systemClock }, transaction, maxTime());
    return await loadSmartAccount(ledger, account.publicKey());
  }

  /** Lands a change that the first `majority` workers of now sign, with a top-up of just what is missing. */
  async function change(
    account: SmartAccount,
    what: AccountChange,
    signers: readonly Keypair[],
  ): Promise<SmartAccount> {
    const after = termsAfter(account, what);
    const added = addedReserveStroops(account, after) - account.spendableStroops;
    const until = maxTime();
    const transaction = buildChangeTransaction({
      account,
      after,
      request: {
        version: 1,
        network: devnet.networkPassphrase,
        program: account.id,
        sequence: account.sequence,
        validUntil: BigInt(until),
        ...(added > 0n ? { topUpStroops: added } : {}),
        change: what,
      },
      recordCid: recordCidOf(new Uint8Array([1])),
    });
    expect(transaction.operations.length).to.be.at.most(100);
    const hash = transaction.hash();
    const signatures = new Map(signers.map((key) => [key.publicKey(), new Uint8Array(key.sign(hash))]));
    const landed = await anchor(
      { ledger, clock: systemClock },
      { transaction, program: account, wallet: walletOf(OWNER), signatures, maxTime: until },
    );
    expect(landed?.successful).to.equal(true);
    return await loadSmartAccount(ledger, account.id);
  }

  const keysOf = (numbers: readonly number[]): readonly Keypair[] => numbers.map((n) => keyOf(n));

  it("takes any workers to any others in one transaction that the ledger takes, with no more reserve than it says", async () => {
    await fc.assert(
      fc.asyncProperty(someWorkers, someWorkers, fc.boolean(), async (before, after, moved) => {
        fc.pre(moved || before.join() !== after.join());
        const account = await create(workersOf(before, false));
        const workers = workersOf(after, moved);
        const changed = await change(account, { kind: "workers", workers }, keysOf(before));
        expect(changed.workers).to.deep.equal(workers);
        expect(changed.snapshot.account.thresholds.high).to.equal(majorityOf(after.length));
        expect(changed.snapshot.data.size).to.equal(5 + 2 * after.length);
        expect(changed).to.deep.include({ state: STATE, owner: OWNER.publicKey() });
      }),
      { numRuns: 10, examples: [[[1], Array.from({ length: 20 }, (_, i) => 30 - i), true]] },
    );
  }).timeout(60_000);

  it("grows and shrinks between 1 and 20, the workers of each step deciding on the next", async () => {
    let numbers: readonly number[] = [1];
    let account = await create(workersOf(numbers, false));
    for (const size of [2, 3, 20, 19, 4, 1]) {
      const next = Array.from({ length: size }, (_, i) => i + 1 + (size % 3));
      account = await change(account, { kind: "workers", workers: workersOf(next, false) }, keysOf(numbers));
      numbers = next;
      expect(account.workers).to.have.length(size);
    }
    const last = await change(
      account,
      { kind: "terms", terms: { baseFeeStroops: 7n, gasPriceStroops: 8n } },
      keysOf(numbers),
    );
    expect(last).to.include({ baseFeeStroops: 7n, gasPriceStroops: 8n });
  }).timeout(60_000);

  it("goes from a module to an image with a digest and back, and leaves no entry behind", async () => {
    const account = await create(workersOf([1, 2, 3], false));
    const docker = await change(account, { kind: "program", image: IMAGE }, keysOf([1, 2]));
    expect(docker.program).to.deep.equal({ kind: "docker", image: IMAGE.address, digest: IMAGE.digest });
    const back = await change(docker, { kind: "program", image: { address: `wasm:${MODULE}` } }, keysOf([2, 3]));
    expect(back.program).to.deep.equal(account.program);
    expect(back.snapshot.data.size).to.equal(account.snapshot.data.size);
  }).timeout(30_000);

  const refused: Readonly<Record<string, AccountChange>> = {
    "no workers": { kind: "workers", workers: [] },
    "21 workers": {
      kind: "workers",
      workers: workersOf(
        Array.from({ length: 21 }, (_, i) => i + 1),
        false,
      ),
    },
    "a worker twice": { kind: "workers", workers: workersOf([1, 1], false) },
    "a key that is none": { kind: "workers", workers: [{ address: "http://127.0.0.1:1", ledgerKey: "G1" }] },
    "the program as its own worker": {
      kind: "workers",
      workers: [{ address: "http://127.0.0.1:1", ledgerKey: snapshotWith().account.id }],
    },
    "an address over 64 bytes": {
      kind: "workers",
      workers: [{ address: `http://${"é".repeat(30)}`, ledgerKey: keyOf(1).publicKey() }],
    },
    "the workers that it has": { kind: "workers", workers: [...termsFor(3).workers] },
    "an image without a digest": { kind: "program", image: { address: "localhost:5000/books:1" } },
    "a base fee of nothing": { kind: "terms", terms: { baseFeeStroops: 0n, gasPriceStroops: 1n } },
    "the fees that it has": { kind: "terms", terms: { baseFeeStroops: 100n, gasPriceStroops: 10n } },
  };
  for (const [name, what] of Object.entries(refused)) {
    it(`is refused for ${name}`, () => {
      expect(() => termsAfter(readSmartAccount(snapshotWith()), what))
        .to.throw()
        .with.property("code", "INVALID_INPUT");
    });
  }
});
