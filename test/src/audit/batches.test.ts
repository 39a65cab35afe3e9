import type { Transaction } from "@stellar/stellar-sdk";
import { expect } from "chai";

import type { AuditReport } from "../../../src/audit/report.ts";
import { awaitBatch } from "../../../src/client/await-batch.ts";
import { execute } from "../../../src/client/execute.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { leftoversOf } from "../../../src/domain/program/batch.ts";
import { addCredits, creditFields } from "../../../src/domain/program/credits.ts";
import { buildBump } from "../../../src/domain/program/recovery.ts";
import { returnedLeftovers } from "../../../src/domain/program/return.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import type { BatchInput, BatchRecord, ReturnRecord } from "../../../src/wire/batch-record.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createBatchMaker, type BatchForgery, type BatchMaker } from "../../helpers/batch-history.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker } from "../../helpers/history.ts";
import { historyOf, prepay, stateOf, type Prepaid } from "../../helpers/prepaid.ts";
import { until } from "../../helpers/until.ts";

const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

describe("audit of what workers anchored in batches", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  before(async () => {
    scene = await createExecutionScene({ closeEveryMs: 200 });
    await scene.fundWorkers();
    auditor = await createSceneAuditor(scene);
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });

  it("should find a history of transitions, batches and refunds clean, and go on from there", async () => {
    const program = await scene.program("probe");
    const one = await scene.user();
    const direct = async (text: string): Promise<void> => {
      await execute(scene.client, { program, wallet: one, input: { bytes: new Uint8Array(utf8(`append ${text}\n`)) } });
    };
    const expectClean = async (): Promise<AuditReport> => {
      const report = await auditor.audit(program);
      const records = (await historyOf(scene, program)).toReversed();
      const at = records.slice(0, report.records);
      const transitions = at.filter(({ kind }) => kind === "transition" || kind === "batch").length;
      expect(report).to.include({ outcome: "clean", transitions, uncheckedCount: 0 });
      expect(report.ran + report.known).to.equal(transitions);
      return report;
    };
    await direct("first;");
    const orders: ReadonlyArray<readonly [string, bigint?]> = [
      ["append one;"],
      ["append other;"],
      ["exit 7"],
      ["append dear;", 10n],
    ];
    const paid = await Promise.all(
      orders.map(
        async ([input, maxGas]) =>
          await prepay(scene, await scene.user(), program, input, maxGas === undefined ? {} : { maxGas }),
      ),
    );
    const codes = await Promise.all(paid.map(async (each) => await codeOf(awaitBatch(scene.client, each))));
    expect(codes).to.deep.equal([undefined, undefined, "PROGRAM_REJECTED", "OUT_OF_GAS"]);
    await expectClean();
    await until(async () => (await historyOf(scene, program))[0]?.kind === "refund", {
      what: "what was too much is paid back",
      timeoutMs: 60_000,
    });
    await direct("last;");
    const report = await expectClean();
    expect(report.known).to.be.greaterThan(0);
    const kinds = new Set((await historyOf(scene, program)).map(({ kind }) => kind));
    expect([...kinds]).to.have.members(["create", "transition", "batch", "refund"]);
    const fresh = await createSceneAuditor(scene);
    try {
      expect(await fresh.audit(program)).to.include({ outcome: "clean", ran: report.transitions });
    } finally {
      await fresh.close();
    }
  }).timeout(120_000);
});

/** The record with other inputs, and what follows from them. */
function withInputs(record: BatchRecord, change: (input: BatchInput, index: number) => BatchInput): BatchRecord {
  const inputs = record.inputs.map(change);
  const { credits: _credits, ...rest } = record;
  const newState = inputs.at(-1)?.newState ?? record.newState;
  return { ...rest, inputs, newState, ...creditFields(addCredits([], leftoversOf(inputs))) };
}

const onlyFirst =
  (change: (input: BatchInput) => Partial<BatchInput>) =>
  (input: BatchInput, index: number): BatchInput =>
    index === 0 ? { ...input, ...change(input) } : input;

