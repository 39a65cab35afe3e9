import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { payOut } from "../../../../src/client/change-program.ts";
import { topUp } from "../../../../src/client/top-up.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { payoutSharesStroops } from "../../../../src/domain/program/payout.ts";
import { refusalOf } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { prepay, proposalGate, untilKept, type Prepaid } from "../../../helpers/prepaid.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";

const XLM = 10_000_000n;

describe("worker/batches: payouts while prepaid requests wait", () => {
  let scene: ExecutionScene;
  let program: string;
  let wallet: Wallet;
  let open: () => void;
  const asked: Promise<unknown>[] = [];

  before(async () => {
    scene = await createExecutionScene();
    await scene.fundWorkers();
    wallet = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe");
    // Nothing is left of the test before, no request either: one that waits for a worker is sent once more when that is up again.
    await Promise.all(scene.workers.map(async (worker) => await worker.stop()));
    await Promise.all(asked.splice(0));
    for (const { changes } of scene.workers) changes.store = createMemoryStore();
    // Whatever is proposed waits until the payout is through.
    const gate = proposalGate(scene.workers);
    open = () => gate.open();
    await Promise.all(scene.workers.map(async (worker) => await worker.start()));
  });
  afterEach(async () => {
    open();
    for (const { changes } of scene.workers) delete changes.peers;
  });

  const funds = async (): Promise<{ spendableStroops: bigint; workers: number }> => {
    const { spendableStroops, workers } = await scene.account(program);
    return { spendableStroops, workers: workers.length };
  };
  /** A request for so many XLM that these workers keep. */
  const waiting = async (paidXlm: bigint, workers: readonly SceneWorker[]): Promise<Prepaid> => {
    const paid = await prepay(scene, wallet, program, "append wait;", { maxGas: paidXlm * XLM - 1_000n });
    for (const worker of workers) asked.push(refusalOf(worker, paid.signed).catch(() => undefined));
    await untilKept(workers, 1);
    return paid;
  };

  it("should leave what they have paid, and pay a smaller share", async () => {
    await topUp(scene.client, { program, wallet, stroops: 60n * XLM });
    const paid = await waiting(50n, scene.workers);
    const before = await funds();
    const { shareStroops } = await payOut(scene.client, { program, wallet });
    expect(shareStroops).to.equal(payoutSharesStroops({ ...before, waitingStroops: paid.paidStroops })[0]);
    expect(shareStroops > 0n && shareStroops < (payoutSharesStroops(before)[0] ?? 0n)).to.equal(true);
    expect((await funds()).spendableStroops >= paid.paidStroops).to.equal(true);
  }).timeout(60_000);

  it("should be refused where nothing else is there", async () => {
    await waiting(50n, scene.workers);
    expect(await codeOf(payOut(scene.client, { program, wallet }))).to.equal("NO_MAJORITY");
  }).timeout(60_000);

  it("should not be blocked by one worker that knows of requests which the others do not", async () => {
    const before = await funds();
    await waiting(50n, scene.workers.slice(0, 1));
    const after = await funds();
    expect(after.spendableStroops).to.equal(before.spendableStroops + 50n * XLM);
    const { shareStroops } = await payOut(scene.client, { program, wallet });
    expect(shareStroops).to.equal(payoutSharesStroops(after)[0]);
  }).timeout(60_000);
});
