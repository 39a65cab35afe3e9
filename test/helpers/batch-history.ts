import type { Transaction } from "@stellar/stellar-sdk";

import { submitAndWait } from "../../src/client/submit.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { buildBatch, compareInputs, type PaidInput } from "../../src/domain/program/batch.ts";
import { buildReturn, returnableFrom } from "../../src/domain/program/return.ts";
import { prepareReturn } from "../../src/execution/prepare-return.ts";
import { buildRefund } from "../../src/domain/program/refund.ts";
import { majorityOf, type SmartAccount } from "../../src/domain/program/smart-account.ts";
import { baseOfAccount } from "../../src/execution/batch-base.ts";
import { prepareRefund, runBatch } from "../../src/execution/run-batch.ts";
import { runProgram } from "../../src/execution/run-program.ts";
import type { RunOutcome, RunPlan } from "../../src/ports/runs.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { BatchRecord, RefundRecord, ReturnRecord } from "../../src/wire/batch-record.ts";
import { recordCidOf } from "../../src/wire/canonical.ts";
import { encodeRecord } from "../../src/wire/record.ts";
import { findPrepayment, findReturnable } from "../../src/worker/batches/check-prepaid.ts";
import type { ExecutionScene } from "./execution-scene.ts";
import { feeBump } from "./fee-bump.ts";
import type { Prepaid } from "./prepaid.ts";

const VALID_SECONDS = 60;

/** What a colluding majority makes of a batch; each part is kept unless it is changed. */
export interface BatchForgery {
  /** The account as it was when the workers took the requests. @default as it is now */
  readonly takenAt?: SmartAccount;
  plan?(plan: RunPlan): RunPlan;
  order?(inputs: readonly PaidInput[]): readonly PaidInput[];
  /** What it says that an input, counted from 0, came to. */
  outcome?(outcome: RunOutcome, index: number, plan: RunPlan): RunOutcome;
  record?(record: BatchRecord): BatchRecord;
}

/** Lands batches and refunds by workers' keys at hand, without their HTTP APIs: fast, and as dishonest as one likes. */
export interface BatchMaker {
  /** Runs, signs and lands a batch; resolves with the CID of its record. */
  land(paid: readonly Prepaid[], forgery?: BatchForgery): Promise<string>;
  /** Signs and lands what gives these back; resolves with the CID of its record. */
  giveBack(
    paid: readonly Prepaid[],
    forge?: (record: ReturnRecord) => ReturnRecord,
    build?: typeof buildReturn,
  ): Promise<string>;
  /** Signs and lands a refund to these users; resolves with the CID of its record. */
  refund(users: readonly string[], forge?: (record: RefundRecord) => RefundRecord): Promise<string>;
}

/** @param payer of the fee bumps */
export function createBatchMaker(
  scene: ExecutionScene,
  engine: Engine,
  { program, payer }: { readonly program: string; readonly payer: Wallet },
): BatchMaker {
  const { client, clock, scratchDirectory } = scene;
  const running = { content: client.content, engines: new Map([[engine.kind, engine]]), scratchDirectory };
  const validUntil = (): bigint => BigInt(Math.floor(clock.now() / 1_000) + VALID_SECONDS);

  async function submit<R extends BatchRecord | RefundRecord | ReturnRecord>(
    record: R,
    build: (record: R, recordCid: string) => Transaction,
  ): Promise<string> {
    const block = encodeRecord(record);
    const recordCid = recordCidOf(block);
    await client.content.putRecord(block);
    const transaction = build(record, recordCid);
    const signers = scene.workers.slice(0, majorityOf(scene.workers.length));
    transaction.sign(...signers.map(({ ledgerKey }) => ledgerKey));
    const bump = feeBump(transaction, payer.signers[0], scene.devnet.networkPassphrase);
    await submitAndWait(client, bump, Number(record.validUntil));
    return recordCid;
  }

  return {
    async land(paid, forgery = {}) {
      const account = await scene.account(program);
      const base = await baseOfAccount(client, account);
      const found = await Promise.all(
        paid.map(async (each) => await findPrepayment(client, forgery.takenAt ?? account, each)),
      );
      const inOrder = found.toSorted(compareInputs);
      const inputs = forgery.order?.(inOrder) ?? inOrder;
      let index = 0;
      const run = async (plan: RunPlan): Promise<RunOutcome> => {
        const outcome = await runProgram(running, forgery.plan?.(plan) ?? plan);
        return forgery.outcome?.(outcome, index++, plan) ?? outcome;
      };
      const { record } = await runBatch(base, { inputs, validUntil: validUntil(), run });
      return await submit(forgery.record?.(record) ?? record, buildBatch);
    },
    async giveBack(paid, forge = (record) => record, build = buildReturn) {
      const account = await scene.account(program);
      const base = await baseOfAccount(client, account);
      const inputs = await Promise.all(paid.map(async (each) => await findReturnable(client, account, each)));
      const latest = inputs.map(returnableFrom).reduce((max, time) => (time > max ? time : max), validUntil());
      const due = prepareReturn(base, { inputs, validUntil: latest });
      if (due === undefined) throw new Error("nothing is to be given back");
      return await submit(forge(due.record), build);
    },
    async refund(users, forge = (record) => record) {
      const base = await baseOfAccount(client, await scene.account(program));
      const refund = prepareRefund(base, { users: new Set(users), validUntil: validUntil() });
      if (refund === undefined) throw new Error("nothing is owed to these users");
      return await submit(forge(refund.record), buildRefund);
    },
  };
}