/** Batches of three inputs, the last of which is rejected, and what the audit must call them. */
const FORGERIES: ReadonlyArray<{
  readonly what: string;
  readonly codes: readonly string[];
  /** Which input is named, from 1. */
  readonly input?: number;
  readonly forgery: BatchForgery;
}> = [
  {
    what: "an input whose change is left out",
    codes: ["RESULT_STATE"],
    input: 1,
    forgery: { outcome: (run, index, plan) => (index === 0 ? { ...run, newState: plan.state } : run) },
  },
  {
    what: "another output",
    codes: ["RESULT_OUTPUT"],
    input: 2,
    forgery: { outcome: (run, index) => (index === 1 ? { ...run, outputCid: OTHER_STATE } : run) },
  },
  {
    what: "more gas than was used",
    codes: ["RESULT_GAS"],
    input: 2,
    forgery: { outcome: (run, index) => (index === 1 ? { ...run, gas: run.gas + 1n } : run) },
  },
  {
    what: "a rejected input that is said to be accepted",
    codes: ["RESULT_REJECTED"],
    input: 3,
    forgery: { outcome: (run, index) => (index === 2 ? { ...run, status: "accepted" } : run) },
  },
  {
    what: "an accepted input that is said to be rejected",
    codes: ["RESULT_STATUS"],
    input: 1,
    forgery: { outcome: (run, index) => (index === 0 ? { ...run, status: "rejected" } : run) },
  },
  {
    what: "inputs out of order",
    codes: ["INPUTS_DISORDERED"],
    forgery: { order: ([first, second, third]) => [second, first, third].flatMap((each) => each ?? []) },
  },
  {
    what: "a payment that buys twice in one batch",
    codes: ["INPUTS_DISORDERED", "PAYMENT_USED"],
    forgery: { order: ([first, ...rest]) => [first, first, ...rest].flatMap((each) => each ?? []) },
  },
  {
    what: "a stolen credit",
    codes: ["CREDITS_MISMATCH"],
    forgery: { record: ({ credits: _credits, ...record }) => record },
  },
  {
    what: "a charge that does not follow from the gas",
    codes: ["GAS_FEE_MISMATCH"],
    input: 1,
    forgery: {
      record: (record) =>
        withInputs(
          record,
          onlyFirst(({ chargedStroops }) => ({ chargedStroops: chargedStroops + 1n })),
        ),
    },
  },
  {
    what: "more credit than was paid for",
    codes: ["PAYMENT_INVALID"],
    input: 1,
    forgery: {
      record: (record) =>
        withInputs(
          record,
          onlyFirst(({ paidStroops }) => ({ paidStroops: paidStroops + 5n })),
        ),
    },
  },
  {
    what: "a rejected input that changes the state",
    codes: ["STATE_CHANGED"],
    input: 3,
    forgery: {
      record: (record) =>
        withInputs(record, (input, index) => (index === 2 ? { ...input, newState: OTHER_STATE } : input)),
    },
  },
  {
    what: "another state than that of the last input",
    codes: ["BATCH_STATE_MISMATCH"],
    forgery: { record: (record) => ({ ...record, newState: OTHER_STATE }) },
  },
  {
    what: "a seed of its own choice",
    codes: ["SEED_MISMATCH"],
    input: 1,
    forgery: {
      record: (record) =>
        withInputs(
          record,
          onlyFirst(({ environment }) => ({ environment: { ...environment, seed: new Uint8Array(32).fill(7) } })),
        ),
    },
  },
  {
    what: "a request that its user did not sign",
    codes: ["REQUEST_SIGNATURE_INVALID"],
    input: 1,
    forgery: {
      record: (record) =>
        withInputs(
          record,
          onlyFirst(({ signedRequest }) => ({
            signedRequest: { ...signedRequest, signature: new Uint8Array(64).fill(1) },
          })),
        ),
    },
  },
  {
    what: "fees of its own",
    codes: ["TERMS_MISMATCH"],
    forgery: {
      record: (record) => ({ ...record, terms: { ...record.terms, baseFeeStroops: 7n } }),
    },
  },
  {
    what: "other seconds",
    codes: ["LIMITS_MISMATCH"],
    input: 3,
    forgery: { record: (record) => ({ ...record, limits: { ...record.limits, seconds: 9 } }) },
  },
];

