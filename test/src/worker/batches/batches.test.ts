import { Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { execute } from "../../../../src/client/execute.ts";
import { resume } from "../../../../src/client/resume.ts";
import { awaitBatch } from "../../../../src/client/await-batch.ts";
import { payOut } from "../../../../src/client/change-program.ts";
import { topUp } from "../../../../src/client/top-up.ts";
import { payoutShareStroops } from "../../../../src/domain/program/payout.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { gasFeeStroops } from "../../../../src/domain/program/gas.ts";
import { compareInputs } from "../../../../src/domain/program/batch.ts";
import { owedStroops } from "../../../../src/domain/program/credits.ts";
import { toHex, utf8 } from "../../../../src/utils/bytes.ts";
import { signRequest } from "../../../../src/wire/execution-request.ts";
import { ask, askAll, refusalOf } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { land } from "../../../helpers/ledger-moves.ts";
import {
  batchesOf,
  historyOf,
  prepay,
  proposalGate,
  restart,
  stateOf,
  untilKept,
  type Prepaid,
} from "../../../helpers/prepaid.ts";
import { until } from "../../../helpers/until.ts";

const BASE_FEE_STROOPS = 1_000n;
const USERS = 20;

describe("worker/batches: the prepaid form", () => {
  let scene: ExecutionScene;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    await scene.fundWorkers();
  });
  after(() => scene.stop());
  afterEach(async () => {
    if (!scene.workers.some(({ changes }) => changes.peers)) return;
    for (const { changes } of scene.workers) delete changes.peers;
    await restart(scene.workers);
  });

  const users = async (count: number): Promise<Wallet[]> =>
    await Promise.all(Array.from({ length: count }, async () => await scene.user()));
  const inTurn = (paid: readonly Prepaid[]): Prepaid[] =>
    paid.toSorted((a, b) => a.ledger - b.ledger || Buffer.compare(a.signed.paymentHash, b.signed.paymentHash));
  const balanceOf = async (account: string): Promise<bigint> =>
    (await scene.client.ledger.account(account, []))?.account.balanceStroops ?? 0n;
  const untilPaidBack = async (program: string): Promise<void> =>
    await until(async () => (await historyOf(scene, program))[0]?.kind === "refund", {
      what: "what was too much is paid back",
      timeoutMs: 60_000,
    });

  it("should give each of 20 users at once the result of its own place in the order of payments, and pay back to the stroop", async () => {
    const program = await scene.program("probe");
    const wallets = await users(USERS);
    const before = new Map(
      await Promise.all(wallets.map(async ({ account }) => [account, await balanceOf(account)] as const)),
    );
    const endowed = await balanceOf(program);
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const paid = await Promise.all(
      wallets.map(async (wallet, n) => await prepay(scene, wallet, program, `append ${n};`)),
    );
    const results = paid.map(async (each) => await awaitBatch(scene.client, each));
    await untilKept(scene.workers, USERS);
    gate.open();
    const answered = await Promise.all(results);

    let texts: string[] = [];
    for (const { requestHash, signed } of inTurn(paid)) {
      const result = answered.find((each) => each.requestHash === toHex(requestHash));
      const { input } = signed.request;
      const text = "bytes" in input ? Buffer.from(input.bytes).toString().slice("append ".length).trimEnd() : "";
      expect(result?.answer.previousState, `before ${text}`).to.equal(stateOf(...texts));
      texts = [...texts, text];
      expect(result?.answer.newState, `after ${text}`).to.equal(stateOf(...texts));
    }
    expect((await scene.account(program)).state).to.equal(stateOf(...texts));
    const batches = await batchesOf(scene, program);
    const inputs = batches.flatMap((batch) => batch.inputs);
    expect(inputs.map(({ signedRequest }) => toHex(signedRequest.paymentHash))).to.deep.equal(
      inputs.toSorted(compareInputs).map(({ signedRequest }) => toHex(signedRequest.paymentHash)),
    );
    await untilPaidBack(program);
    const charged = new Map(inputs.map((each) => [each.signedRequest.request.user, each.chargedStroops]));
    for (const { account } of wallets) {
      const paymentFee = 100n;
      expect(await balanceOf(account), account).to.equal(
        (before.get(account) ?? 0n) - paymentFee - (charged.get(account) ?? 0n),
      );
    }
    const earned = inputs.reduce((sum, { chargedStroops }) => sum + chargedStroops, 0n);
    expect(await balanceOf(program)).to.equal(endowed + earned);
    expect(charged.get(wallets[0]?.account ?? "")).to.be.greaterThan(Number(BASE_FEE_STROOPS));
  }).timeout(120_000);

  it("should land the others' results when a user's account is gone, and keep what it is owed", async () => {
    const program = await scene.program("probe");
    const [leaver, stayer, heir] = (await users(3)) as [Wallet, Wallet, Wallet];
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const first = await prepay(scene, leaver, program, "append leaver;");
    const second = await prepay(scene, stayer, program, "append stayer;");
    const results = [first, second].map(async (each) => await awaitBatch(scene.client, each));
    await untilKept(scene.workers, 2);
    await land(scene, leaver, [Operation.accountMerge({ destination: heir.account })]);
    gate.open();
    const [gone, there] = await Promise.all(results);
    expect(gone?.answer.newState).to.equal(stateOf("leaver;"));
    expect(there?.answer.newState).to.equal(stateOf("leaver;", "stayer;"));
    await untilPaidBack(program);
    const [last] = await historyOf(scene, program);
    expect(last?.kind === "refund" && last.payments.map(({ user }) => user)).to.deep.equal([stayer.account]);
    const kept = last === undefined || last.kind === "create" ? [] : (last.credits ?? []);
    expect(kept.map(({ user }) => user)).to.deep.equal([leaver.account]);

    await topUp(scene.client, { program, wallet: heir, stroops: 600_000_000n });
    const { spendableStroops } = await scene.account(program);
    const owed = kept.reduce((sum, { stroops }) => sum + stroops, 0n);
    const { shareStroops } = await payOut(scene.client, { program, wallet: heir });
    expect(shareStroops).to.equal(payoutShareStroops(spendableStroops - owed, scene.workers.length));
    expect((await scene.account(program)).spendableStroops >= owed, "what is owed stays").to.equal(true);
    const [paidOut] = await historyOf(scene, program);
    expect(paidOut === undefined ? 0n : owedStroops(paidOut), "a payout carries on what is owed").to.equal(owed);
  }).timeout(90_000);

  // Found by the simulation of executions, SPRF_SIMULATION_SEED=10.
  it("should not pay out to workers what was prepaid for requests that wait", async () => {
    const program = await scene.program("probe");
    const [wallet] = (await users(1)) as [Wallet];
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const waiting = await prepay(scene, wallet, program, "append it;", { maxGas: 50_000_000n });
    const result = awaitBatch(scene.client, waiting);
    await untilKept(scene.workers, 1);
    await topUp(scene.client, { program, wallet, stroops: 100_000_000n });
    expect(await codeOf(payOut(scene.client, { program, wallet })), "no worker consents").to.equal("NO_MAJORITY");
    gate.open();
    const { answer } = await result;
    await untilPaidBack(program);
    const { spendableStroops } = await scene.account(program);
    expect(spendableStroops).to.equal(100_000_000n + BASE_FEE_STROOPS + gasFeeStroops(answer.gas, 1_000n));
    const { shareStroops } = await payOut(scene.client, { program, wallet });
    expect(shareStroops).to.equal(payoutShareStroops(spendableStroops, scene.workers.length));
  }).timeout(90_000);

  it("should charge rejected and too expensive inputs without harm to the others", async () => {
    const program = await scene.program("probe");
    const [wallet] = (await users(1)) as [Wallet];
    const gate = proposalGate(scene.workers);
    await restart(scene.workers);
    const rejected = await prepay(scene, wallet, program, "exit 7");
    const dear = await prepay(scene, wallet, program, "append dear;", { maxGas: 10n });
    const good = await prepay(scene, wallet, program, "append good;");
    const results = [rejected, dear, good].map(async (each) => await codeOf(awaitBatch(scene.client, each)));
    await untilKept(scene.workers, 3);
    gate.open();
    expect(await Promise.all(results)).to.deep.equal(["PROGRAM_REJECTED", "OUT_OF_GAS", undefined]);
    expect((await scene.account(program)).state).to.equal(stateOf("good;"));
    const inputs = (await batchesOf(scene, program)).flatMap((batch) => batch.inputs);
    expect(inputs.map(({ status }) => status)).to.deep.equal(["rejected", "out-of-gas", "accepted"]);
    expect(inputs[1]?.chargedStroops).to.equal(dear.paidStroops);
  }).timeout(60_000);

  it("should go on from where it was with resume, and give the same answers again", async () => {
    const program = await scene.program("probe");
    const [wallet] = (await users(1)) as [Wallet];
    const paid = await prepay(scene, wallet, program, "append again;");
    const result = await resume(scene.client, { signed: paid.signed, wallet });
    const again = await resume(scene.client, { signed: paid.signed, wallet });
    expect(again.answer).to.deep.equal(result.answer);
    expect(again.transition).to.deep.equal(result.transition);
    const answers = await askAll(scene.workers, paid.signed);
    await restart(scene.workers);
    expect(await askAll(scene.workers, paid.signed)).to.deep.equal(answers);
  }).timeout(60_000);

  it("should take direct and prepaid requests of one program in turns", async () => {
    const program = await scene.program("probe");
    const [wallet] = (await users(1)) as [Wallet];
    const run = async (text: string, form?: "prepaid"): Promise<string> => {
      const input = { bytes: new Uint8Array(utf8(`append ${text}\n`)) };
      const parts = { program, wallet, input, maxGas: 20_000n, ...(form === undefined ? {} : { form }) };
      return (await execute(scene.client, parts)).answer.newState;
    };
    expect(await run("a;", "prepaid")).to.equal(stateOf("a;"));
    expect(await run("b;")).to.equal(stateOf("a;", "b;"));
    expect(await run("c;", "prepaid")).to.equal(stateOf("a;", "b;", "c;"));
    await untilPaidBack(program);
    const kinds = (await historyOf(scene, program)).map(({ kind }) => kind).reverse();
    expect(kinds.filter((kind) => kind !== "refund")).to.deep.equal(["create", "batch", "transition", "batch"]);
  }).timeout(60_000);

  describe("what it refuses", () => {
    let program: string;
    let wallet: Wallet;

    before(async () => {
      program = await scene.program("probe");
      wallet = await scene.user();
    });

    it("should refuse a payment that was made for the other form", async () => {
      const [worker] = scene.workers;
      const prepaid = await prepay(scene, wallet, program, "append once;");
      const { form: _form, ...direct } = prepaid.signed.request;
      const asDirect = signRequest(direct, prepaid.signed.paymentHash, wallet.signers[0]);
      expect(await refusalOf(worker!, asDirect)).to.equal("PAYMENT_INVALID");
      const paid = await scene.paid(wallet, program, "append direct;\n");
      const asPrepaid = signRequest(
        { ...paid.signed.request, form: "prepaid" },
        paid.signed.paymentHash,
        wallet.signers[0],
      );
      expect(await refusalOf(worker!, asPrepaid)).to.equal("PAYMENT_INVALID");
    });

    it("should refuse a payment that does not cover maxGas, a state condition, and a request that was late", async () => {
      const [worker] = scene.workers;
      const cheap = await scene.paid(wallet, program, "append cheap;\n", { form: "prepaid" });
      expect(await refusalOf(worker!, cheap.signed)).to.equal("PAYMENT_TOO_LOW");
      const ifState = (await scene.account(program)).state;
      const conditional = await prepay(scene, wallet, program, "append if;", { ifState });
      expect(await refusalOf(worker!, conditional.signed)).to.equal("INVALID_INPUT");
      const late = await prepay(scene, wallet, program, "append late;", { validUntil: 1n });
      expect(await refusalOf(worker!, late.signed)).to.equal("REQUEST_EXPIRED");
    });

    it("should take a request once, however often it comes", async () => {
      const paid = await prepay(scene, wallet, program, "append thrice;");
      const [one] = scene.workers;
      const answers = await Promise.all([
        ask(one!, paid.signed),
        ask(one!, paid.signed),
        askAll(scene.workers, paid.signed),
      ]);
      expect(answers[0]).to.deep.equal(answers[1]);
      const inputs = (await batchesOf(scene, program)).flatMap((batch) => batch.inputs);
      const hash = toHex(paid.signed.paymentHash);
      expect(inputs.filter(({ signedRequest }) => toHex(signedRequest.paymentHash) === hash)).to.have.length(1);
    }).timeout(30_000);
  });
});
