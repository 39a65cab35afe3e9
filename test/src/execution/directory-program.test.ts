import { expect } from "chai";
import { readFile } from "node:fs/promises";

import { execute } from "../../../src/client/execute.ts";
import { readState } from "../../../src/client/read-state.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { readRecord } from "../../../src/execution/read-record.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { until } from "../../helpers/until.ts";
import { withSection } from "../../helpers/wasm-module.ts";

describe("execution of a program whose state is a directory", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  let program: string;

  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    wallet = await scene.user();
    const probe = await readFile(new URL("../adapters/engine/fixtures/probe.wasm", import.meta.url));
    const cid = await scene.client.content.putFile(withSection(probe, "sprf.state", "directory"));
    program = await scene.program({ cid });
  });
  after(() => scene.stop());

  const run = async (text: string): ReturnType<typeof execute> =>
    await execute(scene.client, { program, wallet, input: { bytes: new Uint8Array(utf8(text)) } });

  it("should be agreed on, anchored, and found again by everybody", async () => {
    await run("mkdir notes\n");
    await run("make notes/first\n");
    const { answer } = await run("make second\n");
    expect(new TextDecoder().decode((await run("cat notes/first\n")).output)).to.equal("made");
    const listed = await scene.client.content.listDirectory(answer.newState);
    expect(listed.map(({ kind, path }) => `${kind} ${path}`)).to.deep.equal([
      "directory notes",
      "file notes/first",
      "file second",
    ]);
    // A majority is enough for the transition; the others come to it in their time.
    for (const { content } of scene.workers) {
      await until(async () => await content.has(answer.newState), { what: "the state", timeoutMs: 30_000 });
    }
    const tip = await findTip(scene.client.ledger, await scene.account(program));
    const record = await readRecord(scene.client.content, tip.recordCid);
    expect(record).to.deep.include({ kind: "transition", newState: answer.newState });
  });

  it("should say that it is no file to whoever reads it as one", async () => {
    expect(await codeOf(readState(scene.client, program))).to.equal("INVALID_INPUT");
  });
});
