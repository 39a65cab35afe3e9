import { Keypair, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import {
  execute,
  type ExecuteComponents,
  type ExecuteStep,
  type ExecutionResult,
} from "../../../src/client/execute.ts";
import { resume } from "../../../src/client/resume.ts";
import { walletOf, type Wallet } from "../../../src/client/wallet.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { innerTransactionOf } from "../../../src/domain/program/envelope.ts";
import { gasFeeStroops } from "../../../src/domain/program/gas.ts";
import { isSprfError, type SprfError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { toHex, utf8 } from "../../../src/utils/bytes.ts";
import {
  requestFromJson,
  requestToJson,
  signedRequestJsonSchema,
  type AnswerWithOutput,
} from "../../../src/wire/execution-json.ts";
import type { SignedRequest } from "../../../src/wire/execution-request.ts";
import { signAnswer } from "../../../src/wire/execution-answer.ts";
import { anchorAnswers } from "../../helpers/anchor-answers.ts";
import { askAll } from "../../helpers/ask-all.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../helpers/lying-engine.ts";
import { land, payment } from "../../helpers/ledger-moves.ts";
import type { SceneWorker } from "../../helpers/scene-worker.ts";

describe("client/execute", () => {
  let scene: ExecutionScene;
  let one: SceneWorker;
  let two: SceneWorker;
  let three: SceneWorker;
  let wallet: Wallet;
  let program: string;

  before(async () => {
    scene = await createExecutionScene();
    [one, two, three] = scene.workers as [SceneWorker, SceneWorker, SceneWorker];
    wallet = await scene.user();
    program = await scene.program("probe");
  });
  after(() => scene.stop());
  afterEach(async () => {
    for (const worker of scene.workers) {
      delete worker.changes.wrapEngine;
      delete worker.changes.tamper;
      await worker.stop();
      await worker.start();
    }
  });

  const run = async (
    text: string,
    components: ExecuteComponents = scene.client,
    { patienceMs, ...parts }: { wallet?: Wallet; maxGas?: bigint; patienceMs?: number } = {},
  ): Promise<ExecutionResult> => {
    const bytes = new Uint8Array(utf8(`${text}\n`));
    return await execute(components, { program, wallet, input: { bytes }, ...parts }, { patienceMs });
  };
  const change = async (worker: SceneWorker, changes: SceneWorker["changes"]): Promise<void> => {
    await worker.stop();
    Object.assign(worker.changes, changes);
    await worker.start();
  };
  /** The client's parts, with the answers of all but this worker held back until it has answered or refused. */
  const hearFirst = (first: SceneWorker): ExecuteComponents => {
    const { workerApi } = scene.client;
    const { promise: heard, resolve } = Promise.withResolvers<void>();
    return {
      ...scene.client,
      workerApi: {
        ...workerApi,
        async execute(url, signed, options) {
          if (url !== first.url) await heard;
          try {
            return await workerApi.execute(url, signed, options);
          } finally {
            if (url === first.url) setImmediate(resolve);
          }
        },
      },
    };
  };
  const failure = async (work: Promise<unknown>): Promise<SprfError> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (isSprfError(error)) return error;
    throw new Error("expected an SprfError", { cause: error });
  };
  /** What the client makes of one worker's tampered answer; the two honest ones land all the same. */
  const whenOneSends = async (
    tamper: (answer: AnswerWithOutput) => AnswerWithOutput,
    text: string,
  ): Promise<string | undefined> => {
    await change(three, { tamper });
    const result = await run(text, hearFirst(three));
    expect(result.transition).not.to.equal(undefined);
    return result.replies.find(({ worker }) => worker.ledgerKey === three.ledgerKey.publicKey())?.error?.code;
  };

  describe("with workers that fail or lie", () => {
    it("should land with one of three down, and say which", async () => {
      await two.stop();
      const { replies, transition } = await run("append down;", hearFirst(two));
      expect(transition).not.to.equal(undefined);
      const reply = replies.find(({ worker }) => worker.address === two.url);
      expect(reply?.error?.code).to.equal("WORKER_UNREACHABLE");
    });

    it("should not land with two of three down", async () => {
      await two.stop();
      await three.stop();
      const error = await failure(run("append alone;", scene.client, { patienceMs: 300 }));
      expect(error.code).to.equal("NO_MAJORITY");
      expect(error.message).to.contain(two.url).and.to.contain("WORKER_UNREACHABLE");
    });

    it("should land the honest majority's state with one liar, whose answer is among the replies", async () => {
      await change(three, { wrapEngine: (engine) => createLyingEngine(engine) });
      const { answer, replies, transition } = await run("append honest;", hearFirst(three));
      expect(transition).not.to.equal(undefined);
      expect((await scene.account(program)).state).to.equal(answer.newState);
      const lie = replies.find(({ worker }) => worker.ledgerKey === three.ledgerKey.publicKey())?.answer;
      expect(lie?.worker).to.equal(three.ledgerKey.publicKey());
      expect(lie?.answer.newState).not.to.equal(answer.newState);
    });

    it("should not land when two lie differently, and say what each answered", async () => {
      await change(two, { wrapEngine: (engine) => createLyingEngine(engine, "one lie") });
      await change(three, { wrapEngine: (engine) => createLyingEngine(engine, "another lie") });
      const before = await scene.account(program);
      const error = await failure(run("append contested;"));
      expect(error.code).to.equal("NO_MAJORITY");
      for (const worker of scene.workers) expect(error.message).to.contain(`${worker.url}: accepted on sequence`);
      expect(new Set(error.message.match(/bafk[a-z2-7]+/g)).size).to.equal(3);
      expect((await scene.account(program)).sequence).to.equal(before.sequence);
    });

    it("should not use an answer whose worker signed another transaction", async () => {
      const code = await whenOneSends(
        ({ signed, ...rest }) => ({ ...rest, signed: signAnswer(signed.answer, keysOf(three), new Uint8Array(32)) }),
        "append signature;",
      );
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer without a signature on the transaction", async () => {
      const code = await whenOneSends(
        ({ signed, ...rest }) => ({ ...rest, signed: signAnswer(signed.answer, keysOf(three), undefined) }),
        "append unsigned;",
      );
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer whose output is not the one that was signed", async () => {
      const code = await whenOneSends((answer) => ({ ...answer, output: utf8("other") }), "append output;");
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer that was changed after it was signed", async () => {
      const code = await whenOneSends(
        ({ signed, ...rest }) => ({ ...rest, signed: { ...signed, answer: { ...signed.answer, gas: 1n } } }),
        "append changed;",
      );
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer in another worker's name", async () => {
      const code = await whenOneSends(
        ({ signed, ...rest }) => ({ ...rest, signed: { ...signed, worker: one.ledgerKey.publicKey() } }),
        "append name;",
      );
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer to another request", async () => {
      const code = await whenOneSends(({ signed, ...rest }) => {
        const answer = { ...signed.answer, requestHash: new Uint8Array(32) };
        return { ...rest, signed: signAnswer(answer, keysOf(three), new Uint8Array(32)) };
      }, "append replayed;");
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not use an answer from which no transaction follows", async () => {
      const code = await whenOneSends(({ signed, ...rest }) => {
        const answer = { ...signed.answer, recordCid: signed.answer.newState };
        return { ...rest, signed: signAnswer(answer, keysOf(three), new Uint8Array(32)) };
      }, "append record;");
      expect(code).to.equal("ANSWER_INVALID");
    });

    it("should not pay more gas than its request allows, even if all workers say so", async () => {
      for (const worker of scene.workers) {
        await change(worker, {
          tamper: ({ signed, ...rest }) => ({
            ...rest,
            signed: signAnswer({ ...signed.answer, gas: 2_000_000n }, keysOf(worker), new Uint8Array(32)),
          }),
        });
      }
      const error = await failure(run("append greed;"));
      expect(error.code).to.equal("NO_MAJORITY");
      expect(error.message).to.contain("more gas than the request allows");
    });

    it("should not wait for ever for workers that do not see its payment", async () => {
      const { workerApi, ...rest } = scene.client;
      let asked = 0;
      const elsewhere: ExecuteComponents = {
        ...rest,
        workerApi: {
          ...workerApi,
          async execute(url, signed, options) {
            asked += 1;
            return await workerApi.execute(url, { ...signed, paymentHash: new Uint8Array(32) }, options);
          },
        },
      };
      expect(await codeOf(run("append busy;", elsewhere, { patienceMs: 500 }))).to.equal("PAYMENT_NOT_FOUND");
      expect(asked).to.be.above(3);
    });
  });

  describe("signing with exactly what the ledger counts", () => {
    it("should use two signatures of three workers that all answered", async () => {
      const { client } = scene;
      const paid = await scene.paid(wallet, program, "append three;\n");
      const landed = await anchorAnswers(client, paid, await askAll(scene.workers, paid.signed), wallet);
      expect(landed?.successful).to.equal(true);
      // One more than counts would have been refused: tx_bad_auth_extra.
      const inner = innerTransactionOf(landed?.envelopeXdr ?? "", scene.devnet.networkPassphrase);
      expect(inner.signatures).to.have.length(2 + 1);
    });

    it("should serve a user who is one of the signers", async () => {
      const signer = walletOf(one.ledgerKey);
      await fundAccount(scene.devnet.friendbotUrl, signer.account);
      expect((await run("append signer;", scene.client, { wallet: signer })).transition).not.to.equal(undefined);
      expect((await run("append signer again;", hearFirst(one), { wallet: signer })).transition).not.to.equal(
        undefined,
      );
    });

    it("should serve a user whose account needs two signatures of three", async () => {
      const own = await scene.user();
      const [second, third] = [Keypair.random(), Keypair.random()];
      await land(scene, own, [
        Operation.setOptions({ signer: { ed25519PublicKey: second.publicKey(), weight: 1 } }),
        Operation.setOptions({
          signer: { ed25519PublicKey: third.publicKey(), weight: 1 },
          lowThreshold: 2,
          medThreshold: 2,
          highThreshold: 2,
        }),
      ]);
      const all: Wallet = { account: own.account, signers: [own.signers[0], second, third] };
      const enough: Wallet = { account: own.account, signers: [own.signers[0], third] };
      expect((await run("append 3 of 3;", scene.client, { wallet: all })).transition).not.to.equal(undefined);
      expect((await run("append 2 of 3;", scene.client, { wallet: enough })).transition).not.to.equal(undefined);
      expect(await codeOf(run("append 1 of 3;", scene.client, { wallet: own }))).to.equal("NOT_ENOUGH_SIGNATURES");
    });
  });

  describe("when it goes on after a crash", () => {
    type Kept = { readonly signed: SignedRequest; readonly payment: string };
    /** Runs until this step and gives what was told before the payment, as it would be read from a file. */
    const crashAt = async (text: string, step: ExecuteStep["step"]): Promise<Kept> => {
      const controller = new AbortController();
      let kept: Kept | undefined;
      await execute(
        scene.client,
        { program, wallet, input: { bytes: new Uint8Array(utf8(`${text}\n`)) } },
        {
          signal: controller.signal,
          onProgress(told) {
            if (told.step === "paying") kept = told;
            if (told.step === step) controller.abort();
          },
        },
      ).catch(() => undefined);
      if (kept === undefined) throw new Error("the request was not told");
      const json: unknown = JSON.parse(JSON.stringify(requestToJson(kept.signed)));
      return { signed: requestFromJson(signedRequestJsonSchema.parse(json)), payment: kept.payment };
    };

    for (const step of ["paying", "paid", "answered", "anchored"] as const) {
      it(`should land once and pay once when it crashed as soon as it was ${step}`, async () => {
        const before = await scene.account(program);
        const kept = await crashAt(`append resumed when ${step};`, step);
        const first = await resume(scene.client, { ...kept, wallet });
        const again = await resume(scene.client, { ...kept, wallet });
        const without = await resume(scene.client, { signed: kept.signed, wallet });
        expect(first.transition).not.to.equal(undefined);
        for (const later of [again, without]) {
          expect(later.transition).to.deep.equal(first.transition);
          expect(later.answer).to.deep.equal(first.answer);
          expect(later.output).to.deep.equal(first.output);
        }
        expect(first.paymentHash).to.equal(toHex(kept.signed.paymentHash));
        const fee = gasFeeStroops(first.answer.gas, before.gasPriceStroops);
        const earned = (await scene.account(program)).spendableStroops - before.spendableStroops;
        expect(earned).to.equal(before.baseFeeStroops + fee);
      });
    }

    it("should say that nothing was paid when it crashed before, once that cannot change any more", async () => {
      const { signed } = await crashAt("append never;", "paying");
      let looks = 0;
      const clock: Clock = {
        now: () => scene.clock.now() + (looks > 1 ? 61_000 : 0),
        sleep: async (ms, options) => {
          looks += 1;
          await scene.clock.sleep(ms, options);
        },
      };
      expect(await codeOf(resume({ ...scene.client, clock }, { signed, wallet }))).to.equal("PAYMENT_NOT_FOUND");
      expect(looks).to.be.above(1);
    });

    it("should refuse to go on with another payment than the one that the request names", async () => {
      const [one, other] = [await crashAt("append one;", "paying"), await crashAt("append other;", "paid")];
      const mixed = { signed: one.signed, payment: other.payment, wallet };
      expect(await codeOf(resume(scene.client, mixed))).to.equal("INVALID_INPUT");
      expect(await codeOf(resume(scene.client, { ...mixed, payment: "none" }))).to.equal("INVALID_INPUT");
    });
  });

  describe("when the account of its user is used elsewhere", () => {
    it("should make the payment anew when another transaction took its sequence, and pay once", async () => {
      const before = await scene.account(program);
      const { ledger } = scene.client;
      const steps: ExecuteStep[] = [];
      let meddled = false;
      const meddling: ExecuteComponents = {
        ...scene.client,
        ledger: {
          ...ledger,
          async submit(envelopeXdr, options) {
            if (!meddled) {
              meddled = true;
              await land(scene, wallet, [payment(wallet.account, 1n)]);
            }
            return await ledger.submit(envelopeXdr, options);
          },
        },
      };
      const bytes = new Uint8Array(utf8("append elsewhere;\n"));
      const onProgress = (step: ExecuteStep): void => void steps.push(step);
      const { answer, paymentHash } = await execute(meddling, { program, wallet, input: { bytes } }, { onProgress });
      expect(steps.map(({ step }) => step)).to.deep.equal(["paying", "paying", "paid", "answered", "anchored"]);
      const told = steps.flatMap((step) => (step.step === "paying" ? [toHex(step.signed.paymentHash)] : []));
      expect(told[1]).to.equal(paymentHash);
      expect(told[0]).not.to.equal(paymentHash);
      const fee = gasFeeStroops(answer.gas, before.gasPriceStroops);
      const earned = (await scene.account(program)).spendableStroops - before.spendableStroops;
      expect(earned).to.equal(before.baseFeeStroops + fee);
    });

    it("should land two executions that one user begins at once, each paid for once", async () => {
      const before = await scene.account(program);
      const results = await Promise.all([run("append twin 1;"), run("append twin 2;")]);
      const gas = results.reduce((sum, { answer }) => sum + gasFeeStroops(answer.gas, before.gasPriceStroops), 0n);
      const earned = (await scene.account(program)).spendableStroops - before.spendableStroops;
      expect(earned).to.equal(2n * before.baseFeeStroops + gas);
    });
  });

  describe("before anything is paid", () => {
    it("should refuse a cap below what a transition costs, and keep to the one it is given", async () => {
      const bytes = new Uint8Array(utf8("append capped;\n"));
      const parts = { program, wallet, input: { bytes } };
      expect(await codeOf(execute(scene.client, { ...parts, maxFeeStroops: 299n }))).to.equal("FEE_TOO_LOW");
      const envelopes: string[] = [];
      const { ledger } = scene.client;
      const submit: typeof ledger.submit = async (envelopeXdr, options) => {
        envelopes.push(envelopeXdr);
        return await ledger.submit(envelopeXdr, options);
      };
      await execute({ ...scene.client, ledger: { ...ledger, submit } }, { ...parts, maxFeeStroops: 300n });
      const fees = envelopes.map((xdr) => Number(TransactionBuilder.fromXdr(xdr, scene.devnet.networkPassphrase).fee));
      expect(fees).to.deep.equal([300, 300]);
    });
  });

  describe("when its caller aborts", () => {
    const PROMPT_MS = 1_500;
    /** Milliseconds from the abort, which `make` brings about, to the end of the execution. */
    const endsAfter = async (make: (abort: () => void) => ExecuteComponents): Promise<number> => {
      const controller = new AbortController();
      let abortedAt = Number.NaN;
      const components = make(() => {
        if (!controller.signal.aborted) abortedAt = performance.now();
        controller.abort();
      });
      const parts = { program, wallet, input: { bytes: new Uint8Array(utf8("append aborted;\n")) } };
      expect(await codeOf(execute(components, parts, { signal: controller.signal }))).to.equal("ABORTED");
      return performance.now() - abortedAt;
    };

    it("should end while it waits for its payment", async () => {
      const { ledger } = scene.client;
      let looks = 0;
      const tookMs = await endsAfter((abort) => ({
        ...scene.client,
        ledger: {
          ...ledger,
          transaction() {
            looks += 1;
            if (looks === 2) setImmediate(abort);
            return Promise.resolve(undefined);
          },
        },
      }));
      expect(tookMs).to.be.below(PROMPT_MS);
    });

    it("should end while it waits for the workers", async () => {
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      let abort = (): void => {};
      for (const worker of scene.workers) {
        await change(worker, {
          wrapEngine: (engine) => ({
            ...engine,
            run: async (asked, options) => {
              abort();
              await held;
              return await engine.run(asked, options);
            },
          }),
        });
      }
      const tookMs = await endsAfter((give) => {
        abort = give;
        return scene.client;
      });
      expect(tookMs).to.be.below(PROMPT_MS);
      release();
    });

    it("should end while it waits for the ledger", async () => {
      const { ledger } = scene.client;
      let submissions = 0;
      const tookMs = await endsAfter((abort) => ({
        ...scene.client,
        ledger: {
          ...ledger,
          async submit(envelopeXdr, options) {
            submissions += 1;
            if (submissions === 1) return await ledger.submit(envelopeXdr, options);
            if (submissions === 3) setImmediate(abort);
            return { status: "try-again-later", hash: "" };
          },
        },
      }));
      expect(tookMs).to.be.below(PROMPT_MS);
    });

    it("should not pay when it was aborted before", async () => {
      const signal = AbortSignal.abort();
      const before = await scene.account(program);
      const parts = { program, wallet, input: { bytes: new Uint8Array() } };
      expect(await codeOf(execute(scene.client, parts, { signal }))).to.equal("ABORTED");
      expect((await scene.account(program)).spendableStroops).to.equal(before.spendableStroops);
    });
  });

  describe("when it comes too late", () => {
    it("should say that it is too late when the payment's two minutes are over", async () => {
      const { signed } = await scene.paid(wallet, program, "append late;\n");
      const before = await scene.account(program);
      // For good: what a ledger has closed at does not go back.
      scene.clock.shiftMs = 125_000;
      expect(await codeOf(resume(scene.client, { signed, wallet }))).to.equal("TOO_LATE_TO_LAND");
      expect((await scene.account(program)).sequence).to.equal(before.sequence);
    });
  });
});

function keysOf(worker: SceneWorker): { ledgerKey: Keypair; messagePrivateKey: Uint8Array } {
  return { ledgerKey: worker.ledgerKey, messagePrivateKey: worker.messageKeys.privateKey };
}
