import { expect } from "chai";

import type { Wallet } from "../../../src/client/wallet.ts";
import { LIMIT_TABLES, limitsOf, type LimitTable } from "../../../src/execution/limits.ts";
import type { BatchRecord } from "../../../src/wire/batch-record.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createBatchMaker, type BatchForgery } from "../../helpers/batch-history.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { prepay } from "../../helpers/prepaid.ts";

/** What an earlier build might have had: of an output that has room now, it rejects the run. */
const EARLIER = { ...limitsOf("wasi"), outputBytes: 8 };
const TABLES: readonly LimitTable[] = [{ docker: limitsOf("docker"), wasi: EARLIER }, ...LIMIT_TABLES];

describe("audit of what ran under other limits", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    auditor = await createSceneAuditor(scene, { limitTables: TABLES });
    wallet = await scene.user();
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });

  const named = (record: BatchRecord): BatchRecord => ({ ...record, limits: { ...record.limits, ...EARLIER } });
  /** A batch with an output of 16 bytes, after one that has room under all limits. */
  const land = async (forgery: BatchForgery): Promise<string> => {
    const program = await scene.program("probe");
    const batches = createBatchMaker(scene, auditor.engine, { program, payer: wallet });
    const inputs = ["append a;", `echo\n${"x".repeat(16)}`];
    const paid = [];
    for (const input of inputs) paid.push(await prepay(scene, wallet, program, input));
    await batches.land(paid, forgery);
    return program;
  };

  it("should run a record again under the limits that it was made under", async () => {
    const program = await land({ plan: (plan) => ({ ...plan, limits: EARLIER }), record: named });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1 });
    const now = await land({});
    expect(await auditor.audit(now), "under those of now").to.include({ outcome: "clean", ran: 1 });
  });

  it("should name a record that says limits under which it did not run", async () => {
    const program = await land({ record: named });
    const { wrong } = await auditor.audit(program);
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["RESULT_REJECTED"]);
    expect(wrong?.faults[0]?.message).to.match(/^input 2: /);
  });

  it("should name limits that there never were", async () => {
    const program = await land({ plan: (plan) => ({ ...plan, limits: EARLIER }), record: named });
    const other = await createSceneAuditor(scene);
    try {
      const { wrong } = await other.audit(program);
      expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["LIMITS_MISMATCH"]);
    } finally {
      await other.close();
    }
  });
});
