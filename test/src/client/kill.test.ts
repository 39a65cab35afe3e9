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

  it("should be gone on with by others, which get one answer for one payment, wherever each dies", async () => {
    const { rpcUrl, networkPassphrase } = scene.devnet;
    const { signers } = await scene.user();
    const before = await scene.account(program);
    const common = { rpcUrl, networkPassphrase, program, secret: signers[0].secret() };
    // Right after it submitted the payment, and after the transition.
    const first = await runClientProcess({ ...common, work: { input: "append killed;\n" }, killAfter: "paying" });
    expect(first.result).to.equal(undefined);
    const { writtenDown } = first;
    if (writtenDown === undefined) throw new Error("nothing was written down before the payment");
    const second = await runClientProcess({ ...common, work: writtenDown, killAfter: "answered" });
    expect(second.result).to.equal(undefined);
    const third = await runClientProcess({ ...common, work: writtenDown });
    expect(third.result?.transactionHash).to.match(/^[0-9a-f]{64}$/);

    const after = await scene.account(program);
    expect(after.state).to.equal(third.result?.newState);
    expect(after.sequence - before.sequence).to.equal(1n);
    const fee = gasFeeStroops(BigInt(third.result?.gas ?? 0), before.gasPriceStroops);
    expect(after.spendableStroops - before.spendableStroops).to.equal(before.baseFeeStroops + fee);
  }).timeout(120_000);
});
