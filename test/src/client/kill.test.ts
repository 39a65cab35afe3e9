import { expect } from "chai";

import { gasFeeStroops } from "../../../src/domain/program/gas.ts";
import { runClientProcess } from "../../helpers/client-process.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";

describe("client: a process that is killed", () => {
  let scene: ExecutionScene;
  let program: string;
  before(async () => {
    // Ledgers that close by time, so that it can die while its transactions wait for one.
    scene = await createExecutionScene({ closeEveryMs: 300 });
    program = await scene.program("probe");
  });
  after(() => scene.stop());

  for (const killAfter of ["paying", "answered"] as const) {
    it(`should be gone on with by another, which gets one answer for one payment, when it dies right after it submitted what follows "${killAfter}"`, async () => {
      const { rpcUrl, networkPassphrase } = scene.devnet;
      const { signers } = await scene.user();
      const before = await scene.account(program);
      const common = { rpcUrl, networkPassphrase, program, secret: signers[0].secret() };
      const first = await runClientProcess({ ...common, work: { input: `append ${killAfter};\n` }, killAfter });
      expect(first.result).to.equal(undefined);
      if (first.writtenDown === undefined) throw new Error("nothing was written down before the payment");

      const second = await runClientProcess({ ...common, work: first.writtenDown });
      expect(second.result?.transactionHash).to.match(/^[0-9a-f]{64}$/);

      const after = await scene.account(program);
      expect(after.state).to.equal(second.result?.newState);
      expect(after.sequence - before.sequence).to.equal(1n);
      const fee = gasFeeStroops(BigInt(second.result?.gas ?? 0), before.gasPriceStroops);
      expect(after.spendableStroops - before.spendableStroops).to.equal(before.baseFeeStroops + fee);
    }).timeout(120_000);
  }
});
