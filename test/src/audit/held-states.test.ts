import { expect } from "chai";

import type { AuditProgress } from "../../../src/audit/report.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { Held } from "../../../src/ports/content-store.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createBatchMaker, type BatchForgery } from "../../helpers/batch-history.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker } from "../../helpers/history.ts";
import { prepay, stateOf } from "../../helpers/prepaid.ts";

const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
const EMPTY = stateOf();
/** Twice as many as wait for the disk before they are released, and more. */
const RECORDS = 24;

describe("audit/held-states", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    wallet = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => (auditor = await createSceneAuditor(scene)));
  afterEach(() => auditor.close());

  const landBatch = async (program: string, inputs: readonly string[], forgery?: BatchForgery): Promise<string> => {
    const paid = [];
    for (const input of inputs) paid.push(await prepay(scene, wallet, program, input));
    return await createBatchMaker(scene, auditor.engine, { program, payer: wallet }).land(paid, forgery);
  };
  const held = async (): Promise<readonly Held[]> => {
    const found: Held[] = [];
    for await (const each of auditor.content.held("audit/")) found.push(each);
    return found;
  };
  const isKept = async (...texts: readonly string[]): Promise<boolean> => {
    await auditor.content.collect();
    return await auditor.content.has(stateOf(...texts));
  };

  it("should keep nothing of what a wrong record came to, and what was right before it", async () => {
    const program = await scene.program("probe");
    const history = createHistoryMaker(scene, auditor.engine, program);
    const right = await history.land(wallet, "append 1;\n");
    await landBatch(program, ["append a;", "append b;"], {
      outcome: (run, index) => (index === 1 ? { ...run, newState: OTHER_STATE } : run),
    });
    for (const turn of ["first", "second"]) {
      expect((await auditor.audit(program)).outcome, turn).to.equal("wrong");
      expect(await held(), turn).to.deep.equal([{ holder: `audit/${program}/${right}`, cid: stateOf("1;") }]);
    }
    expect(await isKept("1;")).to.equal(true);
    expect(await isKept("1;", "a;"), "what came before the lie").to.equal(false);
    expect(await isKept("1;", "a;", "b;"), "what it came to").to.equal(false);
  }).timeout(20_000);

  it("should let go of nothing that is not its own when it goes on after inputs that were all rejected", async () => {
    const program = await scene.program("probe");
    await landBatch(program, ["exit 7"]);
    // Somebody else's, who keeps the same state.
    await auditor.content.pin(EMPTY);
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1 });
    await landBatch(program, ["append a;"]);
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1, known: 1 });
    expect((await held()).map(({ cid }) => cid)).to.deep.equal([stateOf("a;")]);
    expect(await isKept()).to.equal(true);
    await auditor.content.unpin(EMPTY);
    expect(await isKept(), "once nobody keeps it").to.equal(false);
  }).timeout(20_000);

  it("should keep few states at a time, however long the history", async () => {
    const program = await scene.program("probe");
    const history = createHistoryMaker(scene, auditor.engine, program);
    for (let n = 0; n < RECORDS; n++) await history.land(wallet, `append ${n};\n`);
    const looks: Promise<readonly Held[]>[] = [];
    const onProgress = ({ phase }: AuditProgress): void => {
      if (phase === "runs") looks.push(held());
    };
    expect(await auditor.audit(program, { jobs: 1 }, { onProgress })).to.include({ outcome: "clean", ran: RECORDS });
    const counts = (await Promise.all(looks)).map(({ length }) => length);
    expect(Math.max(...counts), counts.join()).to.be.within(1, RECORDS / 2);
  }).timeout(30_000);

  it("should keep the last state alone however many audits it takes, and sweep what a killed one left", async () => {
    const program = await scene.program("probe");
    const history = createHistoryMaker(scene, auditor.engine, program);
    const cids: string[] = [];
    for (const n of [1, 2, 3, 4, 5, 6]) cids.push(await history.land(wallet, `append ${n};\n`));
    const stop = new AbortController();
    await auditor
      .audit(program, { jobs: 3 }, { signal: stop.signal, onProgress: ({ phase }) => phase === "runs" && stop.abort() })
      .catch(() => undefined);
    await auditor.content.pin(EMPTY, { holder: `audit/${program}/${cids[5]}` });
    expect(await auditor.audit(program, { jobs: 3 })).to.include({ outcome: "clean", transitions: 6 });
    const last = { holder: `audit/${program}/${cids[5]}`, cid: stateOf("1;", "2;", "3;", "4;", "5;", "6;") };
    expect(await held()).to.deep.equal([last]);
  }).timeout(20_000);
});
