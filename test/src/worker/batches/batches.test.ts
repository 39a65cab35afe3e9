import { expect } from "chai";

import { execute, type ExecutionResult } from "../../../../src/client/execute.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { toHex, utf8 } from "../../../../src/utils/bytes.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";

describe("worker/batches", () => {
  let scene: ExecutionScene;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 500 });
    await scene.fundWorkers();
  });
  after(() => scene.stop());

  const run = async (program: string, wallet: Wallet, text: string): Promise<ExecutionResult> =>
    await execute(scene.client, { program, wallet, form: "prepaid", input: { bytes: new Uint8Array(utf8(`${text}\n`)) } });

  it("should run one prepaid input", async () => {
    const program = await scene.program("probe");
    const wallet = await scene.user();
    setTimeout(() => console.log(scene.lines.slice(-30).map((l) => JSON.stringify(l)).join("\n")), 8000);
    const result = await run(program, wallet, "append one;");
    console.log(result, toHex(result.output), scene.lines.slice(-20));
    expect(result.answer.status).to.equal("accepted");
  }).timeout(30_000);
});
