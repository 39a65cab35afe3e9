import { Memo, Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createSelfCheckingEngine } from "../../../../src/adapters/engine/self-check.ts";
import { createStellarRpcLedger } from "../../../../src/adapters/ledger/stellar-rpc.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import type { LandedTransaction } from "../../../../src/ports/ledger.ts";
import { fromHex, toHex, utf8 } from "../../../../src/utils/bytes.ts";
import { requestToJson } from "../../../../src/wire/execution-json.ts";
import {
  hashRequest,
  signRequest,
  type ExecutionRequest,
  type SignedRequest,
} from "../../../../src/wire/execution-request.ts";
import { ask, refusalOf } from "../../../helpers/ask-all.ts";
import { build, drain, land, payment } from "../../../helpers/ledger-moves.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";
import { until } from "../../../helpers/until.ts";

const NOBODYS_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const HOUR_MS = 3_600_000;

describe("a worker that is sent bad requests", () => {
  let scene: ExecutionScene;
  let worker: SceneWorker;
  let wallet: Wallet;
  let program: string;
  let good: SignedRequest;

  before(async () => {
    scene = await createExecutionScene({ workers: 1 });
    [worker] = scene.workers as [SceneWorker];
    wallet = await scene.user();
    program = await scene.program("probe");
    good = (await scene.paid(wallet, program, "append good\n")).signed;
  });
  after(() => scene.stop());

  /** Whatever came in before, the next good request is answered, and the same one always the same. */
  let firstAnswer: unknown;
  afterEach(async () => {
    scene.clock.shiftMs = 0;
    const answer = await ask(worker, good);
    expect(answer.signed.answer.status).to.equal("accepted");
    firstAnswer ??= answer;
    expect(answer).to.deep.equal(firstAnswer);
  });

  const post = async (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    await fetch(`${worker.url}/v1/executions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });
  const errorOf = async (response: Response): Promise<{ status: number; code: string; message: string }> => {
    const { error } = (await response.json()) as { error: { code: string; message: string; next: string } };
    expect(error.next).to.have.length.above(5);
    return { status: response.status, code: error.code, message: error.message };
  };
  const request = (changes: Partial<ExecutionRequest> = {}): ExecutionRequest =>
    scene.request({ program, user: wallet.account, ...changes });
  /** A request that names this transaction as its payment. */
  const naming = (asked: ExecutionRequest, { hash }: Pick<LandedTransaction, "hash">): SignedRequest =>
    signRequest(asked, fromHex(hash), wallet.signers[0]);
  const memoOf = (asked: ExecutionRequest): Memo => Memo.hash(hashRequest(asked));

  describe("before it looks at the ledger", () => {
    it("should refuse what is not JSON", async () => {
      expect(await errorOf(await post('{"request":'))).to.include({ status: 400, code: "INVALID_INPUT" });
    });

    it("should refuse another content type", async () => {
      const response = await post(JSON.stringify(requestToJson(good)), { "content-type": "text/plain" });
      expect(await errorOf(response)).to.include({ status: 400, code: "INVALID_INPUT" });
    });

    it("should name the field that is wrong", async () => {
      const json = requestToJson(good);
      const wrong = { ...json, request: { ...json.request, nonce: "xyz" } };
      const error = await errorOf(await post(JSON.stringify(wrong)));
      expect(error).to.include({ status: 400, code: "INVALID_INPUT" });
      expect(error.message).to.match(/^request\.nonce: /);
    });

    it("should refuse a field that it does not know", async () => {
      const error = await errorOf(await post(JSON.stringify({ ...requestToJson(good), extra: 1 })));
      expect(error).to.include({ status: 400, code: "INVALID_INPUT" });
    });

    it("should refuse a number beyond 64 bits", async () => {
      const json = requestToJson(good);
      const wrong = { ...json, request: { ...json.request, maxGas: "99999999999999999999" } };
      expect(await errorOf(await post(JSON.stringify(wrong)))).to.include({ status: 400, code: "INVALID_INPUT" });
    });

    it("should refuse a body that is too large", async () => {
      const error = await errorOf(await post(new Uint8Array(600 * 1024).fill(0x20)));
      expect(error).to.include({ status: 413, code: "MESSAGE_TOO_LARGE" });
    });

    it("should refuse an endless body as soon as it is too large", async () => {
      let sent = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(0x20));
        },
      });
      const init: RequestInit & { duplex: "half" } = {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: endless,
        duplex: "half",
      };
      const outcome = await fetch(`${worker.url}/v1/executions`, init).then(
        async (response) => (await errorOf(response)).code,
        () => "closed",
      );
      expect(outcome).to.be.oneOf(["MESSAGE_TOO_LARGE", "closed"]);
      expect(sent).to.be.below(16 * 1024 * 1024);
    });

    it("should refuse a signature that is not the user's", async () => {
      const stranger = await scene.user();
      const forged = signRequest(good.request, good.paymentHash, stranger.signers[0]);
      expect(await refusalOf(worker, forged)).to.equal("REQUEST_SIGNATURE_INVALID");
    });

    it("should refuse a request that was changed after it was signed", async () => {
      const changed = { ...good, request: { ...good.request, maxGas: good.request.maxGas + 1n } };
      expect(await refusalOf(worker, changed)).to.equal("REQUEST_SIGNATURE_INVALID");
    });

    it("should refuse a signature of the wrong length", async () => {
      const wrong = { ...good, signature: good.signature.slice(1) };
      expect(await refusalOf(worker, wrong)).to.equal("INVALID_INPUT");
    });

    it("should refuse a request for another network", async () => {
      const elsewhere = naming(request({ network: "Public Global Stellar Network ; September 2015" }), {
        hash: "00".repeat(32),
      });
      expect(await refusalOf(worker, elsewhere)).to.equal("REQUEST_NOT_SERVED");
    });

    it("should refuse a request whose time is over", async () => {
      const late = naming(request({ validUntil: BigInt(Math.floor(scene.clock.now() / 1_000) - 1) }), {
        hash: "00".repeat(32),
      });
      expect(await refusalOf(worker, late)).to.equal("REQUEST_EXPIRED");
    });

    it("should refuse a program that no agreement binds it to", async () => {
      worker.changes.serves = (asked) => Promise.resolve(asked !== program);
      try {
        expect(await refusalOf(worker, naming(request(), { hash: "00".repeat(32) }))).to.equal("REQUEST_NOT_SERVED");
      } finally {
        delete worker.changes.serves;
      }
    });
  });

  describe("about the program", () => {
    it("should refuse an account that does not exist", async () => {
      const nobody = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7";
      expect(await refusalOf(worker, naming(request({ program: nobody }), { hash: "00".repeat(32) }))).to.equal(
        "ACCOUNT_NOT_FOUND",
      );
    });

    it("should refuse an account that is no smart account", async () => {
      const { account } = await scene.user();
      expect(await refusalOf(worker, naming(request({ program: account }), { hash: "00".repeat(32) }))).to.equal(
        "SMART_ACCOUNT_INVALID",
      );
    });

    it("should refuse a smart account that does not name it", async () => {
      const others = await scene.program("probe", {
        workers: [{ address: worker.url, ledgerKey: (await scene.user()).account }],
      });
      expect(await refusalOf(worker, naming(request({ program: others }), { hash: "00".repeat(32) }))).to.equal(
        "REQUEST_NOT_SERVED",
      );
    });

    it("should say when the program's module is not to be found", async () => {
      const missing = await scene.program({ cid: NOBODYS_CID });
      const { signed } = await scene.paid(wallet, missing, "noop\n");
      expect(await refusalOf(worker, signed)).to.equal("PROGRAM_NOT_FOUND");
    });

    it("should refuse a module that is none", async () => {
      const cid = await scene.client.content.putFile(utf8("no module at all"));
      const { signed } = await scene.paid(wallet, await scene.program({ cid }), "noop\n");
      expect(await refusalOf(worker, signed)).to.equal("PROGRAM_INVALID");
    });

    it("should say that it has no engine for a docker image", async () => {
      const image = await scene.program("probe", {
        program: { kind: "docker", image: "127.0.0.1:5000/books:1", digest: "ab".repeat(32) },
      });
      const { signed } = await scene.paid(wallet, image, "noop\n");
      expect(await refusalOf(worker, signed)).to.equal("ENGINE_UNAVAILABLE");
    });

    it("should say when the input is not to be found", async () => {
      const { signed } = await scene.paid(wallet, program, "", { input: { cid: NOBODYS_CID } });
      expect(await refusalOf(worker, signed)).to.equal("CONTENT_NOT_FOUND");
    });

    it("should refuse another state than ifState names, and say which it is", async () => {
      const { signed } = await scene.paid(wallet, program, "noop\n", { ifState: NOBODYS_CID });
      const error = await errorOf(await post(JSON.stringify(requestToJson(signed))));
      expect(error).to.include({ status: 409, code: "REQUEST_STATE_MOVED" });
      expect(error.message).to.contain((await scene.account(program)).state);
    });
  });

  describe("about the payment", () => {
    it("should refuse a payment that is not there", async () => {
      expect(await refusalOf(worker, naming(request(), { hash: "ab".repeat(32) }))).to.equal("PAYMENT_NOT_FOUND");
    });

    it("should refuse a payment that failed", async () => {
      const asked = request();
      const transaction = await build(scene, wallet, [payment(program, 10n ** 15n)], memoOf(asked));
      await scene.client.ledger.submit(transaction.toXdr());
      const hash = toHex(transaction.hash());
      await until(async () => (await scene.client.ledger.transaction(hash)) !== undefined);
      expect((await scene.client.ledger.transaction(hash))?.successful).to.equal(false);
      expect(await refusalOf(worker, naming(asked, { hash }))).to.equal("PAYMENT_INVALID");
    });

    it("should refuse a payment by somebody else", async () => {
      const asked = request();
      const landed = await land(scene, await scene.user(), [payment(program, 1_000n)], memoOf(asked));
      expect(await refusalOf(worker, naming(asked, landed))).to.equal("PAYMENT_INVALID");
    });

    it("should refuse a payment to another account", async () => {
      const asked = request();
      const landed = await land(scene, wallet, [payment((await scene.user()).account, 1_000n)], memoOf(asked));
      expect(await refusalOf(worker, naming(asked, landed))).to.equal("PAYMENT_INVALID");
    });

    it("should refuse the payment of another request", async () => {
      const { payment: paid } = await scene.paid(wallet, program, "noop\n");
      expect(await refusalOf(worker, naming(request(), paid))).to.equal("PAYMENT_INVALID");
    });

    it("should refuse a payment without a memo", async () => {
      const landed = await land(scene, wallet, [payment(program, 1_000n)]);
      expect(await refusalOf(worker, naming(request(), landed))).to.equal("PAYMENT_INVALID");
    });

    it("should refuse a payment with company", async () => {
      const asked = request();
      const two = [payment(program, 1_000n), payment(program, 1_000n)];
      expect(await refusalOf(worker, naming(asked, await land(scene, wallet, two, memoOf(asked))))).to.equal(
        "PAYMENT_INVALID",
      );
    });

    it("should refuse something else than a payment", async () => {
      const asked = request();
      const operation = Operation.manageData({ name: "note", value: "paid, honestly" });
      expect(await refusalOf(worker, naming(asked, await land(scene, wallet, [operation], memoOf(asked))))).to.equal(
        "PAYMENT_INVALID",
      );
    });

    it("should refuse a payment of less than the base fee", async () => {
      const asked = request();
      const landed = await land(scene, wallet, [payment(program, 999n)], memoOf(asked));
      const error = await errorOf(await post(JSON.stringify(requestToJson(naming(asked, landed)))));
      expect(error).to.include({ status: 402, code: "PAYMENT_TOO_LOW" });
      expect(error.message).to.contain("1000 stroops expected, 999 paid");
    });

    it("should refuse a payment of more than an hour ago", async () => {
      const later = BigInt(Math.floor(scene.clock.now() / 1_000) + 10_000);
      const { signed } = await scene.paid(wallet, program, "noop\n", { validUntil: later });
      scene.clock.shiftMs = HOUR_MS + 5_000;
      expect(await refusalOf(worker, signed)).to.equal("PAYMENT_EXPIRED");
    });

    it("should refuse a user who cannot pay for the gas", async () => {
      const poor = await scene.user();
      await drain(scene, poor, wallet.account, 20_000n);
      const { signed } = await scene.paid(poor, program, "noop\n", { maxGas: 1_000_000n });
      expect(await refusalOf(worker, signed)).to.equal("FUNDS_TOO_LOW");
    });
  });

  describe("whose programs misbehave", () => {
    const answerTo = async (input: string): Promise<Awaited<ReturnType<typeof ask>>> =>
      await ask(worker, (await scene.paid(wallet, program, input)).signed);

    it("should sign the rejection of a program that exits with 1", async () => {
      const { signed, detail } = await answerTo("exit 1\n");
      expect(signed.answer).to.include({ status: "rejected", newState: signed.answer.previousState });
      expect(signed.transactionSignature).to.equal(undefined);
      expect(detail).to.contain("exit 1: left with 1");
    });

    it("should sign the rejection of an output over the limit", async () => {
      const { signed, detail } = await answerTo("flood\n");
      expect(signed.answer.status).to.equal("rejected");
      expect(detail).to.match(/^output-limit/);
    });

    it("should sign the rejection of a program that traps", async () => {
      const { signed, detail } = await answerTo("trap\n");
      expect(signed.answer.status).to.equal("rejected");
      expect(detail).to.match(/^exit 134/);
    });

    it("should not sign anything of a program that runs too long", async function () {
      this.timeout(30_000);
      const { signed } = await scene.paid(wallet, program, "spin\n");
      expect(await refusalOf(worker, signed)).to.equal("TIMEOUT");
    });

    it("should sign nothing for a program whose two runs differ, and say so", async () => {
      let outputs = 0;
      worker.changes.wrapEngine = (engine: Engine): Engine =>
        createSelfCheckingEngine({
          ...engine,
          run: async (run, options) => ({
            ...(await engine.run(run, options)),
            output: new Uint8Array(utf8(String(++outputs))),
          }),
        });
      await worker.stop();
      await worker.start();
      const { signed } = await scene.paid(await scene.user(), program, "noop\n");
      expect(await refusalOf(worker, signed)).to.equal("NON_DETERMINISTIC");
      expect(outputs).to.equal(2);
      delete worker.changes.wrapEngine;
      await worker.stop();
      await worker.start();
    });

    it("should refuse more requests than may wait", async () => {
      let release = (): void => {};
      const held = new Promise<void>((resolve) => (release = resolve));
      let running = 0;
      worker.changes.maxQueued = 1;
      worker.changes.concurrency = 1;
      worker.changes.wrapEngine = (engine: Engine): Engine => ({
        ...engine,
        run: async (run, options) => {
          running += 1;
          await held;
          return await engine.run(run, options);
        },
      });
      await worker.stop();
      await worker.start();
      const payers = [await scene.user(), await scene.user(), await scene.user()];
      const [first, second, third] = await Promise.all(
        payers.map(async (payer) => (await scene.paid(payer, program, "noop\n")).signed),
      );
      if (first === undefined || second === undefined || third === undefined) throw new Error("unreachable");
      const one = ask(worker, first);
      await until(() => running === 1);
      const two = [second, third].map(async (signed) => (await refusalOf(worker, signed)) ?? "answered");
      expect(await Promise.race(two)).to.equal("WORKER_BUSY");
      release();
      expect((await one).signed.answer.status).to.equal("accepted");
      expect((await Promise.all(two)).sort()).to.deep.equal(["WORKER_BUSY", "answered"]);
      delete worker.changes.wrapEngine;
      await worker.stop();
      await worker.start();
    });
  });

  describe("on its other paths", () => {
    it("should say that there is no such path", async () => {
      const response = await fetch(`${worker.url}/v2/executions`);
      expect(await errorOf(response)).to.include({ status: 404, code: "INVALID_INPUT" });
    });

    it("should say that there is no such method", async () => {
      const response = await fetch(`${worker.url}/health`, { method: "DELETE" });
      expect(await errorOf(response)).to.include({ status: 404, code: "INVALID_INPUT" });
    });

    it("should refuse a request hash that is none", async () => {
      expect(await errorOf(await fetch(`${worker.url}/v1/executions/..%2f..%2fetc`))).to.include({
        status: 400,
        code: "INVALID_INPUT",
      });
    });

    it("should refuse a CID that is none, and say when it does not hold one", async () => {
      expect(await errorOf(await fetch(`${worker.url}/ipfs/nonsense?format=raw`))).to.include({
        status: 400,
        code: "INVALID_INPUT",
      });
      expect(await errorOf(await fetch(`${worker.url}/ipfs/${NOBODYS_CID}?format=raw`))).to.include({
        status: 404,
        code: "CONTENT_NOT_FOUND",
      });
    });

    it("should say that it is not well while its ledger is down", async () => {
      await scene.client.workerApi.health(worker.url);
      await worker.stop();
      worker.changes.ledger = createStellarRpcLedger({
        rpcUrl: "http://127.0.0.1:9",
        networkPassphrase: scene.devnet.networkPassphrase,
      });
      await worker.start();
      try {
        expect(await refusalOf(worker, good)).to.equal("LEDGER_UNREACHABLE");
        const health = await errorOf(await fetch(`${worker.url}/health`));
        expect(health).to.include({ status: 503, code: "LEDGER_UNREACHABLE" });
      } finally {
        delete worker.changes.ledger;
        await worker.stop();
        await worker.start();
      }
    });
  });
});