describe("audit of batches that a majority forged", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    auditor = await createSceneAuditor(scene);
    wallet = await scene.user();
  });
  after(async () => {
    await auditor.close();
    await scene.stop();
  });

  const newHistory = async (): Promise<{ readonly program: string; readonly batches: BatchMaker }> => {
    const program = await scene.program("probe");
    return { program, batches: createBatchMaker(scene, auditor.engine, { program, payer: wallet }) };
  };
  const prepaid = async (program: string, inputs: readonly string[]): Promise<Prepaid[]> => {
    const paid: Prepaid[] = [];
    for (const input of inputs) paid.push(await prepay(scene, wallet, program, input));
    return paid;
  };
  const expectWrong = (report: AuditReport, codes: readonly string[], recordCid: string): void => {
    expect(report.outcome).to.equal("wrong");
    expect(
      report.wrong?.faults.map(({ code }) => code),
      report.wrong?.faults.map(({ message }) => message).join("; "),
    ).to.deep.equal(codes);
    expect(report.wrong?.recordCid).to.equal(recordCid);
    expect(report.wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.have.members(
      scene.workers.slice(0, 2).map(({ ledgerKey }) => ledgerKey.publicKey()),
    );
  };

  for (const { what, codes, input, forgery } of FORGERIES) {
    it(`should name ${what}`, async () => {
      const { program, batches } = await newHistory();
      const forged = await batches.land(await prepaid(program, ["append a;", "append b;", "exit 7"]), forgery);
      const report = await auditor.audit(program);
      expectWrong(report, codes, forged);
      if (input !== undefined) expect(report.wrong?.faults[0]?.message).to.match(new RegExp(`^input ${input}: `));
    }).timeout(20_000);
  }

  it("should keep the last state that it made, and none of those before", async () => {
    const { program, batches } = await newHistory();
    // The other one still holds what wrong histories came to.
    const fresh = await createSceneAuditor(scene);
    try {
      for (const { inputs, kept, gone } of [
        { inputs: ["append a;", "append b;"], kept: ["a;", "b;"], gone: ["a;"] },
        { inputs: ["exit 7"], kept: ["a;", "b;"], gone: ["a;"] },
        { inputs: ["append c;", "exit 7", "append d;"], kept: ["a;", "b;", "c;", "d;"], gone: ["a;", "b;", "c;"] },
        { inputs: ["append e;"], kept: ["a;", "b;", "c;", "d;", "e;"], gone: ["a;", "b;", "c;", "d;"] },
      ]) {
        await batches.land(await prepaid(program, inputs));
        expect(await fresh.audit(program)).to.include({ outcome: "clean", ran: 1, paymentsSeen: inputs.length });
        await fresh.content.collect();
        expect(await fresh.content.has(stateOf(...kept)), `kept after ${inputs.join()}`).to.equal(true);
        expect(await fresh.content.has(stateOf(...gone)), `gone after ${inputs.join()}`).to.equal(false);
      }
    } finally {
      await fresh.close();
    }
  }).timeout(30_000);

  it("should name a payment that two batches used, also when the first was audited before", async () => {
    const { program, batches } = await newHistory();
    const paid = await prepaid(program, ["append a;", "append b;"]);
    const first = await batches.land(paid.slice(0, 1));
    expect(await auditor.audit(program)).to.include({ outcome: "clean", ran: 1, paymentsSeen: 1 });
    const again = await batches.land(paid);
    const report = await auditor.audit(program);
    expectWrong(report, ["PAYMENT_USED"], again);
    expect(report.wrong?.faults[0]?.message)
      .to.match(/^input 1: /)
      .and.to.include(first);
  }).timeout(20_000);

  it("should name a transition that forgets what the program owes", async () => {
    const { program, batches } = await newHistory();
    await batches.land(await prepaid(program, ["append a;"]));
    const history = createHistoryMaker(scene, auditor.engine, program);
    const forged = await history.land(wallet, "append b;\n", { record: ({ credits: _credits, ...record }) => record });
    expectWrong(await auditor.audit(program), ["CREDITS_MISMATCH"], forged);
  }).timeout(20_000);

  it("should name a prepaid request outside of a batch, and a direct one in it", async () => {
    const prepaidOne = await newHistory();
    const [paid] = await prepaid(prepaidOne.program, ["append a;"]);
    const history = createHistoryMaker(scene, auditor.engine, prepaidOne.program);
    const outside = await history.land(wallet, "ignored\n", paid === undefined ? {} : { signed: paid.signed });
    expectWrong(await auditor.audit(prepaidOne.program), ["REQUEST_NOT_OBEYED"], outside);

    const { program, batches } = await newHistory();
    const { signed, requestHash, payment } = await scene.paid(wallet, program, "append a;\n");
    const inside = await batches.land([{ wallet, signed, requestHash, ledger: payment.ledger, paidStroops: 1_000n }]);
    expectWrong(await auditor.audit(program), ["REQUEST_NOT_OBEYED"], inside);
  }).timeout(20_000);

  it("should name what is given back twice, after it was run, too much of, or too early", async () => {
    for (const { what, codes, forge, build, ranBefore = false, isTwice = false } of [
      { what: "twice", codes: ["PAYMENT_USED"], isTwice: true },
      { what: "after its run", codes: ["PAYMENT_USED"], ranBefore: true },
      {
        what: "more than was paid",
        codes: ["CREDITS_MISMATCH", "RETURN_INVALID"],
        forge: (record: ReturnRecord): ReturnRecord => ({
          ...record,
          returned: record.returned.map((input) => ({ ...input, returnedStroops: input.returnedStroops + 1n })),
        }),
      },
      {
        what: "what was not paid",
        codes: ["PAYMENT_INVALID"],
        forge: ({ credits: _credits, ...record }: ReturnRecord): ReturnRecord => {
          const returned = record.returned.map((input) => ({
            ...input,
            paidStroops: input.paidStroops + 1n,
            returnedStroops: input.returnedStroops + 1n,
          }));
          return { ...record, returned, ...creditFields(addCredits([], returnedLeftovers(returned))) };
        },
      },
      {
        what: "while it could still be run",
        codes: ["TRANSACTION_MISMATCH"],
        build: (record: ReturnRecord, recordCid: string): Transaction =>
          buildBump({ ...record, recordCid, maxTime: record.validUntil }),
      },
    ]) {
      const { program, batches } = await newHistory();
      const paid = await prepaid(program, ["append a;"]);
      if (ranBefore) await batches.land(paid);
      if (build === undefined) {
        scene.clock.shiftMs += 3_700_000;
        scene.devnet.closeLedger();
      }
      if (isTwice) await batches.giveBack(paid);
      expect(await auditor.audit(program), what).to.include({ outcome: "clean" });
      const forged = await batches.giveBack(paid, forge, build);
      expectWrong(await auditor.audit(program), codes, forged);
    }
  }).timeout(60_000);

  it("should name refunds to others, of more, and of what stays owed", async () => {
    const thief = await scene.user();
    const { account } = wallet;
    for (const { codes, payment, stays } of [
      { codes: ["REFUND_INVALID"], payment: { user: account, stroops: 1n }, stays: false },
      { codes: ["CREDITS_MISMATCH", "REFUND_INVALID"], payment: { user: thief.account, stroops: 1n }, stays: false },
      { codes: ["CREDITS_MISMATCH"], payment: undefined, stays: true },
    ]) {
      const { program, batches } = await newHistory();
      const batch = await batches.land(await prepaid(program, ["append a;"]));
      const before = await readChainRecord(scene.client.content, batch);
      const owed = before.kind === "batch" ? before.credits : undefined;
      const forged = await batches.refund([account], (record) => ({
        ...record,
        ...(payment === undefined ? {} : { payments: [payment] }),
        ...(stays && owed !== undefined ? { credits: owed } : {}),
      }));
      expectWrong(await auditor.audit(program), codes, forged);
    }
  }).timeout(30_000);
});
