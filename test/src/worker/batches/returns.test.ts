import { Memo, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createHttpWorkerApi } from "../../../../src/adapters/worker-api/http.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { execute } from "../../../../src/client/execute.ts";
import { submitAndWait } from "../../../../src/client/submit.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { priceStroops } from "../../../../src/domain/program/payment.ts";
import { baseOfAccount } from "../../../../src/execution/batch-base.ts";
import { prepareReturn } from "../../../../src/execution/prepare-return.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import { fromHex, toHex, utf8 } from "../../../../src/utils/bytes.ts";
import { signBatchProposal } from "../../../../src/wire/batch-proposal.ts";
import type { ReturnRecord } from "../../../../src/wire/batch-record.ts";
import { hashRequest, signRequest } from "../../../../src/wire/execution-request.ts";
import { encodeRecord } from "../../../../src/wire/record.ts";
import { findReturnable } from "../../../../src/worker/batches/check-prepaid.ts";
import { ask, refusalOf } from "../../../helpers/ask-all.ts";
import { createSceneAuditor } from "../../../helpers/auditor.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { build, payment } from "../../../helpers/ledger-moves.ts";
import { firstProposer, historyOf, keptBy, prepay, restart, type Prepaid } from "../../../helpers/prepaid.ts";
import { until } from "../../../helpers/until.ts";

const BASE_FEE_STROOPS = 1_000n;
const PAYMENT_FEE_STROOPS = 100n;
const HOUR_MS = 3_600_000;
const VALID_SECONDS = 60;

