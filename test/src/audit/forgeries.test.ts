import { expect } from "chai";

import { execute } from "../../../src/client/execute.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { AuditReport } from "../../../src/audit/report.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { recordCidOf } from "../../../src/wire/canonical.ts";
import type { TransitionRecord } from "../../../src/wire/record.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker, type Forgery, type HistoryMaker } from "../../helpers/history.ts";
import { drainUser } from "../../helpers/ledger-moves.ts";

const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

/** What a majority signs and lands although it is wrong, and what the audit must call it. */
const FORGERIES: ReadonlyArray<{
  readonly what: string;
  readonly codes: readonly string[];
  readonly forgery: Forgery;
}> = [
  {
    what: "another state",
    codes: ["RESULT_STATE"],
    forgery: { outcome: (run) => ({ ...run, newState: OTHER_STATE }) },
  },
  {
    what: "another output",
    codes: ["RESULT_OUTPUT"],
    forgery: { outcome: (run) => ({ ...run, outputCid: OTHER_STATE }) },
  },
  {
    what: "more gas than was used",
    codes: ["RESULT_GAS"],
    forgery: { outcome: (run) => ({ ...run, gas: run.gas + 1_000n }) },
  },
  {
    what: "a fee that does not follow from the gas",
    codes: ["GAS_FEE_MISMATCH"],
    forgery: { record: (record) => ({ ...record, gasFeeStroops: record.gasFeeStroops + 1n }) },
  },
  {
    what: "a seed of its own choice",
    codes: ["SEED_MISMATCH"],
    forgery: { record: (record) => withEnvironment(record, { seed: new Uint8Array(32).fill(7) }) },
  },
  {
    what: "a time of its own choice",
    codes: ["TIME_MISMATCH"],
    forgery: { record: (record) => withEnvironment(record, { time: record.environment.time + 1n }) },
  },
  {
    what: "a payment's ledger of its own choice",
    codes: ["PAYMENT_INVALID"],
    forgery: {
      plan: (plan) => ({
        ...plan,
        paymentLedger: { ...plan.paymentLedger, closeTime: plan.paymentLedger.closeTime + 1 },
        run: { ...plan.run, time: plan.run.time + 1n },
      }),
    },
  },
  {
    what: "the run of another state",
    codes: ["PREVIOUS_STATE_MISMATCH"],
    forgery: { record: (record) => ({ ...record, previousState: OTHER_STATE }) },
  },
  {
    what: "another image",
    codes: ["IMAGE_MISMATCH"],
    forgery: { record: (record) => ({ ...record, image: { address: `wasm:${OTHER_STATE}` } }) },
  },
  {
    what: "other limits",
    codes: ["LIMITS_MISMATCH"],
    forgery: { record: (record) => ({ ...record, limits: { ...record.limits, memoryBytes: 1 } }) },
  },
  {
    what: "other seconds",
    codes: ["LIMITS_MISMATCH"],
    forgery: { record: (record) => ({ ...record, limits: { ...record.limits, seconds: 9 } }) },
  },
  {
    what: "an unknown gas table",
    codes: ["GAS_TABLE_UNKNOWN"],
    forgery: { record: (record) => ({ ...record, gasTable: 2 }) },
  },
  {
    what: "a request that its user did not sign",
    codes: ["REQUEST_SIGNATURE_INVALID"],
    forgery: {
      record: (record) => ({
        ...record,
        signedRequest: { ...record.signedRequest, signature: new Uint8Array(64).fill(1) },
      }),
    },
  },
  {
    what: "a failed transaction that did not happen",
    codes: ["SEQUENCE_GAP"],
    forgery: { record: (record) => ({ ...record, skipped: [record.previous.envelope] }) },
  },
  {
    what: "another transaction for the one before",
    codes: ["ENVELOPE_MISMATCH"],
    forgery: {
      record: (record) => ({ ...record, previous: { ...record.previous, envelope: new Uint8Array([1, 2, 3]) } }),
    },
  },
  {
    what: "another record for the one before",
    codes: ["ENVELOPE_MISMATCH"],
    forgery: {
      record: (record) => ({
        ...record,
        previous: { ...record.previous, recordCid: recordCidOf(new Uint8Array([1])) },
      }),
    },
  },
];

function withEnvironment(
  record: TransitionRecord,
  changes: Partial<TransitionRecord["environment"]>,
): TransitionRecord {
  return { ...record, environment: { ...record.environment, ...changes } };
}

