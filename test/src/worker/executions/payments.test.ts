import { Memo, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { changeProgram } from "../../../../src/client/change-program.ts";
import { execute } from "../../../../src/client/execute.ts";
import { resume } from "../../../../src/client/resume.ts";
import { submitAndWait } from "../../../../src/client/submit.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { gasFeeStroops } from "../../../../src/domain/program/gas.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import { raceAbort } from "../../../../src/utils/abort.ts";
import { fromHex, toHex, utf8 } from "../../../../src/utils/bytes.ts";
import { hashRequest, signRequest } from "../../../../src/wire/execution-request.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll, refusalOf } from "../../../helpers/ask-all.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { build, drain, payment } from "../../../helpers/ledger-moves.ts";
import type { SceneWorker, WorkerChanges } from "../../../helpers/scene-worker.ts";

const HOUR_MS = 3_600_000;
/** A change of prices that landed is over this long after, since it cannot have landed later than its time. */
const LONG_AFTER_MS = 200_000;

describe("payments, verified once and for ever", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  let program: string;

  before(async () => {
    scene = await createExecutionScene({ workers: 4 });
    wallet = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe");
  });

  const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(`${text}\n`)) });
  const moveOn = async (text: string): Promise<void> => {
    await execute(scene.client, { program, wallet: await scene.user(), input: input(`append ${text}`) });
  };
  const change = async (worker: SceneWorker, changes: WorkerChanges): Promise<void> => {
    await worker.stop();
    Object.assign(worker.changes, changes);
    await worker.start();
  };

  it("should know a payment by one hash alone, though the fee bump around it has another", async () => {
    const request = scene.request({ program, user: wallet.account, input: input("append bumped") });
    const memo = Memo.hash(hashRequest(request));
    const inner = await build(scene, wallet, [payment(program, 1_000n)], memo);
    const [key] = wallet.signers;
    const bump = TransactionBuilder.buildFeeBumpTransaction(key, "2000", inner, scene.devnet.networkPassphrase);
    bump.sign(key);
    const landed = await submitAndWait(scene.client, bump, Math.floor(scene.clock.now() / 1_000) + 60);
    const [byInner, byBump] = [
      signRequest(request, inner.hash(), key),
      signRequest(request, fromHex(landed.hash), key),
    ];
    expect(toHex(byInner.paymentHash)).not.to.equal(landed.hash);
    for (const worker of scene.workers) expect(await refusalOf(worker, byBump)).to.equal("PAYMENT_INVALID");

    const paid = { signed: byInner, payment: landed };
    const answers = await askAll(scene.workers, byInner);
    expect(await anchorAnswers(scene.client, paid, answers, wallet)).to.include({ successful: true });
    // Who forgot everything must not take it for another payment, either.
    for (const worker of scene.workers) await change(worker, { store: createMemoryStore() });
    for (const worker of scene.workers) {
      expect(await refusalOf(worker, byBump)).to.equal("PAYMENT_INVALID");
      expect(await refusalOf(worker, byInner)).to.equal("PAYMENT_USED");
    }
  });

  it("should buy its own request alone when another names it at the same instant", async () => {
    const { signed } = await scene.paid(wallet, program, "append mine\n");
    const other = scene.request({ program, user: wallet.account, input: input("append other") });
    const thief = signRequest(other, signed.paymentHash, wallet.signers[0]);
    for (const worker of scene.workers) {
      const [mine, theirs] = await Promise.all([refusalOf(worker, signed), refusalOf(worker, thief)]);
      expect([mine, theirs]).to.deep.equal([undefined, "PAYMENT_INVALID"]);
    }
  });

  it("should buy one transition when five clients go on with it at the same instant", async () => {
    const before = await scene.account(program);
    const { signed } = await scene.paid(wallet, program, "append five;\n");
    const results = await Promise.all(Array.from({ length: 5 }, () => resume(scene.client, { signed, wallet })));
    for (const { transition, answer, output } of results) {
      expect(transition).to.deep.equal(results[0]?.transition);
      expect(answer).to.deep.equal(results[0]?.answer);
      expect(output).to.deep.equal(results[0]?.output);
    }
    const after = await scene.account(program);
    const fee = gasFeeStroops(results[0]?.answer.gas ?? 0n, before.gasPriceStroops);
    expect(after.sequence - before.sequence).to.equal(1n);
    expect(after.spendableStroops - before.spendableStroops).to.equal(before.baseFeeStroops + fee);
  });

  it("should be refused by a worker that comes later with nothing, once it bought a transition of the others", async () => {
    const [late, ...others] = scene.workers as [SceneWorker, ...SceneWorker[]];
    await change(late, { store: createMemoryStore() });
    await late.stop();
    const paid = await scene.paid(wallet, program, "append bought;\n");
    const answers = await askAll(others, paid.signed);
    expect(await anchorAnswers(scene.client, paid, answers, wallet)).to.include({ successful: true });
    await moveOn("later;");
    const unused = await scene.paid(wallet, program, "append unused;\n");
    await late.start();
    const before = late.runs;
    expect(await refusalOf(late, paid.signed)).to.equal("PAYMENT_USED");
    expect(late.runs).to.equal(before);
    expect((await ask(late, unused.signed)).signed.answer).to.deep.equal(
      (await ask(others[0]!, unused.signed)).signed.answer,
    );
  });

  it("should be refused by a worker that joined since it bought a transition, and buy its one from new workers else", async () => {
    const owner = await scene.user();
    const named = (workers: readonly SceneWorker[]): { address: string; ledgerKey: string }[] =>
      workers.map(({ url, ledgerKey }) => ({ address: url, ledgerKey: ledgerKey.publicKey() }));
    const [joining, ...first] = scene.workers as [SceneWorker, ...SceneWorker[]];
    await change(joining, { store: createMemoryStore() });
    program = await scene.program("probe", { owner: owner.account, workers: named(first) });
    const bought = await scene.paid(wallet, program, "append before;\n");
    const answers = await askAll(first, bought.signed);
    expect(await anchorAnswers(scene.client, bought, answers, wallet)).to.include({ successful: true });
    const unused = await scene.paid(wallet, program, "append after;\n");
    await askAll(first, unused.signed);

    const since = [joining, ...first.slice(1)];
    const workers = named(since);
    await changeProgram(scene.client, { program, change: { kind: "workers", workers }, wallet: owner });
    const before = joining.runs;
    expect(await refusalOf(joining, bought.signed)).to.equal("PAYMENT_USED");
    expect(joining.runs).to.equal(before);
    // Those that answered it give the same answer again; the one that left gives none to what it has not settled.
    expect(await ask(since[1]!, bought.signed)).to.deep.equal(answers[1]);
    expect(await refusalOf(first[0]!, unused.signed)).to.equal("REQUEST_NOT_SERVED");
    const anew = await askAll(since, unused.signed);
    expect(await anchorAnswers(scene.client, unused, anew, wallet)).to.include({ successful: true });
    expect(await askAll(since, unused.signed)).to.deep.equal(anew);
  });

  it("should buy a run at the base fee of when it was made, though that has risen twice, and not at one that was over", async () => {
    const owner = await scene.user();
    const raise = async (baseFeeStroops: bigint): Promise<void> => {
      const terms = { baseFeeStroops, gasPriceStroops: 1_000n };
      await changeProgram(scene.client, { program, change: { kind: "terms", terms }, wallet: owner });
    };
    program = await scene.program("probe", { owner: owner.account });
    const before = await scene.paid(wallet, program, "append before;\n");
    await askAll(scene.workers.slice(0, 1), before.signed);
    await raise(2_000n);
    await raise(3_000n);
    const answers = await askAll(scene.workers, before.signed);
    expect(await anchorAnswers(scene.client, before, answers, wallet)).to.include({ successful: true });

    scene.clock.shiftMs += LONG_AFTER_MS;
    const request = scene.request({ program, user: wallet.account, input: input("append late;") });
    const late = await build(scene, wallet, [payment(program, 1_000n)], Memo.hash(hashRequest(request)));
    await submitAndWait(scene.client, late, Math.floor(scene.clock.now() / 1_000) + 60);
    const signed = signRequest(request, late.hash(), wallet.signers[0]);
    for (const worker of scene.workers) expect(await refusalOf(worker, signed)).to.equal("PAYMENT_TOO_LOW");
  });

  it("should not wait for ever for a run that hangs, nor keep the next request from its turn", async () => {
    const [worker] = scene.workers as [SceneWorker];
    let hung = 0;
    const { clock } = scene;
    const { promise: hangs, resolve: tellHangs } = Promise.withResolvers<void>();
    // The time that an execution may take is over for the first of them as soon as it hangs.
    const hurried: Clock = {
      now: () => clock.now(),
      sleep: async (ms, options) =>
        hung === 0 ? await raceAbort(hangs, options?.signal) : await clock.sleep(ms, options),
    };
    await change(worker, {
      clock: hurried,
      concurrency: 1,
      wrapEngine: (engine: Engine): Engine => ({
        ...engine,
        async run(run, options) {
          hung += 1;
          if (hung === 1) {
            tellHangs();
            await new Promise(() => {});
          }
          return await engine.run(run, options);
        },
      }),
    });
    const [first, second] = [
      await scene.paid(wallet, program, "append hangs;\n"),
      await scene.paid(wallet, program, "append waits;\n"),
    ];
    expect(await refusalOf(worker, first.signed)).to.equal("TIMEOUT");
    const { signed } = await ask(worker, second.signed);
    expect(signed.answer).to.deep.equal((await ask(scene.workers[1]!, second.signed)).signed.answer);
    // And the one that hung gets its answer when it comes again.
    expect((await ask(worker, first.signed)).signed.answer.status).to.equal("accepted");
    await worker.stop();
    delete worker.changes.wrapEngine;
    delete worker.changes.clock;
    delete worker.changes.concurrency;
    await worker.start();
  });

  it("should get the same answer whatever became of the user's funds, the request's time and the payment's age", async () => {
    const user = await scene.user();
    const landing = await scene.paid(user, program, "append kept;\n");
    const landed = await askAll(scene.workers, landing.signed);
    expect(await anchorAnswers(scene.client, landing, landed, user)).to.include({ successful: true });
    const reading = await scene.paid(user, program, "show\n");
    const read = await askAll(scene.workers, reading.signed);
    const rejected = await scene.paid(user, program, "exit 3\n");
    const rejections = await askAll(scene.workers, rejected.signed);
    const abandoned = await scene.paid(user, program, "append abandoned;\n");
    await askAll(scene.workers, abandoned.signed);
    await drain(scene, user, wallet.account);
    expect(await askAll(scene.workers, landing.signed)).to.deep.equal(landed);
    // For good: what a ledger has closed at does not go back.
    scene.clock.shiftMs = HOUR_MS + 5_000;
    expect(await askAll(scene.workers, landing.signed)).to.deep.equal(landed);
    expect(await askAll(scene.workers, reading.signed)).to.deep.equal(read);
    expect(await askAll(scene.workers, rejected.signed)).to.deep.equal(rejections);
    // This one could have landed, but did not and never will.
    expect(await refusalOf(scene.workers[0]!, abandoned.signed)).to.equal("REQUEST_EXPIRED");
    const result = await resume(scene.client, { signed: landing.signed, wallet: user });
    expect(result.answer).to.deep.equal(landed[0]?.signed.answer);
    expect(result.transition).not.to.equal(undefined);
  });
});
