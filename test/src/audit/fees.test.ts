import { expect } from "chai";

import { changeProgram } from "../../../src/client/change-program.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createBatchMaker } from "../../helpers/batch-history.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { prepay } from "../../helpers/prepaid.ts";

/** A change of fees that landed is over this long after, since it cannot have landed later than its time. */
const LONG_AFTER_MS = 200_000;

describe("audit of payments at prices that changed", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    auditor = await createSceneAuditor(scene);
    owner = await scene.user();
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });
  afterEach(() => (scene.clock.shiftMs = 0));

  const raise = async (program: string, baseFeeStroops: bigint): Promise<void> => {
    const change = { kind: "terms" as const, terms: { baseFeeStroops, gasPriceStroops: 1_000n } };
    await changeProgram(scene.client, { program, change, wallet: owner });
  };

  it("should let a request wait through two rises of the fees, at the price of when it was taken", async () => {
    const program = await scene.program("probe", { owner: owner.account });
    const batches = createBatchMaker(scene, auditor.engine, { program, payer: owner });
    const takenAt = await scene.account(program);
    const paid = await prepay(scene, owner, program, "append a;");
    await raise(program, 2_000n);
    await raise(program, 3_000n);
    await batches.land([paid], { takenAt });
    const report = await auditor.audit(program);
    expect(report.wrong?.faults ?? []).to.deep.equal([]);
    expect(report).to.include({ outcome: "clean", ran: 1, paymentsSeen: 1 });
  }).timeout(20_000);

  it("should name a payment at a price that was over when it was made", async () => {
    const program = await scene.program("probe", { owner: owner.account });
    const batches = createBatchMaker(scene, auditor.engine, { program, payer: owner });
    const takenAt = await scene.account(program);
    await raise(program, 2_000n);
    scene.clock.shiftMs = LONG_AFTER_MS;
    scene.devnet.closeLedger();
    const late = await prepay(scene, owner, program, "append a;", {}, takenAt);
    const recordCid = await batches.land([late], { takenAt });
    const { wrong } = await auditor.audit(program);
    expect(wrong).to.include({ recordCid });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["PAYMENT_INVALID"]);
  }).timeout(20_000);
});