describe("audit of histories that a majority forged", () => {
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

  const newHistory = async (): Promise<{ readonly program: string; readonly history: HistoryMaker }> => {
    const program = await scene.program("probe");
    return { program, history: createHistoryMaker(scene, auditor.engine, program) };
  };
  const majority = (): string[] => scene.workers.slice(0, 2).map(({ ledgerKey }) => ledgerKey.publicKey());
  const expectWrong = (report: AuditReport, codes: readonly string[], recordCid: string): void => {
    expect(report.outcome).to.equal("wrong");
    expect(report.wrong?.faults.map(({ code }) => code)).to.deep.equal(codes);
    expect(report.wrong?.recordCid).to.equal(recordCid);
    expect(report.wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.have.members(majority());
  };

  for (const { what, codes, forgery } of FORGERIES) {
    it(`should name ${what}`, async () => {
      const { program, history } = await newHistory();
      await history.land(wallet, "append honest\n");
      const forged = await history.land(wallet, "append forged\n", forgery);
      expectWrong(await auditor.audit(program), codes, forged);
      // The verdict is the same from what the first audit has kept.
      expectWrong(await auditor.audit(program), codes, forged);
    });
  }

  it("should name a payment that bought two transitions, also when the first was audited before", async () => {
    const { program, history } = await newHistory();
    const first = await history.land(wallet, "append once\n");
    const { signedRequest: signed } = await scene.lastTransition(program);
    expect(await auditor.audit(program)).to.include({ outcome: "clean" });
    await history.land(wallet, "append between\n");
    const again = await history.land(wallet, "ignored\n", { signed });
    const report = await auditor.audit(program);
    expectWrong(report, ["PAYMENT_USED"], again);
    expect(report.wrong?.faults[0]?.message).to.include(first);

    const fresh = await createSceneAuditor(scene);
    try {
      expectWrong(await fresh.audit(program), ["PAYMENT_USED"], again);
    } finally {
      await fresh.close();
    }
  });

  it("should name a payment that never was", async () => {
    const { program, history } = await newHistory();
    const { signed } = await scene.paid(wallet, program, "append free\n");
    const forged = await history.land(wallet, "ignored\n", {
      signed: { ...signed, paymentHash: new Uint8Array(32).fill(9) },
    });
    expectWrong(await auditor.audit(program), ["PAYMENT_INVALID"], forged);
  });

  it("should name a failed transaction that is left out", async () => {
    const { program, history } = await newHistory();
    const poor = await scene.user();
    const failing = execute(drainUser(scene, poor, wallet.account), {
      program,
      wallet: poor,
      input: { bytes: new Uint8Array(utf8("append never\n")) },
    });
    expect(await codeOf(failing)).to.equal("LEDGER_REJECTED");
    const forged = await history.land(wallet, "append after\n", { record: (record) => ({ ...record, skipped: [] }) });
    expectWrong(await auditor.audit(program), ["SEQUENCE_GAP"], forged);
  });

  it("should name a record of another program", async () => {
    const other = await newHistory();
    await other.history.land(wallet, "append other\n");
    const theirs = await scene.lastTransition(other.program);
    const { program, history } = await newHistory();
    const forged = await history.land(wallet, "append own\n", {
      record: (record) => ({ ...record, signedRequest: theirs.signedRequest }),
    });
    const report = await auditor.audit(program);
    expectWrong(report, ["RECORD_OF_OTHER_PROGRAM"], forged);
  });

  it("should name the first of two, in the order of history", async () => {
    const { program, history } = await newHistory();
    await history.land(wallet, "append honest\n");
    const first = await history.land(wallet, "append forged\n", { outcome: (run) => ({ ...run, gas: run.gas + 1n }) });
    await history.land(wallet, "append forged\n", {
      record: (record) => ({ ...record, gasFeeStroops: record.gasFeeStroops + 1n }),
    });
    expectWrong(await auditor.audit(program, { jobs: 1 }), ["RESULT_GAS"], first);
  });

  it("should say which record cannot be had, and blame nobody", async () => {
    const { program, history } = await newHistory();
    const lost = await history.land(wallet, "append lost\n");
    await history.land(wallet, "append kept\n");
    expect((await readChainRecord(scene.client.content, lost)).kind).to.equal("transition");
    const forgetful = [
      {
        ...scene.client.content,
        localBlock: async (cid: string) => (cid === lost ? undefined : await scene.client.content.localBlock(cid)),
      },
    ];
    const poor = await createSceneAuditor(scene, { peers: () => forgetful });
    try {
      const report = await poor.audit(program);
      expect(report).to.include({ outcome: "incomplete", uncheckedCount: 1 });
      expect(report.wrong).to.equal(undefined);
      expect(report.unchecked).to.have.length(1);
      expect(report.unchecked[0]).to.include({ recordCid: lost, code: "CONTENT_NOT_FOUND" });
    } finally {
      await poor.close();
    }
  });

  it("should say that an image is gone, once asked for, and check the chain all the same", async () => {
    const { program, history } = await newHistory();
    for (const n of [1, 2, 3]) await history.land(wallet, `append ${n}\n`);
    const module = await scene.module("probe");
    const { content } = scene.client;
    let asked = 0;
    const forgetful = {
      ...content,
      localBlock: async (cid: string) => {
        if (cid !== module) return await content.localBlock(cid);
        asked += 1;
        return undefined;
      },
    };
    const poor = await createSceneAuditor(scene, { peers: () => [forgetful] });
    try {
      const report = await poor.audit(program, { jobs: 1 });
      expect(report).to.include({ outcome: "incomplete", records: 4, uncheckedCount: 3, ran: 0 });
      expect(report.unchecked.map(({ code }) => code)).to.deep.equal(Array(3).fill("PROGRAM_NOT_FOUND"));
      expect(asked).to.equal(1);
    } finally {
      await poor.close();
    }
  });
});
