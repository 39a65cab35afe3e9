import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { execute, type ExecuteStep } from "../../../src/client/execute.ts";
import { payBaseFee } from "../../../src/client/pay.ts";
import { readState } from "../../../src/client/read-state.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { gasFeeStroops, gasOf } from "../../../src/domain/program/gas.ts";
import { majorityOf } from "../../../src/domain/program/smart-account.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import { readRecord } from "../../../src/execution/read-record.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { toHex, utf8 } from "../../../src/utils/bytes.ts";
import { hashWithDomain } from "../../../src/wire/canonical.ts";
import { isAnswerOf } from "../../../src/wire/execution-answer.ts";
import { askAll } from "../../helpers/ask-all.ts";
import { balancesCsv, entriesToCsv, generateEntries } from "../../../examples/programs/journal.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { drainUser } from "../../helpers/ledger-moves.ts";

const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(text)) });

for (const count of [1, 3, 5]) {
  describe(`execution by ${count} worker${count === 1 ? "" : "s"}`, () => {
    let scene: ExecutionScene;
    let wallet: Wallet;
    before(async () => {
      scene = await createExecutionScene({ workers: count });
      wallet = await scene.user();
    });
    after(() => scene.stop());

    it("should anchor what an independent computation gives, over two executions", async () => {
      const program = await scene.program("bookkeeping");
      const entries = generateEntries(40, count);
      const steps: ExecuteStep[] = [];
      const first = await execute(
        scene.client,
        { program, wallet, input: input(entriesToCsv(entries.slice(0, 20))) },
        { onProgress: (step) => steps.push(step) },
      );
      const second = await execute(scene.client, { program, wallet, input: input(entriesToCsv(entries.slice(20))) });

      expect(new TextDecoder().decode(first.output)).to.equal(balancesCsv(entries.slice(0, 20)));
      expect(new TextDecoder().decode(second.output)).to.equal(balancesCsv(entries));
      expect(steps.map(({ step }) => step)).to.deep.equal(["paying", "paid", "answered", "anchored"]);
      const state = await readState(scene.client, program);
      expect(state.cid).to.equal(second.answer.newState);
      expect(state.ledger).to.equal(second.transition?.ledger);
      expect(second.answer.previousState).to.equal(first.answer.newState);
      expect(second.answer.sequence).to.equal(first.answer.sequence + 1n);
    });

    it("should have every worker give byte-equal answers, transactions and records, each with its own signatures", async () => {
      const program = await scene.program("probe");
      const { signed } = await scene.paid(wallet, program, "append same\n");
      const answers = await askAll(scene.workers, signed);
      const [first] = answers;
      for (const [i, { signed: own, output }] of answers.entries()) {
        const worker = scene.workers[i];
        expect(own.answer).to.deep.equal(first?.signed.answer);
        expect(output).to.deep.equal(first?.output);
        expect(own.worker).to.equal(worker?.ledgerKey.publicKey());
        expect(isAnswerOf(own, worker?.messageKeys.publicKey ?? new Uint8Array())).to.equal(true);
        expect(await worker?.content.localBlock(own.answer.recordCid ?? "")).to.have.length.above(100);
        expect(await worker?.content.has(own.answer.newState)).to.equal(true);
      }
      expect(new Set(answers.map(({ signed: { signature } }) => toHex(signature))).size).to.equal(count);
    });

    it("should write records that say all of a transition and link to the one before, with its envelope", async () => {
      const program = await scene.program("probe");
      const created = await findTip(scene.client.ledger, await scene.account(program));
      expect((await readRecord(scene.client.content, created.recordCid)).kind).to.equal("create");

      const { signed, requestHash, payment } = await scene.paid(wallet, program, "append one\n");
      const [answer] = await askAll(scene.workers, signed);
      const recordCid = answer?.signed.answer.recordCid ?? "";
      const record = await readRecord(scene.client.content, recordCid);
      if (record.kind !== "transition") throw new Error("expected a transition");
      const header = await scene.client.ledger.header(payment.ledger);
      expect(record.signedRequest).to.deep.equal(signed);
      expect(record.previous).to.deep.equal({ recordCid: created.recordCid, envelope: created.envelope });
      expect(record.skipped).to.deep.equal([]);
      expect(record.payment).to.deep.equal({
        ledger: payment.ledger,
        ledgerHash: header?.hash,
        closeTime: BigInt(payment.closeTime),
      });
      expect(record.environment).to.deep.equal({
        time: BigInt(payment.closeTime),
        seed: hashWithDomain("sprf/seed/1", requestHash, header?.hash ?? new Uint8Array()),
        sequence: answer?.signed.answer.sequence,
      });
      expect(record.newState).to.equal(answer?.signed.answer.newState);

      const landed = await execute(scene.client, { program, wallet, input: input("append two\n") });
      const tip = await findTip(scene.client.ledger, await scene.account(program));
      expect(tip.recordCid).to.equal(landed.answer.recordCid);
      await execute(scene.client, { program, wallet, input: input("append three\n") });
      const third = await scene.lastTransition(program);
      expect(third.previous).to.deep.equal({ recordCid: tip.recordCid, envelope: tip.envelope });
      expect(third.previousState).to.equal(landed.answer.newState);
    });

    it("should count any majority and no smaller group", async () => {
      const program = await scene.program("probe");
      const { thresholds, signers } = (await scene.account(program)).snapshot.account;
      const majority = majorityOf(count);
      expect(thresholds).to.deep.equal({ master: 0, low: majority, medium: majority, high: majority });
      expect(signers).to.have.length(count);
      expect(signers.map(({ key }) => Keypair.fromPublicKey(key).publicKey()).sort()).to.deep.equal(
        scene.workers.map(({ ledgerKey }) => ledgerKey.publicKey()).sort(),
      );
      expect(
        await payBaseFee(scene.client, {
          program: await scene.account(program),
          wallet,
          requestHash: new Uint8Array(32),
        }),
      ).to.include({ successful: true });
    });
  });
}

