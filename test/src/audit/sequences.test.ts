import { Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import type { AuditReport } from "../../../src/audit/report.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { findTip, type Tip } from "../../../src/execution/tip.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { MAX_SKIPPED_ENVELOPES } from "../../../src/wire/history-shape.ts";
import type { TransitionRecord } from "../../../src/wire/record.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { failOwn, landOwn } from "../../helpers/failing-transactions.ts";
import { createHistoryMaker, type HistoryMaker } from "../../helpers/history.ts";

/** More than a record names whole. */
const FAILURES = MAX_SKIPPED_ENVELOPES + 3;

describe("audit of an account's sequence numbers", () => {
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

  const newHistory = async (): Promise<{
    readonly program: string;
    readonly history: HistoryMaker;
    readonly first: Tip;
  }> => {
    const program = await scene.program("probe");
    const first = await findTip(scene.client.ledger, await scene.account(program));
    return { program, history: createHistoryMaker(scene, auditor.engine, program), first };
  };
  const expectWrong = (report: AuditReport, codes: readonly string[], recordCid: string): void => {
    expect(report.wrong?.faults.map(({ code }) => code)).to.deep.equal(codes);
    expect(report.wrong?.recordCid).to.equal(recordCid);
  };
  const withHash = (record: TransitionRecord): TransitionRecord => {
    const { skippedBefore } = record;
    if (skippedBefore === undefined) throw new Error("it names all of them whole");
    return { ...record, skippedBefore: { ...skippedBefore, hash: new Uint8Array(32).fill(7) } };
  };
  /** The ledger as it is once its service has forgotten all that landed so far. */
  const forgetful = async (): Promise<Ledger> => {
    const { ledger } = scene.client;
    const { sequence: forgotten } = await ledger.latest();
    return {
      ...ledger,
      async transaction(hash, options) {
        const landed = await ledger.transaction(hash, options);
        return landed !== undefined && landed.ledger <= forgotten ? undefined : landed;
      },
      header: async (sequence, options) => (sequence <= forgotten ? undefined : await ledger.header(sequence, options)),
    };
  };

  it("should confirm what failed and is named by a hash alone, while the ledger has it, and say so once it has not", async () => {
    const { program, history, first } = await newHistory();
    await failOwn(scene, program, { payer: wallet, recordCid: first.recordCid, count: FAILURES });
    await history.land(wallet, "append a\n");
    const record = await scene.lastTransition(program);
    expect(record.skippedBefore?.count).to.equal(FAILURES - MAX_SKIPPED_ENVELOPES);
    expect(await auditor.audit(program)).to.deep.include({ outcome: "clean", unconfirmedCount: 0, unconfirmed: [] });

    const late = await createSceneAuditor(scene, { ledger: await forgetful() });
    try {
      const report = await late.audit(program);
      expect(report).to.include({ outcome: "clean", records: 2, unconfirmedCount: 2 });
      expect(report.unconfirmed.map(({ number }) => number)).to.deep.equal([1, 2]);
      expect(report.unconfirmed[1]?.message).to.match(/^3 transactions that failed/);
      // Another audit has nothing to look at again, and forgets nothing.
      expect(await late.audit(program)).to.deep.include({ unconfirmedCount: 2, unconfirmed: [] });
    } finally {
      await late.close();
    }
  }).timeout(40_000);

  it("should name a hash that is not of what failed", async () => {
    const { program, history, first } = await newHistory();
    await failOwn(scene, program, { payer: wallet, recordCid: first.recordCid, count: FAILURES });
    const forged = await history.land(wallet, "append a\n", { record: withHash });
    expectWrong(await auditor.audit(program), ["SKIPPED_INVALID"], forged);
  }).timeout(40_000);

  it("should name a success that hides behind a hash among what failed", async () => {
    const { program, history, first } = await newHistory();
    const { recordCid } = first;
    const operation = Operation.manageData({ name: "gas_price", value: "1000" });
    const hidden = await landOwn(scene, program, { payer: wallet, recordCid, operation });
    const failed = await failOwn(scene, program, { payer: wallet, recordCid, count: MAX_SKIPPED_ENVELOPES });
    const forged = await history.land(wallet, "append a\n", {
      plan: (plan) => ({ ...plan, tip: { ...first, skipped: [hidden, ...failed] } }),
    });
    const report = await auditor.audit(program);
    expectWrong(report, ["SKIPPED_INVALID"], forged);
    expect(report.wrong?.faults[0]?.message).to.match(/succeeded in ledger/);
  }).timeout(40_000);

  it("should name a first sequence that is not the one of the ledger that made the account", async () => {
    const { program, first } = await newHistory();
    // A sequence that some ledger's new accounts do begin with; what raised it is left out.
    const other = ((first.sequence >> 32n) + 5n) << 32n;
    const operation = Operation.bumpSequence({ bumpTo: other.toString() });
    await landOwn(scene, program, { payer: wallet, recordCid: first.recordCid, operation });
    expect((await scene.account(program)).sequence).to.equal(other);
    const known = { ...first, sequence: other };
    const client = { ...scene.client, tips: { get: async () => known, put: async () => {} } };
    const history = createHistoryMaker({ ...scene, client }, auditor.engine, program);
    const forged = await history.land(wallet, "append a\n");
    expectWrong(await auditor.audit(program), ["SEQUENCE_GAP"], forged);
  }).timeout(20_000);
});
