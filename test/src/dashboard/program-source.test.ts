import { expect } from "chai";

import { entriesToCsv, generateEntries } from "../../../examples/programs/journal.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { createProgramSource, type ProgramSource } from "../../../src/dashboard/program-source.ts";
import type { ProgramView } from "../../../src/dashboard/program-types.ts";
import { createRerun, type Rerun } from "../../../src/dashboard/rerun.ts";
import { findTip } from "../../../src/execution/tip.ts";
import type { Engine } from "../../../src/ports/engine.ts";
import { raceAbort } from "../../../src/utils/abort.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { viewWhen } from "../../helpers/view-when.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker, type HistoryMaker } from "../../helpers/history.ts";

const LOOK_MS = 50;
const PAGE_STEPS = 3;
const INPUT = entriesToCsv(generateEntries(2, 2026));

describe("dashboard/program-source", function () {
  this.timeout(60_000);
  let scene: ExecutionScene;
  let engine: Engine;
  let user: Wallet;
  let program: string;
  let history: HistoryMaker;
  let rerun: Rerun;
  let source: ProgramSource;
  let ending: AbortController;

  before(async () => {
    scene = await createExecutionScene();
    const { client, scratchDirectory, logger } = scene;
    engine = createWasiEngine({ content: client.content, logger }, { scratchDirectory, warm: 1 });
    user = await scene.user();
  });
  after(async () => {
    await engine?.close();
    await scene?.stop();
  });
  beforeEach(async () => {
    const { client, scratchDirectory, clock } = scene;
    program = await scene.program("bookkeeping");
    history = createHistoryMaker(scene, engine, program);
    const engines = new Map([[engine.kind, engine]]);
    rerun = createRerun({ content: client.content, ledger: client.ledger, engines, scratchDirectory, clock });
    source = createProgramSource({
      ledger: client.ledger,
      content: client.content,
      rerun,
      clock,
      join: async () => await Promise.resolve(),
      lookMs: LOOK_MS,
      pageSteps: PAGE_STEPS,
    });
    ending = new AbortController();
  });
  afterEach(() => ending.abort());

  const views = (): AsyncIterator<ProgramView, unknown> =>
    source.views(program, { signal: ending.signal })[Symbol.asyncIterator]();

  it("shows the account, its steps with what went in and came out, and who signed each", async () => {
    const recordCid = await history.land(user, INPUT);
    const view = await viewWhen(views());
    expect(view).to.deep.include({ program, engine: "wasi", majority: 2, baseFeeStroops: "1000" });
    expect(view.workers).to.have.length(3);
    expect(view.steps.map(({ kind }) => kind)).to.deep.equal(["transition", "create"]);
    const [step, creation] = view.steps;
    expect(step?.recordCid).to.equal(recordCid);
    expect(step?.state).to.equal(view.state);
    expect(step?.previousState).to.equal(creation?.state);
    expect(step?.signers.map(({ signed }) => signed)).to.deep.equal([true, true, false]);
    expect(step?.otherSignatures, "the user's, who pays for the gas").to.equal(1);
    const [run] = step?.runs ?? [];
    expect(run).to.deep.include({ user: user.account, status: "accepted" });
    expect(run?.input).to.deep.equal({ kind: "inline", bytes: INPUT.length, text: INPUT, isCut: false });
    expect(creation?.signers).to.deep.equal([]);
    expect(view.next).to.equal(undefined);
    const landed = await scene.client.ledger.transaction(step?.transaction.hash ?? "");
    expect(landed?.successful).to.equal(true);
    const output = await source.content(program, run?.outputCid ?? "", ending);
    expect(output.text).to.include("account,balance");
  });

  it("shows a step that lands while somebody looks", async () => {
    const iterator = views();
    expect((await viewWhen(iterator)).steps).to.have.length(1);
    const next = viewWhen(iterator);
    const recordCid = await history.land(user, INPUT);
    let view = await next;
    // What was paid for it may be seen first.
    while (view.steps.length === 1) view = await viewWhen(iterator);
    expect(view.steps[0]?.recordCid).to.equal(recordCid);
  });

  it("gives older steps by the page, and from no other place than it has shown", async () => {
    for (let n = 1; n <= 4; n += 1) await history.land(user, INPUT);
    const view = await viewWhen(views());
    expect(view.steps).to.have.length(PAGE_STEPS);
    const older = await source.page(program, view.next ?? "", ending);
    expect(older.steps.map(({ kind }) => kind)).to.deep.equal(["transition", "create"]);
    expect(older.steps[0]?.signers.filter(({ signed }) => signed)).to.have.length(2);
    expect(older.next).to.equal(undefined);
    const other = await scene.program("probe");
    expect(await codeOf(source.page(other, view.next ?? "", ending))).to.equal("INVALID_INPUT");
    expect(await codeOf(source.content(other, view.state, ending))).to.equal("INVALID_INPUT");
  });

  it("runs a step again, and tells one that came out equal from one that did not", async () => {
    const right = await history.land(user, INPUT);
    const wrong = await history.land(user, INPUT, {
      outcome: (outcome) => ({ ...outcome, gas: outcome.gas + 1n }),
    });
    await viewWhen(views());
    const equal = await source.rerun(program, right, ending);
    expect(equal).to.deep.include({ outcome: "equal", ran: 1, runs: 1 });
    expect(equal.own).to.deep.equal(equal.landed);
    const differs = await source.rerun(program, wrong, ending);
    expect(differs.outcome).to.equal("differs");
    expect(differs.own?.state).to.equal(differs.landed?.state);
    expect(BigInt(differs.landed?.gas ?? 0)).to.equal(BigInt(differs.own?.gas ?? 0) + 1n);
  });

  it("runs one step at a time, what was shown alone, and nothing that ran nothing", async () => {
    const recordCid = await history.land(user, INPUT);
    expect(await codeOf(source.rerun(program, recordCid, ending))).to.equal("INVALID_INPUT");
    const { steps } = await viewWhen(views());
    expect(await codeOf(source.rerun(program, steps[1]?.recordCid ?? "", ending))).to.equal("INVALID_INPUT");
    const [first, second] = await Promise.allSettled([
      source.rerun(program, recordCid, ending),
      source.rerun(program, recordCid, ending),
    ]);
    expect(first?.status).to.equal("fulfilled");
    expect(second).to.have.nested.property("reason.code", "WORKER_BUSY");
    expect((await source.rerun(program, recordCid, ending)).outcome).to.equal("equal");
  });

  it("ends a run when it takes too long, and when nobody waits for it", async () => {
    const recordCid = await history.land(user, INPUT);
    const { client, scratchDirectory, clock } = scene;
    const endless: Engine = {
      ...engine,
      run: async (_run, { signal } = {}) => await raceAbort(Promise.withResolvers<never>().promise, signal),
    };
    const engines = new Map([[engine.kind, endless]]);
    const stuck = createRerun(
      { content: client.content, ledger: client.ledger, engines, scratchDirectory, clock },
      { deadlineMs: 100 },
    );
    const { envelope } = await findTip(client.ledger, await scene.account(program));
    const link = { recordCid, envelope };
    const view = await stuck.run(program, link, { signal: ending.signal });
    expect(view).to.deep.include({ outcome: "failed" });
    expect(view.problem?.code).to.equal("TIMEOUT");
    const leaving = new AbortController();
    const run = stuck.run(program, link, leaving);
    leaving.abort();
    expect(await codeOf(run)).to.equal("ABORTED");
  });

  it("refuses what is no program", async () => {
    const look = async (id: string): Promise<string | undefined> =>
      await codeOf(source.views(id, ending)[Symbol.asyncIterator]().next());
    expect(await look("nobody")).to.equal("INVALID_INPUT");
    expect(await look(user.account)).to.equal("SMART_ACCOUNT_INVALID");
  });
});
