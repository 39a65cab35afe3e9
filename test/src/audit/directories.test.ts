import { expect } from "chai";
import { readFile } from "node:fs/promises";

import type { Wallet } from "../../../src/client/wallet.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker, type HistoryMaker } from "../../helpers/history.ts";
import { withSection } from "../../helpers/wasm-module.ts";

const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

describe("audit of a program whose state is a directory", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  let module: string;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    auditor = await createSceneAuditor(scene);
    wallet = await scene.user();
    const probe = await readFile(new URL("../adapters/engine/fixtures/probe.wasm", import.meta.url));
    module = await scene.client.content.putFile(withSection(probe, "sprf.state", "directory"));
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });

  const newHistory = async (): Promise<{ readonly program: string; readonly history: HistoryMaker }> => {
    const program = await scene.program({ cid: module });
    return { program, history: createHistoryMaker(scene, auditor.engine, program) };
  };

  it("should find it clean, go on from there, and keep the last directory alone", async () => {
    const { program, history } = await newHistory();
    for (const command of ["mkdir notes", "make notes/first", "make second"]) {
      await history.land(wallet, `${command}\n`);
    }
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 3, uncheckedCount: 0 });
    await history.land(wallet, "remove notes/first\n");
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1, known: 3 });
    await auditor.content.collect();
    const { state } = await scene.account(program);
    const listed = await auditor.content.listDirectory(state);
    expect(listed.map(({ kind, path }) => `${kind} ${path}`)).to.deep.equal(["directory notes", "file second"]);
  }).timeout(20_000);

  it("should name another directory than the program leaves", async () => {
    const { program, history } = await newHistory();
    await history.land(wallet, "make first\n");
    const forged = await history.land(wallet, "make second\n", {
      outcome: (run) => ({ ...run, newState: OTHER_STATE }),
    });
    const { wrong } = await auditor.audit(program);
    expect(wrong).to.include({ recordCid: forged });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["RESULT_STATE"]);
  }).timeout(20_000);
});
