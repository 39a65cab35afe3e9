import { Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import type { Wallet } from "../../../../src/client/wallet.ts";
import { creditsAfter } from "../../../../src/domain/program/credits.ts";
import { MAX_REFUNDS, type RefundRecord } from "../../../../src/wire/batch-record.ts";
import { decodeRecord } from "../../../../src/wire/record.ts";
import { createSceneAuditor, type SceneAuditor } from "../../../helpers/auditor.ts";
import { createBatchMaker } from "../../../helpers/batch-history.ts";
import { refusalOf } from "../../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { land } from "../../../helpers/ledger-moves.ts";
import { historyOf, prepay, restart, type Prepaid } from "../../../helpers/prepaid.ts";
import { until } from "../../../helpers/until.ts";

/** One more than the half of a full refund, so that the refund after one that failed leaves somebody out. */
const USERS = MAX_REFUNDS / 2 + 1;

describe("worker/batches: a refund that fails on the ledger", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  before(async () => {
    scene = await createExecutionScene();
    await scene.fundWorkers();
    auditor = await createSceneAuditor(scene);
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });

  it("should be followed by smaller ones that pay all who are still there", async () => {
    const program = await scene.program("probe");
    const heir = await scene.user();
    const users: Wallet[] = [];
    for (let n = 0; n < USERS; n += 1) users.push(await scene.user());
    const leaver = users[USERS - 1]!;
    let leaving: Promise<unknown> | undefined;
    for (const { changes } of scene.workers) {
      changes.peers = (honest) => ({
        async endorse(url, proposal, options) {
          const verdict = await honest.endorse(url, proposal, options);
          const record = decodeRecord(proposal.recordBlock);
          if (record.kind === "refund" && record.payments.some(({ user }) => user === leaver.account)) {
            // After it was signed, before it lands.
            leaving ??= land(scene, leaver, [Operation.accountMerge({ destination: heir.account })]);
            await leaving;
          }
          return verdict;
        },
      });
    }
    // A machine that is busy must not make a proposer give up before its refund fails.
    for (const { changes } of scene.workers) changes.batchTiming = { proposerTimeoutMs: 20_000 };
    await restart(scene.workers);
    // All but the last one's requests land without the workers' APIs, which is faster.
    const maker = createBatchMaker(scene, auditor.engine, { program, payer: heir });
    const paid: Prepaid[] = [];
    for (const wallet of users) paid.push(await prepay(scene, wallet, program, "exit 1"));
    await maker.land(paid.slice(0, -1));
    for (const worker of scene.workers) void refusalOf(worker, paid.at(-1)!.signed);
    const refunds = async (): Promise<RefundRecord[]> =>
      (await historyOf(scene, program)).flatMap((record) => (record.kind === "refund" ? [record] : [])).reverse();
    const paidTo = async (): Promise<string[]> =>
      (await refunds()).flatMap(({ payments }) => payments.map(({ user }) => user));
    await until(async () => new Set(await paidTo()).size === USERS - 1, {
      what: "all but the one who left are paid back",
      timeoutMs: 120_000,
    });
    const failed = (await refunds()).findIndex(({ skipped }) => skipped.length > 0);
    const after = (await refunds())[failed];
    expect(after?.skipped).to.have.length(1);
    expect(after?.payments.length).to.be.within(1, MAX_REFUNDS / 2);
    expect(after?.credits?.length, "somebody had to wait for the next one").to.be.greaterThan(1);
    expect(await paidTo(), "each once").to.have.length(USERS - 1);
    const [last] = await historyOf(scene, program);
    expect(last === undefined ? [] : creditsAfter(last).map(({ user }) => user)).to.deep.equal([leaver.account]);
  }).timeout(180_000);
});
