import { expect } from "chai";

import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { topUp } from "../../../../src/client/top-up.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { fundAccount } from "../../../../src/devnet/fund.ts";
import { PAYOUT_KEEP_STROOPS } from "../../../../src/domain/program/payout.ts";
import { BUMP_AFTER_SECONDS } from "../../../../src/domain/program/recovery.ts";
import type { Startable } from "../../../../src/ports/startable.ts";
import { createConsentedRecords } from "../../../../src/worker/changes/consented-records.ts";
import { keepPrograms } from "../../../../src/worker/changes/keep-programs.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { until } from "../../../helpers/until.ts";

const EVERY_MS = 50;
const PATIENCE = { timeoutMs: 30_000 };

describe("looking after programs", () => {
  let scene: ExecutionScene;
  let user: Wallet;
  let keepers: readonly Startable[] = [];
  const programs: string[] = [];
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    user = await scene.user();
    for (const { ledgerKey } of scene.workers) await fundAccount(scene.devnet.friendbotUrl, ledgerKey.publicKey());
    // One of the three is away for good: the others take its turns.
    keepers = scene.workers.slice(0, 2).map(({ ledgerKey, content }) =>
      keepPrograms(
        {
          ...scene.client,
          content,
          logger: createMemoryLogger(scene.lines),
          ledgerKey,
          consented: createConsentedRecords({ store: createMemoryStore(), content, ledger: scene.client.ledger }),
          programs: () => programs,
          waitingStroops: () => 0n,
        },
        { everyMs: EVERY_MS },
      ),
    );
    await Promise.all(keepers.map(async (keeper) => await keeper.start()));
  });
  after(async () => {
    await Promise.all(keepers.map(async (keeper) => await keeper.stop()));
    await scene.stop();
  });

  it("should pay out what a program has earned, once, though a worker is away", async () => {
    const program = await scene.program("probe");
    await topUp(scene.client, { program, wallet: user, stroops: 610_000_000n });
    const { sequence } = await scene.account(program);
    programs.push(program);
    await until(async () => (await scene.account(program)).spendableStroops < 20_000_000n, {
      ...PATIENCE,
      what: "a payout",
    });
    const paid = await scene.account(program);
    expect(paid.spendableStroops).to.equal(PAYOUT_KEEP_STROOPS);
    expect(paid.sequence).to.equal(sequence + 1n);
  }).timeout(40_000);

  it("should move a program that was silent, and leave it alone then", async () => {
    const program = await scene.program("probe");
    const { sequence } = await scene.account(program);
    scene.clock.shiftMs = (BUMP_AFTER_SECONDS + 60) * 1_000;
    scene.devnet.closeLedger();
    programs.splice(0, programs.length, program);
    await until(async () => (await scene.account(program)).sequence > sequence, { ...PATIENCE, what: "a bump" });
    expect((await scene.account(program)).sequence).to.equal(sequence + 1n);
  }).timeout(40_000);
});
