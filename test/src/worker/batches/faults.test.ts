import { expect } from "chai";

import { awaitBatch } from "../../../../src/client/await-batch.ts";
import { createHttpWorkerApi } from "../../../../src/adapters/worker-api/http.ts";
import type { ExecutionResult } from "../../../../src/client/execute.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import { toHex } from "../../../../src/utils/bytes.ts";
import { signBatchProposal, type BatchProposal } from "../../../../src/wire/batch-proposal.ts";
import type { BatchRecord } from "../../../../src/wire/batch-record.ts";
import { decodeRecord, encodeRecord } from "../../../../src/wire/record.ts";
import { ask } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../../helpers/lying-engine.ts";
import {
  batchesOf,
  firstProposer,
  keptBy,
  prepay,
  proposalGate,
  restart,
  stateOf,
  untilKept,
  type Prepaid,
} from "../../../helpers/prepaid.ts";
import type { SceneWorker, WorkerChanges } from "../../../helpers/scene-worker.ts";
import { until } from "../../../helpers/until.ts";

/** How many inputs a proposal has. */
function inputsOf(proposal: BatchProposal | undefined): number {
  const record = proposal === undefined ? undefined : decodeRecord(proposal.recordBlock);
  return record?.kind === "batch" ? record.inputs.length : 0;
}

const FAULTS = ["peers", "ledger", "wrapEngine", "batchTiming"] as const;

