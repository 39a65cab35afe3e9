import { expect } from "chai";

import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { changeProgram } from "../../../src/client/change-program.ts";
import { execute, type ExecuteComponents, type ExecutionResult } from "../../../src/client/execute.ts";
import { findLanded } from "../../../src/client/find-landed.ts";
import { resume, type ResumeParts } from "../../../src/client/resume.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { anchoredAnswer } from "../../../src/domain/program/anchored-answer.ts";
import { SprfError } from "../../../src/errors.ts";
import { fromHex, utf8 } from "../../../src/utils/bytes.ts";
import { smallFileCidOf } from "../../../src/wire/canonical.ts";
import { signAnswer } from "../../../src/wire/execution-answer.ts";
import { encodeRecord, type TransitionRecord } from "../../../src/wire/record.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../helpers/scene-worker.ts";

const TIMEOUT_MS = 60_000;
const MAX_GAS = 20_000n;

describe("client/finish-paid: what landed is the result, whatever the workers say", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  let one: SceneWorker;
  let two: SceneWorker;
  let three: SceneWorker;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    [one, two, three] = scene.workers as [SceneWorker, SceneWorker, SceneWorker];
    owner = await scene.user();
    await scene.fundWorkers();
  });
  after(() => scene.stop());
  afterEach(async () => {
    for (const { changes } of scene.workers) delete changes.tamper;
    await Promise.all(scene.workers.map(async (worker) => await worker.start()));
  });

  const newProgram = async (): Promise<string> => await scene.program("probe", { owner: owner.account });

  /** Runs an append, and gives what its client kept to go on with. */
  async function run(
    program: string,
    form?: "prepaid",
  ): Promise<{ readonly result: ExecutionResult; readonly parts: ResumeParts }> {
    let parts: ResumeParts | undefined;
    const wallet = await scene.user();
    const input = { bytes: new Uint8Array(utf8("append it;\n")) };
    const result = await execute(
      scene.client,
      { program, wallet, input, maxGas: MAX_GAS, ...(form === undefined ? {} : { form }) },
      {
        onProgress(step) {
          if (step.step === "paying") parts = { signed: step.signed, payment: step.payment, wallet };
        },
      },
    );
    if (parts === undefined) throw new Error("nothing was paid");
    return { result, parts };
  }

  async function loseDisk(worker: SceneWorker): Promise<void> {
    await worker.stop();
    worker.changes.store = createMemoryStore();
    await worker.start();
  }

  const factsOf = (result: ExecutionResult): unknown => ({ ...result, replies: [] });

  // Found by the simulation of executions, seed 195 of the direct form alone.
  it("should be found when just a majority signed and one of them lost its disk", async () => {
    await three.stop();
    const { result, parts } = await run(await newProgram());
    await three.start();
    await loseDisk(two);
    const again = await resume(scene.client, parts);
    expect(factsOf(again)).to.deep.equal(factsOf(result));
    expect(again.replies).to.deep.equal([]);
  }).timeout(TIMEOUT_MS);

  it("should be found when all lost their disks, in both forms", async () => {
    const program = await newProgram();
    const direct = await run(program);
    const prepaid = await run(program, "prepaid");
    for (const worker of scene.workers) await loseDisk(worker);
    for (const { result, parts } of [direct, prepaid]) {
      expect(factsOf(await resume(scene.client, parts))).to.deep.equal(factsOf(result));
    }
  }).timeout(TIMEOUT_MS);

  it("should be found when the gas price was changed since, which the client's own count would not fit any more", async () => {
    const program = await newProgram();
    const { result, parts } = await run(program);
    const terms = { baseFeeStroops: 1_000n, gasPriceStroops: 7_000n };
    await changeProgram(scene.client, { program, change: { kind: "terms", terms }, wallet: owner });
    expect(factsOf(await resume(scene.client, parts))).to.deep.equal(factsOf(result));
  }).timeout(TIMEOUT_MS);

  it("should not be taken from workers' words: nothing landed, though one names a record that would fit", async () => {
    const program = await newProgram();
    await run(program);
    const record = await scene.lastTransition(program);
    const wallet = await scene.user();
    const { signed, requestHash, payment } = await scene.paid(wallet, program, "append mine;\n");
    const sequence = (await scene.account(program)).sequence;
    const forged: TransitionRecord = {
      ...record,
      signedRequest: signed,
      environment: { ...record.environment, sequence, time: BigInt(payment.closeTime) },
      payment: { ...record.payment, closeTime: BigInt(payment.closeTime) },
    };
    const recordCid = await one.content.putRecord(encodeRecord(forged));
    const anchored = anchoredAnswer(forged, recordCid, requestHash);
    if (anchored === undefined) throw new Error("the forged record is of another request");
    const keys = { ledgerKey: one.ledgerKey, messagePrivateKey: one.messageKeys.privateKey };
    one.changes.tamper = ({ output, detail }) => ({
      signed: signAnswer({ ...anchored.answer, outputCid: smallFileCidOf(output) }, keys, anchored.transaction.hash()),
      output,
      detail,
    });
    await one.stop();
    await one.start();
    await Promise.all([two.stop(), three.stop()]);
    const search = { program, requestHash, paidAt: payment.closeTime, hints: [recordCid], mayBeAhead: true };
    expect(await findLanded(scene.client, search)).to.equal(undefined);
    expect(await codeOf(resume(scene.client, { signed, wallet }, { patienceMs: 500 }))).to.equal("NO_MAJORITY");
    expect((await scene.account(program)).sequence).to.equal(sequence);
  }).timeout(TIMEOUT_MS);

  it("should be found past a forged record that is named first", async () => {
    const program = await newProgram();
    const { result } = await run(program);
    const record = await scene.lastTransition(program);
    const forged = await one.content.putRecord(encodeRecord({ ...record, newState: record.previousState }));
    const search = {
      program,
      requestHash: fromHex(result.requestHash),
      paidAt: Number(record.payment.closeTime),
      hints: [forged, result.answer.recordCid ?? ""],
      mayBeAhead: false,
    };
    const found = await findLanded(scene.client, search);
    expect(found?.answer).to.deep.equal(result.answer);
    expect(found?.transaction.hash).to.equal(result.transition?.transactionHash);
  }).timeout(TIMEOUT_MS);

  it("should not say that a payment is used up when nobody can say what it bought", async () => {
    const { parts } = await run(await newProgram());
    for (const worker of scene.workers) await loseDisk(worker);
    const { content } = scene.client;
    const cut: ExecuteComponents = {
      ...scene.client,
      content: {
        ...content,
        // eslint-disable-next-line require-yield
        async *get(cid) {
          throw new SprfError("CONTENT_NOT_FOUND", `no peer has ${cid}`);
        },
      },
    };
    expect(await codeOf(resume(cut, parts, { patienceMs: 300 }))).to.equal("HISTORY_UNAVAILABLE");
    expect(await codeOf(resume(scene.client, parts))).to.equal(undefined);
  }).timeout(TIMEOUT_MS);
});
