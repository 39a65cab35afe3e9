import { expect } from "chai";

import { changeProgram } from "../../../../src/client/change-program.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import type { SignedRequest } from "../../../../src/wire/execution-request.ts";
import { ask, refusalOf } from "../../../helpers/ask-all.ts";
import { createSceneAuditor } from "../../../helpers/auditor.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { batchesOf, keptBy, prepay, proposalGate, restart, stateOf } from "../../../helpers/prepaid.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";
import { until } from "../../../helpers/until.ts";

/** A change of prices that landed is over this long after, since it cannot have landed later than its time. */
const LONG_AFTER_MS = 200_000;

describe("worker/batches: prices that rise", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  let program: string;
  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    await scene.fundWorkers();
    owner = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe", { owner: owner.account });
  });

  const raise = async (gasPriceStroops: bigint): Promise<void> => {
    const terms = { baseFeeStroops: 2_000n, gasPriceStroops };
    await changeProgram(scene.client, { program, change: { kind: "terms", terms }, wallet: owner });
  };
  const ranOf = async (): Promise<string[]> =>
    (await batchesOf(scene, program)).flatMap(({ inputs }) =>
      inputs.map(({ signedRequest }) => toHex(signedRequest.paymentHash)),
    );
  const untilRan = async ({ paymentHash }: SignedRequest): Promise<void> =>
    await until(async () => (await ranOf()).includes(toHex(paymentHash)), {
      what: "the request was run",
      timeoutMs: 60_000,
    });

  it("should run what was paid for before, though of two workers that are left one heard of it only then", async () => {
    const [knowing, unknowing, dead] = scene.workers as [SceneWorker, SceneWorker, SceneWorker];
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const paid = await prepay(scene, await scene.user(), program, "append before;");
    void refusalOf(knowing, paid.signed);
    await until(async () => (await keptBy(knowing)) === 1, { what: "one worker has it", timeoutMs: 60_000 });
    await dead.stop();
    try {
      await raise(3_000n);
      await raise(5_000n);
      expect(await keptBy(unknowing)).to.equal(0);
      gate.open();
      await untilRan(paid.signed);
      expect((await ask(unknowing, paid.signed)).signed.answer.newState).to.equal(stateOf("before;"));
    } finally {
      await dead.start();
    }
    const auditor = await createSceneAuditor(scene);
    try {
      expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1, paymentsSeen: 1 });
    } finally {
      await auditor.close();
    }
  }).timeout(120_000);

  it("should not insist on what was too low when it was paid, which one worker's ledger did not show yet", async () => {
    const [behind, , dead] = scene.workers as [SceneWorker, SceneWorker, SceneWorker];
    const { ledger } = scene.client;
    await until(async () => (await keptBy(behind)) === 0, { what: "it has nothing else to do", timeoutMs: 60_000 });
    const old = await scene.account(program);
    let isBehind = true;
    behind.changes.ledger = {
      ...ledger,
      account: async (id, names, options) =>
        isBehind && id === program ? old.snapshot : await ledger.account(id, names, options),
    };
    await restart([behind]);
    await dead.stop();
    try {
      isBehind = false;
      await raise(3_000n);
      isBehind = true;
      scene.clock.shiftMs += LONG_AFTER_MS;
      const user = await scene.user();
      const low = await prepay(scene, user, program, "append low;", {}, old);
      void refusalOf(behind, low.signed);
      await until(async () => (await keptBy(behind)) === 1, { what: "it has taken it", timeoutMs: 60_000 });
      isBehind = false;
      const enough = await prepay(scene, user, program, "append enough;");
      for (const worker of scene.workers) if (worker !== dead) void refusalOf(worker, enough.signed);
      await untilRan(enough.signed);
      expect(await ranOf()).to.deep.equal([toHex(enough.signed.paymentHash)]);
      const [, other] = scene.workers as [SceneWorker, SceneWorker];
      expect(await refusalOf(other, low.signed)).to.equal("PAYMENT_TOO_LOW");
    } finally {
      delete behind.changes.ledger;
      await restart([behind]);
      await dead.start();
    }
  }).timeout(120_000);
});
