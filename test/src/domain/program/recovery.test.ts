import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createStellarRpcLedger } from "../../../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { anchor } from "../../../../src/client/anchor.ts";
import { submitAndWait } from "../../../../src/client/submit.ts";
import { walletOf } from "../../../../src/client/wallet.ts";
import { createStellarDevnet, type StellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { fundAccount } from "../../../../src/devnet/fund.ts";
import { buildCreateTransaction } from "../../../../src/domain/program/create-transaction.ts";
import {
  BUMP_AFTER_SECONDS,
  RECOVERY_SILENCE_SECONDS,
  buildRecovery,
  checkSilence,
} from "../../../../src/domain/program/recovery.ts";
import { ENTRY_NAMES, majorityOf, readRecoveredAccount } from "../../../../src/domain/program/smart-account.ts";
import { loadSmartAccount } from "../../../../src/execution/load-smart-account.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import type { Ledger } from "../../../../src/ports/ledger.ts";
import { recordCidOf } from "../../../../src/wire/canonical.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { keyOf, termsFor } from "../../../helpers/smart-accounts.ts";

const OWNER = keyOf(250);

describe("recovery of a smart account", () => {
  let devnet: StellarDevnet;
  let ledger: Ledger;
  let shiftMs = 0;
  const clock: Clock = {
    now: () => systemClock.now() + shiftMs,
    sleep: async (ms, options) => await systemClock.sleep(ms, options),
  };
  before(async () => {
    devnet = await createStellarDevnet({ logger: createMemoryLogger(), closeEveryMs: 0, clock });
    ledger = createStellarRpcLedger({ rpcUrl: devnet.rpcUrl, networkPassphrase: devnet.networkPassphrase });
    await fundAccount(devnet.friendbotUrl, OWNER.publicKey());
  });
  after(() => devnet.stop());

  const maxTime = (): number => Math.floor(clock.now() / 1_000) + 600;

  // The owner's key takes the place of a worker's, so neither the limit of 20 signers nor a reserve of nothing is in its way.
  for (const [count, ownerWorks] of [
    [1, false],
    [1, true],
    [3, true],
    [20, false],
    [20, true],
  ] as const) {
    it(`leaves ${count} worker${count === 1 ? "" : "s"} no say, after 30 days of silence and not before${ownerWorks ? " (the owner is one)" : ""}`, async () => {
      const account = keyOf(150 + count + (ownerWorks ? 50 : 0));
      const { workers: others } = termsFor(count);
      const workers = ownerWorks
        ? [...others.slice(1), { address: "http://127.0.0.1:1", ledgerKey: OWNER.publicKey() }]
        : others;
      const payer = await ledger.account(OWNER.publicKey(), []);
      const create = buildCreateTransaction({
        network: devnet.networkPassphrase,
        payer: { id: OWNER.publicKey(), sequence: payer?.account.sequence ?? 0n },
        account,
        terms: termsFor(count, { workers, owner: OWNER.publicKey() }),
        recordHash: new Uint8Array(32),
        feeStroops: 100n,
        maxTime: maxTime(),
        endowmentStroops: 0n,
      });
      create.sign(OWNER, account);
      await submitAndWait({ ledger, clock }, create, maxTime());
      const program = await loadSmartAccount(ledger, account.publicKey());
      expect(program.snapshot.account.sequenceTime, "the date of a sequence that has never moved").to.be.above(0);

      const keys = [OWNER, ...Array.from({ length: count }, (_, i) => keyOf(i + 1))];
      const signing = keys.filter((key) => workers.some(({ ledgerKey }) => ledgerKey === key.publicKey()));
      const recover = async (): Promise<string | undefined> => {
        const transaction = buildRecovery({
          network: devnet.networkPassphrase,
          program: program.id,
          owner: OWNER.publicKey(),
          signers: program.snapshot.account.signers,
          sequence: program.sequence,
          recordCid: recordCidOf(new Uint8Array([2])),
        });
        const hash = transaction.hash();
        const signatures = new Map(
          signing.slice(0, majorityOf(count)).map((key) => [key.publicKey(), new Uint8Array(key.sign(hash))]),
        );
        const parts = { transaction, program, wallet: walletOf(OWNER), signatures, maxTime: maxTime() };
        return await codeOf(anchor({ ledger, clock }, parts));
      };
      expect(await recover()).to.equal("LEDGER_REJECTED");
      shiftMs += (RECOVERY_SILENCE_SECONDS + 1) * 1_000;
      devnet.closeLedger();
      expect(await recover()).to.equal(undefined);

      const snapshot = await ledger.account(program.id, ENTRY_NAMES);
      if (snapshot === undefined) throw new Error("the account is gone");
      const { thresholds, signers } = snapshot.account;
      expect(readRecoveredAccount(snapshot).workers).to.deep.equal(workers);
      expect(thresholds).to.deep.equal({ master: 0, low: 255, medium: 255, high: 255 });
      const rest = signers.filter(({ key }) => key !== OWNER.publicKey());
      expect(rest.reduce((sum, { weight }) => sum + weight, 0)).to.be.below(255);
      expect(signers.find(({ key }) => key === OWNER.publicKey())?.weight).to.equal(255);
    }).timeout(20_000);
  }

  it("is kept closed by bumps of accounts that were silent for 10 days, and of no others", () => {
    expect(() => checkSilence({ nowSeconds: BUMP_AFTER_SECONDS - 1, movedSeconds: 0 }))
      .to.throw()
      .with.property("code", "BUMP_REFUSED");
    checkSilence({ nowSeconds: BUMP_AFTER_SECONDS, movedSeconds: 0 });
    expect(3 * BUMP_AFTER_SECONDS).to.be.at.most(RECOVERY_SILENCE_SECONDS);
  });
});