describe("worker/batches: workers that fail or lie", () => {
  let scene: ExecutionScene;
  let program: string;
  let proposer: SceneWorker;
  let others: readonly [SceneWorker, SceneWorker];

  before(async () => {
    scene = await createExecutionScene();
    await scene.fundWorkers();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe");
    proposer = await firstProposer(scene, program);
    others = scene.workers.filter((worker) => worker !== proposer) as [SceneWorker, SceneWorker];
  });
  afterEach(async () => {
    for (const { changes } of scene.workers) for (const fault of FAULTS) delete changes[fault];
    await restart(scene.workers);
  });

  const change = async (worker: SceneWorker, changes: WorkerChanges): Promise<void> => {
    Object.assign(worker.changes, changes);
    await restart([worker]);
  };
  const pay = async (...texts: string[]): Promise<Prepaid[]> => {
    const paid: Prepaid[] = [];
    for (const text of texts) paid.push(await prepay(scene, await scene.user(), program, `append ${text}`));
    return paid;
  };
  const wait = async (paid: readonly Prepaid[]): Promise<ExecutionResult[]> =>
    await Promise.all(paid.map(async (each) => await awaitBatch(scene.client, each)));
  const states = (results: readonly ExecutionResult[]): string[] => results.map(({ answer }) => answer.newState);
  /** What the proposer sends in place of its honest proposals. */
  const forge = (change: (record: BatchRecord) => BatchRecord): NonNullable<WorkerChanges["peers"]> => {
    const key = proposer.ledgerKey;
    return (honest) => ({
      async endorse(url, proposal, options) {
        const record = decodeRecord(proposal.recordBlock);
        if (record.kind !== "batch") return await honest.endorse(url, proposal, options);
        return await honest.endorse(url, signBatchProposal(encodeRecord(change(record)), key), options);
      },
    });
  };

  it("should go on when the proposer is down", async () => {
    await proposer.stop();
    const results = await wait(await pay("one;", "two;"));
    expect(states(results)).to.deep.equal([stateOf("one;"), stateOf("one;", "two;")]);
  }).timeout(60_000);

  it("should go on when the proposer is silent once it has the signatures", async () => {
    const { ledger } = scene.client;
    let kept = 0;
    await change(proposer, {
      ledger: {
        ...ledger,
        submit: () => {
          kept += 1;
          return Promise.resolve({ status: "pending", hash: "00".repeat(32) });
        },
      },
    });
    const results = await wait(await pay("kept;"));
    expect(states(results)).to.deep.equal([stateOf("kept;")]);
    expect(kept).to.be.greaterThan(0);
  }).timeout(60_000);

  it("should not let a proposer pass over a request that the others have", async () => {
    const gate = proposalGate([proposer]);
    await restart([proposer]);
    const [left, taken] = (await pay("left out;", "taken;")) as [Prepaid, Prepaid];
    // The proposer hears of the second one alone; the first one waits at the others.
    const answers = others.map(async (worker) => await ask(worker, left.signed));
    await untilKept(others, 1);
    const result = awaitBatch(scene.client, taken);
    await untilKept(others, 2);
    gate.open();
    expect((await result).answer.newState).to.equal(stateOf("left out;", "taken;"));
    for (const { signed } of await Promise.all(answers)) expect(signed.answer.newState).to.equal(stateOf("left out;"));
  }).timeout(60_000);

  it("should land the right state when the proposer's is wrong, and say who answered otherwise", async () => {
    await change(proposer, { wrapEngine: (engine: Engine) => createLyingEngine(engine) });
    const [result] = await wait(await pay("true;"));
    expect(result?.answer.newState).to.equal(stateOf("true;"));
    expect((await scene.account(program)).state).to.equal(stateOf("true;"));
    // The liar answers as it ran, and is a minority.
    const [paid] = (await batchesOf(scene, program)).flatMap((batch) => batch.inputs);
    const own = await ask(proposer, paid!.signedRequest);
    expect(own.signed.answer.newState).not.to.equal(stateOf("true;"));
  }).timeout(60_000);

  it("should refuse another order, another time, a payment of more, and a turn that is not its own", async () => {
    const api = createHttpWorkerApi();
    const heard: BatchProposal[] = [];
    let closed = true;
    const peers: NonNullable<WorkerChanges["peers"]> = (honest) => ({
      async endorse(url, proposal, options) {
        heard.push(proposal);
        if (closed) throw new SprfError("WORKER_UNREACHABLE", "the test holds proposals back");
        return await honest.endorse(url, proposal, options);
      },
    });
    proposer.changes.peers = peers;
    // Whoever's turn it is, it stays so for the whole test.
    for (const { changes } of scene.workers) changes.batchTiming = { proposerTimeoutMs: 600_000 };
    await restart(scene.workers);
    const paid = await pay("first;", "second;");
    const results = wait(paid);
    await untilKept(scene.workers, 2);
    const judge = async (
      change: (record: BatchRecord) => BatchRecord,
      key = proposer.ledgerKey,
    ): Promise<string | undefined> => {
      const record = decodeRecord(heard.at(-1)!.recordBlock);
      if (record.kind !== "batch") throw new Error("expected a batch");
      return await codeOf(api.endorse(others[0].url, signBatchProposal(encodeRecord(change(record)), key)));
    };
    await until(() => inputsOf(heard.at(-1)) === 2, { what: "both are proposed", timeoutMs: 60_000 });
    expect(await judge((record) => ({ ...record, inputs: record.inputs.toReversed() }))).to.equal("BATCH_REFUSED");
    expect(await judge((record) => ({ ...record, validUntil: record.validUntil + 1_000n }))).to.equal("BATCH_REFUSED");
    expect(await judge((record) => ({ ...record, sequence: record.sequence - 1n }))).to.equal("SEQUENCE_MOVED");
    expect(
      await judge((record) => ({
        ...record,
        inputs: record.inputs.map((input) => ({ ...input, paidStroops: input.paidStroops + 1n })),
      })),
    ).to.equal("BATCH_REFUSED");
    expect(
      await judge((record) => ({
        ...record,
        inputs: record.inputs.map((input) => ({ ...input, chargedStroops: 0n })),
      })),
    ).to.equal("BATCH_REFUSED");
    expect(await judge((record) => record, others[1].ledgerKey)).to.equal("BATCH_REFUSED");
    const unsigned = { ...heard.at(-1)!, proposer: others[1].ledgerKey.publicKey() };
    expect(await codeOf(api.endorse(others[0].url, unsigned))).to.equal("REQUEST_SIGNATURE_INVALID");
    closed = false;
    expect(states(await results)).to.deep.equal([stateOf("first;"), stateOf("first;", "second;")]);
  }).timeout(90_000);

  it("should land in order whatever order one proposer sends", async () => {
    await change(proposer, { peers: forge((record) => ({ ...record, inputs: record.inputs.toReversed() })) });
    const gate = proposalGate(others);
    await restart(others);
    const paid = await pay("a;", "b;");
    const results = wait(paid);
    await untilKept(scene.workers, 2);
    gate.open();
    expect(states(await results)).to.deep.equal([stateOf("a;"), stateOf("a;", "b;")]);
  }).timeout(60_000);

  it("should set a request aside that cannot be run, and serve the others", async () => {
    const poisoned = (engine: Engine): Engine => ({
      ...engine,
      run: async (run, options) => {
        if (Buffer.from(run.input).includes("poison"))
          throw new SprfError("ENGINE_FAILED", "the stack is exhausted here");
        return await engine.run(run, options);
      },
    });
    for (const { changes } of scene.workers) changes.wrapEngine = poisoned;
    await restart(scene.workers);
    const [poison, good] = (await pay("poison;", "good;")) as [Prepaid, Prepaid];
    const aborted = new AbortController();
    const stuck = codeOf(awaitBatch(scene.client, poison, { signal: aborted.signal }));
    await until(async () => (await keptBy(others[0])) === 1, { what: "the poison is kept", timeoutMs: 30_000 });
    const [result] = await wait([good]);
    expect(result?.answer.newState).to.equal(stateOf("good;"));
    aborted.abort();
    expect(await stuck).to.equal("ABORTED");
  }).timeout(60_000);

  it("should serve what one worker alone cannot run", async () => {
    await change(others[0], {
      wrapEngine: (engine: Engine) => ({
        ...engine,
        run: () => Promise.reject(new SprfError("ENGINE_FAILED", "no room on this disk")),
      }),
    });
    const [result] = await wait(await pay("two of three;"));
    expect(result?.answer.newState).to.equal(stateOf("two of three;"));
    expect(toHex(result?.answer.requestHash ?? new Uint8Array())).to.have.length(64);
  }).timeout(60_000);
});