describe("worker/batches: what was paid for a run that never was", () => {
  let scene: ExecutionScene;
  let program: string;
  let user: Wallet;

  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    await scene.fundWorkers();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe");
    user = await scene.user();
  });

  const balance = async (): Promise<bigint> =>
    (await scene.client.ledger.account(user.account, []))?.account.balanceStroops ?? 0n;
  const returnsOf = async (): Promise<ReturnRecord[]> =>
    (await historyOf(scene, program)).flatMap((record) => (record.kind === "return" ? [record] : []));
  const paymentsOf = (record: ReturnRecord): string[] =>
    record.returned.map(({ signedRequest }) => toHex(signedRequest.paymentHash));
  const untilRefunded = async (): Promise<void> =>
    await until(async () => (await historyOf(scene, program))[0]?.kind === "refund", {
      what: "the user has its money back",
      timeoutMs: 60_000,
    });
  const nowSeconds = (): bigint => BigInt(Math.floor(scene.clock.now() / 1_000));

  /** What a worker proposes to all others, whatever it is; the codes of those that refuse. */
  async function propose(record: ReturnRecord): Promise<(string | undefined)[]> {
    const proposer = await firstProposer(scene, program);
    const proposal = signBatchProposal(encodeRecord(record), proposer.ledgerKey);
    const others = scene.workers.filter((worker) => worker !== proposer);
    const api = createHttpWorkerApi();
    return await Promise.all(others.map(async ({ url }) => await codeOf(api.endorse(url, proposal))));
  }
  async function returnOf(paid: Prepaid): Promise<ReturnRecord> {
    const account = await scene.account(program);
    const base = await baseOfAccount(scene.client, account);
    const input = await findReturnable(scene.client, account, paid);
    const validUntil = nowSeconds() + BigInt(VALID_SECONDS);
    const due = prepareReturn(base, { inputs: [input], validUntil });
    if (due === undefined) throw new Error("nothing to return");
    return due.record;
  }

  it("should come back less the base fee when no worker could run it, and only once its time is over", async () => {
    const failing = (engine: Engine): Engine => ({
      ...engine,
      run: async () => await Promise.reject(new Error("this machine has no memory left")),
    });
    for (const { changes } of scene.workers) changes.wrapEngine = failing;
    await restart(scene.workers);
    try {
      const before = await balance();
      const paid = await prepay(scene, user, program, "append never;");
      const asked = scene.workers.map(async (worker) => await refusalOf(worker, paid.signed));
      await until(async () => (await Promise.all(scene.workers.map(keptBy))).every((kept) => kept === 1), {
        what: "all workers know the request",
        timeoutMs: 60_000,
      });
      expect(await returnsOf()).to.deep.equal([]);
      scene.clock.shiftMs += HOUR_MS + 60_000;
      for (const code of await Promise.all(asked)) {
        expect(code).to.be.oneOf(["PAYMENT_EXPIRED", "INPUT_FAILED", "BATCH_PENDING"]);
      }
      await untilRefunded();
      expect(await balance()).to.equal(before - PAYMENT_FEE_STROOPS - BASE_FEE_STROOPS);
      expect((await returnsOf()).map(paymentsOf)).to.deep.equal([[toHex(paid.signed.paymentHash)]]);
      await until(async () => (await Promise.all(scene.workers.map(keptBy))).every((kept) => kept === 0), {
        what: "nobody keeps the request",
        timeoutMs: 60_000,
      });
    } finally {
      for (const { changes } of scene.workers) delete changes.wrapEngine;
      await restart(scene.workers);
    }
  }).timeout(120_000);

  it("should come back once for ever: also when nobody remembers, and when transitions came after", async () => {
    const before = await balance();
    const paid = await prepay(scene, user, program, "append late;");
    scene.clock.shiftMs += HOUR_MS + 60_000;
    expect(await refusalOf(scene.workers[0]!, paid.signed)).to.equal("PAYMENT_EXPIRED");
    await untilRefunded();
    expect(await balance()).to.equal(before - PAYMENT_FEE_STROOPS - BASE_FEE_STROOPS);
    const other = await scene.user();
    const input = { bytes: new Uint8Array(utf8("append after;\n")) };
    await execute(scene.client, { program, wallet: other, input, maxGas: 20_000n });

    expect(await refusalOf(scene.workers[0]!, paid.signed)).to.equal("PAYMENT_USED");
    for (const { changes } of scene.workers) changes.store = createMemoryStore();
    await restart(scene.workers);
    scene.clock.shiftMs += 20 * HOUR_MS;
    expect(await refusalOf(scene.workers[1]!, paid.signed)).to.equal("PAYMENT_USED");
    expect(await propose(await returnOf(paid))).to.deep.equal(["BATCH_REFUSED", "BATCH_REFUSED"]);
    expect((await returnsOf()).flatMap(paymentsOf)).to.have.length(1);

    const auditor = await createSceneAuditor(scene);
    try {
      expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1, paymentsSeen: 2 });
    } finally {
      await auditor.close();
    }
  }).timeout(120_000);

  it("should not come back for what was run, at another amount, or after a day", async () => {
    const run = await execute(scene.client, {
      program,
      wallet: user,
      input: { bytes: new Uint8Array(utf8("append run;\n")) },
      maxGas: 20_000n,
      form: "prepaid",
    });
    const batch = (await historyOf(scene, program)).find(({ kind }) => kind === "batch");
    const input = batch?.kind === "batch" ? batch.inputs[0] : undefined;
    if (input === undefined) throw new Error("no batch landed");
    const ran: Prepaid = {
      wallet: user,
      signed: input.signedRequest,
      requestHash: fromHex(run.requestHash),
      ledger: input.payment.ledger,
      paidStroops: input.paidStroops,
    };
    await untilRefunded();
    const paid = await prepay(scene, await scene.user(), program, "append unsent;");
    scene.clock.shiftMs += HOUR_MS + 60_000;
    expect(await propose(await returnOf(ran))).to.deep.equal(["BATCH_REFUSED", "BATCH_REFUSED"]);
    const honest = await returnOf(paid);
    const [first] = honest.returned;
    if (first === undefined) throw new Error("nothing to return");
    const more = { ...honest, returned: [{ ...first, returnedStroops: first.returnedStroops + 1n }] };
    expect(await propose(more)).to.deep.equal(["BATCH_REFUSED", "BATCH_REFUSED"]);
    const paidMore = { ...honest, returned: [{ ...first, paidStroops: first.paidStroops + 1n }] };
    expect(await propose(paidMore)).to.deep.equal(["BATCH_REFUSED", "BATCH_REFUSED"]);
    const later = { ...first, payment: { ...first.payment, closeTime: first.payment.closeTime + 3_600n } };
    expect(await propose({ ...honest, returned: [later] })).to.deep.equal(["BATCH_REFUSED", "BATCH_REFUSED"]);
    expect(await propose(honest), "the honest one").to.deep.equal([undefined, undefined]);
    scene.clock.shiftMs += 24 * HOUR_MS;
    expect(await refusalOf(scene.workers[0]!, paid.signed)).to.equal("PAYMENT_EXPIRED");
    expect(await returnsOf()).to.deep.equal([]);
  }).timeout(120_000);

  it("should come back for what was paid too little, when asked for once its time is over", async () => {
    const before = await balance();
    const cheap = await scene.paid(user, program, "append cheap;\n", { form: "prepaid", maxGas: 20_000n });
    expect(await refusalOf(scene.workers[0]!, cheap.signed)).to.equal("PAYMENT_TOO_LOW");
    scene.clock.shiftMs += HOUR_MS + 60_000;
    // The base fee is all that was paid, so nothing is to come back.
    expect(await refusalOf(scene.workers[0]!, cheap.signed)).to.equal("PAYMENT_EXPIRED");
    await until(async () => (await keptBy(scene.workers[0]!)) === 0, { what: "the request is forgotten" });
    expect(await balance()).to.equal(before - PAYMENT_FEE_STROOPS - BASE_FEE_STROOPS);
  }).timeout(60_000);

  it("should know a prepayment by one hash alone, though the fee bump around it has another", async () => {
    const request = scene.request({
      program,
      user: user.account,
      input: { bytes: new Uint8Array(utf8("append bumped;\n")) },
      form: "prepaid",
      maxGas: 20_000n,
    });
    const [key] = user.signers;
    const price = priceStroops(request, await scene.account(program));
    const inner = await build(scene, user, [payment(program, price)], Memo.hash(hashRequest(request)));
    const bump = TransactionBuilder.buildFeeBumpTransaction(key, "2000", inner, scene.devnet.networkPassphrase);
    bump.sign(key);
    const landed = await submitAndWait(scene.client, bump, Math.floor(scene.clock.now() / 1_000) + 60);
    const byBump = signRequest(request, fromHex(landed.hash), key);
    expect(await refusalOf(scene.workers[0]!, byBump)).to.equal("PAYMENT_INVALID");
    const { signed } = await ask(scene.workers[0]!, signRequest(request, inner.hash(), key));
    expect(signed.answer.status).to.equal("accepted");
    expect(await refusalOf(scene.workers[0]!, byBump)).to.be.oneOf(["PAYMENT_INVALID", undefined]);
    const inputs = (await historyOf(scene, program)).flatMap((record) =>
      record.kind === "batch" ? record.inputs : [],
    );
    expect(inputs).to.have.length(1);
  }).timeout(60_000);
});
