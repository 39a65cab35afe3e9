import { expect } from "chai";

import { execute } from "../../../src/client/execute.ts";
import { readState } from "../../../src/client/read-state.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { AuditProgress } from "../../../src/audit/report.ts";
import { SprfError } from "../../../src/errors.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import type { ChainRecord } from "../../../src/wire/record.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker, type HistoryMaker } from "../../helpers/history.ts";
import { drainUser } from "../../helpers/ledger-moves.ts";
import { createLyingEngine } from "../../helpers/lying-engine.ts";

const EMPTY = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(text)) });

for (const count of [3, 5, 7]) {
  describe(`audit of what ${count} workers landed`, () => {
    let scene: ExecutionScene;
    let auditor: SceneAuditor;
    before(async () => {
      scene = await createExecutionScene({ workers: count });
      auditor = await createSceneAuditor(scene);
    });
    after(async () => {
      await auditor.close();
      await scene.stop();
    });

    /** Restarts all workers, of whom so many lie from now on. */
    const lie = async (liars: number): Promise<void> => {
      for (const [index, worker] of scene.workers.entries()) {
        await worker.stop();
        if (index >= liars) delete worker.changes.wrapEngine;
        else worker.changes.wrapEngine = createLyingEngine;
        await worker.start();
      }
    };

    it("should be clean with every lying minority, which never changes a state", async () => {
      const program = await scene.program("probe");
      const wallet = await scene.user();
      let state = "";
      for (let liars = 0; liars <= Math.floor((count - 1) / 2); liars++) {
        await lie(liars);
        state += String(liars);
        await execute(scene.client, { program, wallet, input: input(`append ${liars}\n`) });
        expect(new TextDecoder().decode((await readState(scene.client, program)).bytes)).to.equal(state);
      }
      const report = await auditor.audit(program);
      expect(report).to.include({ outcome: "clean", transitions: state.length, ran: state.length, uncheckedCount: 0 });
    }).timeout(60_000);

    it("should name the first transition that a lying majority landed, and exactly who signed it", async () => {
      const program = await scene.program("probe");
      const wallet = await scene.user();
      const liars = Math.floor(count / 2) + 1;
      await lie(0);
      await execute(scene.client, { program, wallet, input: input("append honest\n") });
      await lie(liars);
      const lied = await execute(scene.client, { program, wallet, input: input("append lied\n") });
      await lie(0);
      await execute(scene.client, { program, wallet, input: input("append after\n") });

      const { outcome, wrong } = await auditor.audit(program);
      expect(outcome).to.equal("wrong");
      expect(wrong).to.include({ number: 3, kind: "transition", recordCid: lied.answer.recordCid });
      expect(wrong?.faults.map(({ code }) => code)).to.include("RESULT_STATE");
      expect(wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.have.members(
        scene.workers.slice(0, liars).map(({ ledgerKey }) => ledgerKey.publicKey()),
      );
      expect(wrong?.signedBy.map(({ address }) => address)).to.have.members(
        scene.workers.slice(0, liars).map(({ url }) => url),
      );
    }).timeout(60_000);
  });
}

describe("audit/audit-program", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let program: string;
  let wallet: Wallet;
  let history: HistoryMaker;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    wallet = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    auditor = await createSceneAuditor(scene);
    program = await scene.program("probe");
    history = createHistoryMaker(scene, auditor.engine, program);
  });
  afterEach(() => auditor.close());

  it("should find a program clean that has not run yet", async () => {
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 1, transitions: 0, ran: 0 });
  });

  it("should check only what is new the next time", async () => {
    await history.land(wallet, "append 1\n");
    await history.land(wallet, "append 2\n");
    expect(await auditor.audit(program)).to.include({
      outcome: "clean",
      records: 3,
      ran: 2,
      known: 0,
      paymentsSeen: 2,
    });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 3, ran: 0, known: 2 });
    await history.land(wallet, "append 3\n");
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 4, ran: 1, known: 2 });
    expect(auditor.runs).to.equal(3);
  });

  it("should run the last ones alone when it is asked to, and the others another time", async () => {
    for (const n of [1, 2, 3]) await history.land(wallet, `append ${n}\n`);
    expect(await auditor.audit(program, { last: 1 })).to.include({ outcome: "clean", ran: 1, leftOut: 2 });
    const since = (await scene.lastTransition(program)).payment.closeTime + 1n;
    expect(await auditor.audit(program, { since })).to.include({ outcome: "clean", ran: 0, known: 1, leftOut: 2 });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 2, known: 1, leftOut: 0 });
  });

  it("should tell how far it has come", async () => {
    for (const n of [1, 2]) await history.land(wallet, `append ${n}\n`);
    const seen: AuditProgress[] = [];
    await auditor.audit(program, {}, { onProgress: (progress) => seen.push(progress) });
    expect(seen.filter(({ phase }) => phase === "records").map(({ done }) => done)).to.deep.equal([1, 2, 3]);
    expect(seen.filter(({ phase }) => phase === "runs")).to.deep.equal([
      { phase: "runs", done: 1, total: 2 },
      { phase: "runs", done: 2, total: 2 },
    ]);
  });

  it("should go on where it was aborted, and be the same for it", async () => {
    for (const n of [1, 2, 3, 4]) await history.land(wallet, `append ${n}\n`);
    const stop = new AbortController();
    const audit = auditor.audit(
      program,
      { jobs: 1 },
      { signal: stop.signal, onProgress: ({ phase, done }) => phase === "runs" && done === 2 && stop.abort() },
    );
    expect(await codeOf(audit)).to.equal("ABORTED");
    const report = await auditor.audit(program, { jobs: 1 });
    expect(report).to.include({ outcome: "clean", records: 5, transitions: 4 });
    expect(report.known).to.be.at.least(1);
    expect(report.ran + report.known).to.equal(4);
  });

  it("should ask a ledger again that fails now and then, and give up on one that stays away", async () => {
    await history.land(wallet, "append 1\n");
    const { ledger } = scene.client;
    let calls = 0;
    let isAway = false;
    const unsteady: Ledger = {
      ...ledger,
      async transaction(hash, options) {
        calls += 1;
        if (isAway || calls % 2 === 1) throw new SprfError("LEDGER_UNREACHABLE", "it was away");
        return await ledger.transaction(hash, options);
      },
    };
    const patient = await createSceneAuditor(scene, {
      ledger: unsteady,
      clock: { now: () => scene.clock.now(), sleep: async () => {} },
    });
    try {
      expect(await patient.audit(program)).to.include({ outcome: "clean", ran: 1, paymentsSeen: 1 });
      expect(calls).to.be.above(1);
      await history.land(wallet, "append 2\n");
      isAway = true;
      expect(await codeOf(patient.audit(program))).to.equal("LEDGER_UNREACHABLE");
      isAway = false;
      expect(await patient.audit(program)).to.include({ outcome: "clean", ran: 1, known: 1 });
    } finally {
      await patient.close();
    }
  }).timeout(30_000);

  it("should account for transactions that landed and failed", async () => {
    const poor = await scene.user();
    const failing = execute(drainUser(scene, poor, wallet.account), {
      program,
      wallet: poor,
      input: input("append x\n"),
    });
    expect(await codeOf(failing)).to.equal("LEDGER_REJECTED");
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 1 });
    await history.land(wallet, "append y\n");
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 2 });
  });

  it("should go on in turn where old states are gone, since each run makes the next one's state", async () => {
    for (const n of [1, 2, 3, 4]) await history.land(wallet, `append ${n}\n`);
    // As workers do: of all states the last one alone stays.
    const { state } = await scene.account(program);
    await auditor.close();
    const old = new Set<string>();
    let at: ChainRecord = await scene.lastTransition(program);
    while (at.kind === "transition") {
      old.add(at.previousState);
      at = await readChainRecord(scene.client.content, at.previous.recordCid);
    }
    expect([...old])
      .to.have.length(4)
      .and.not.include(state);
    const forgetful = [scene.client.content, ...scene.workers.map(({ content }) => content)].map((store) => ({
      ...store,
      localBlock: async (cid: string) => (old.has(cid) && cid !== EMPTY ? undefined : await store.localBlock(cid)),
    }));
    auditor = await createSceneAuditor(scene, { peers: () => forgetful });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 4, uncheckedCount: 0 });
    expect(await auditor.content.has(state)).to.equal(true);
  });
});