describe("execution", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene();
    wallet = await scene.user();
  });
  after(() => scene.stop());

  it("should take the base fee and the gas fee from the user, and nothing from the smart account", async () => {
    const program = await scene.program("probe");
    const before = await scene.account(program);
    const { answer } = await execute(scene.client, { program, wallet, input: input("append ten bytes\n") });
    const after = await scene.account(program);
    expect(answer.gas).to.equal(
      gasOf({ inputBytes: 17, outputBytes: 0, stateBytesBefore: 0, stateBytesAfter: 9, seconds: 2 }),
    );
    expect(after.spendableStroops - before.spendableStroops).to.equal(1_000n + gasFeeStroops(answer.gas, 1_000n));
  });

  it("should name a landed failure in the next record, and go on", async () => {
    const program = await scene.program("probe");
    const poor = await scene.user();
    const error = await codeOf(
      execute(drainUser(scene, poor, wallet.account), { program, wallet: poor, input: input("append never\n") }),
    );
    expect(error).to.equal("LEDGER_REJECTED");
    const failed = await loadSmartAccount(scene.client.ledger, program);
    const { skipped } = await findTip(scene.client.ledger, failed);
    expect(skipped).to.have.length(1);

    const { answer } = await execute(scene.client, { program, wallet, input: input("append after\n") });
    const record = await scene.lastTransition(program);
    expect(record.skipped).to.deep.equal(skipped);
    expect(record.newState).to.equal(answer.newState);
    expect(new TextDecoder().decode((await readState(scene.client, program)).bytes)).to.equal("after");
  });

  it("should read without a transition, and without moving anything", async () => {
    const program = await scene.program("probe");
    await execute(scene.client, { program, wallet, input: input("append kept\n") });
    const before = await scene.account(program);
    const { answer, output, transition } = await execute(scene.client, { program, wallet, input: input("show\n") });
    expect(new TextDecoder().decode(output)).to.equal("kept");
    expect(transition).to.equal(undefined);
    expect(answer).to.include({ status: "accepted", newState: before.state, previousState: before.state });
    expect(answer.recordCid).to.equal(undefined);
    expect((await scene.account(program)).sequence).to.equal(before.sequence);
  });

  it("should say in the program's own words why it rejected, and leave the state", async () => {
    const program = await scene.program("bookkeeping");
    const before = await scene.account(program);
    try {
      await execute(scene.client, { program, wallet, input: input("2026-02-30,a,b,1,\n") });
      throw new Error("expected a rejection");
    } catch (error) {
      expect(error).to.include({ code: "PROGRAM_REJECTED" });
      expect(String(error)).to.match(/exit 1: line 1: /);
    }
    const after = await scene.account(program);
    expect(after).to.include({ state: before.state, sequence: before.sequence });
  });

  it("should refuse a run that costs more than maxGas, and leave the state", async () => {
    const program = await scene.program("probe");
    const before = await scene.account(program);
    const gas = gasOf({ inputBytes: 9, outputBytes: 0, stateBytesBefore: 0, stateBytesAfter: 1, seconds: 2 });
    const parts = { program, wallet, input: input("append x\n") };
    expect(await codeOf(execute(scene.client, { ...parts, maxGas: gas - 1n }))).to.equal("OUT_OF_GAS");
    expect((await scene.account(program)).sequence).to.equal(before.sequence);
    expect((await execute(scene.client, { ...parts, maxGas: gas })).answer.gas).to.equal(gas);
  });

  it("should run on the named state alone when a request has ifState", async () => {
    const program = await scene.program("probe");
    const { state } = await scene.account(program);
    const done = await execute(scene.client, { program, wallet, input: input("append 1\n"), ifState: state });
    expect(done.transition).not.to.equal(undefined);
    const stale = execute(scene.client, { program, wallet, input: input("append 2\n"), ifState: state });
    expect(await codeOf(stale)).to.equal("REQUEST_STATE_MOVED");
    expect((await scene.account(program)).state).to.equal(done.answer.newState);
  });
});
