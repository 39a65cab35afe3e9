import { Keypair, Memo, Operation, type Transaction } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { bumpProgram, changeProgram, payOut } from "../../../src/client/change-program.ts";
import { execute } from "../../../src/client/execute.ts";
import { askForRecovery, recoverProgram } from "../../../src/client/recovery.ts";
import { submitAndWait } from "../../../src/client/submit.ts";
import { topUp } from "../../../src/client/top-up.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { timeAfter } from "../../../src/domain/program/chain-record.ts";
import {
  buildChangeTransaction,
  termsAfter,
  type AccountChange,
} from "../../../src/domain/program/change-transaction.ts";
import { historyFields } from "../../../src/domain/program/history-fields.ts";
import { buildPayout } from "../../../src/domain/program/payout.ts";
import { programTransaction } from "../../../src/domain/program/program-transaction.ts";
import { RECOVERY_SILENCE_SECONDS } from "../../../src/domain/program/recovery.ts";
import { majorityOf, type SmartAccount } from "../../../src/domain/program/smart-account.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { encodeCanonical, recordCidOf } from "../../../src/wire/canonical.ts";
import { signChange } from "../../../src/wire/change-request.ts";
import { encodeRecord, type ProgramRecord } from "../../../src/wire/record.ts";
import { feeBump } from "../../helpers/fee-bump.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { MODULE } from "../../helpers/smart-accounts.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

describe("audit of changes", () => {
  let scene: ExecutionScene;
  let auditor: SceneAuditor;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 5 });
    owner = await scene.user();
    for (const { ledgerKey } of scene.workers) await fundAccount(scene.devnet.friendbotUrl, ledgerKey.publicKey());
  });
  after(() => scene.stop());
  beforeEach(async () => (auditor = await createSceneAuditor(scene)));
  afterEach(() => auditor.close());

  const workers = (...numbers: readonly number[]): { address: string; ledgerKey: string }[] =>
    scene.workers
      .filter((_, index) => numbers.includes(index))
      .map(({ url, ledgerKey }) => ({ address: url, ledgerKey: ledgerKey.publicKey() }));
  const newProgram = async (...numbers: readonly number[]): Promise<string> =>
    await scene.program("probe", { owner: owner.account, workers: workers(...numbers) });
  const append = async (program: string, text: string): Promise<unknown> =>
    await execute(scene.client, { program, wallet: owner, input: { bytes: new Uint8Array(utf8(`append ${text}\n`)) } });
  const change = async (program: string, what: AccountChange): Promise<unknown> =>
    await changeProgram(scene.client, { program, change: what, wallet: owner });

  /** Signs with so many of the account's workers, in their order, and lands. */
  const land = async (account: SmartAccount, transaction: Transaction): Promise<readonly string[]> => {
    const signers = account.workers.slice(0, majorityOf(account.workers.length)).map(({ ledgerKey }) => ledgerKey);
    for (const { ledgerKey } of scene.workers) if (signers.includes(ledgerKey.publicKey())) transaction.sign(ledgerKey);
    const envelope = feeBump(transaction, owner.signers[0], scene.devnet.networkPassphrase);
    await submitAndWait(scene.client, envelope, Math.floor(scene.clock.now() / 1_000) + 60);
    return signers;
  };
  const standing = async (account: SmartAccount): Promise<Pick<Standing, Shared>> => {
    const tip = await findTip(scene.client.ledger, account);
    const time = timeAfter(await readChainRecord(scene.client.content, tip.recordCid));
    return { version: 1, sequence: account.sequence, state: account.state, time, ...historyFields(tip) };
  };
  type Standing = Extract<ProgramRecord, { kind: "payout" }>;
  type Shared = "version" | "sequence" | "state" | "time" | "previous" | "skipped";
  const keep = async (record: ProgramRecord): Promise<string> => {
    const block = encodeRecord(record);
    await scene.client.content.putRecord(block);
    return recordCidOf(block);
  };
  const soon = (): bigint => BigInt(Math.floor(scene.clock.now() / 1_000) + 60);

  it("should follow signers, image and fees through every change", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    await change(program, { kind: "workers", workers: workers(2, 3, 4) });
    await append(program, "2");
    await change(program, { kind: "terms", terms: { baseFeeStroops: 2_000n, gasPriceStroops: 7n } });
    await append(program, "3");
    await change(program, { kind: "program", image: { address: `wasm:${await scene.module("bookkeeping")}` } });
    await change(program, { kind: "program", image: { address: `wasm:${await scene.module("probe")}` } });
    await change(program, { kind: "workers", workers: workers(0, 1, 2, 3, 4) });
    await append(program, "4");
    await topUp(scene.client, { program, wallet: owner, stroops: 500_000_000n });
    await payOut(scene.client, { program, wallet: owner });
    await append(program, "5");
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 12, transitions: 5, ran: 5 });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 12, ran: 0, known: 5 });
  }).timeout(30_000);

  it("should follow an account through its recovery", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    const kept = await askForRecovery(scene.client, { program, wallet: owner });
    scene.clock.shiftMs += 11 * DAY_MS;
    scene.devnet.closeLedger();
    await bumpProgram(scene.client, { program, wallet: owner });
    expect(await auditor.audit(program)).to.include({ outcome: "clean", records: 3 });
    scene.clock.shiftMs += (RECOVERY_SILENCE_SECONDS + 1) * 1_000;
    scene.devnet.closeLedger();
    await recoverProgram(scene.client, { kept, wallet: owner });
    expect(await auditor.audit(program), "recovered").to.include({ outcome: "clean", records: 3 });
    await change(program, { kind: "workers", workers: workers(3, 4) });
    await append(program, "2");
    expect(await auditor.audit(program), "given workers").to.include({ outcome: "clean", records: 5, transitions: 2 });
  }).timeout(30_000);

  it("should name a change that the owner did not sign, and who signed it", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    const account = await scene.account(program);
    const request = {
      version: 1 as const,
      network: scene.devnet.networkPassphrase,
      program,
      sequence: account.sequence,
      validUntil: soon(),
      change: { kind: "terms" as const, terms: { baseFeeStroops: 1n, gasPriceStroops: 1_000_000n } },
    };
    const signedChange = signChange(request, Keypair.random());
    const recordCid = await keep({
      ...(await standing(account)),
      kind: "terms",
      signedChange: { ...signedChange, request },
    });
    const after = termsAfter(account, request.change);
    const signers = await land(account, buildChangeTransaction({ account, after, request, recordCid }));
    await append(program, "2");

    const { outcome, wrong } = await auditor.audit(program);
    expect(outcome).to.equal("wrong");
    expect(wrong).to.include({ number: 3, kind: "terms", recordCid });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["CHANGE_NOT_ALLOWED"]);
    expect(wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.deep.equal(signers);
  }).timeout(20_000);

  it("should name a change that does more than its record says", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    const account = await scene.account(program);
    const { sequence } = account;
    const network = scene.devnet.networkPassphrase;
    const validUntil = soon();
    const what = { kind: "terms" as const, terms: { baseFeeStroops: 2_000n, gasPriceStroops: 1n } };
    const request = { version: 1 as const, network, program, sequence, validUntil, change: what };
    const signedChange = { ...signChange(request, owner.signers[0]), request };
    const recordCid = await keep({ ...(await standing(account)), kind: "terms", signedChange });
    const transaction = programTransaction({ network, program, sequence, recordCid, maxTime: validUntil })
      .addOperation(Operation.manageData({ name: "execution_base_fee", value: "2000" }))
      .addOperation(Operation.manageData({ name: "gas_price", value: "99" }))
      .build();
    await land(account, transaction);
    const { wrong } = await auditor.audit(program);
    expect(wrong).to.include({ number: 3, kind: "terms" });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["TRANSACTION_MISMATCH"]);
    expect(wrong?.faults[0]?.message).to.match(/gas_price is 99 instead of 1/);
  }).timeout(20_000);

  it("should name a payout that pays some more than others", async () => {
    const program = await newProgram(0, 1, 2);
    await topUp(scene.client, { program, wallet: owner, stroops: 500_000_000n });
    await append(program, "1");
    const account = await scene.account(program);
    const keys = account.workers.map(({ ledgerKey }) => ledgerKey);
    const [first = ""] = keys;
    const parts = { network: scene.devnet.networkPassphrase, program, validUntil: soon() };
    const record = { ...(await standing(account)), ...parts, kind: "payout" as const, shareStroops: 1_000_000n };
    const recordCid = await keep({ ...record, workers: keys });
    const { network, validUntil: maxTime } = parts;
    const place = { network, program, sequence: account.sequence, recordCid, maxTime };
    await land(account, buildPayout({ ...place, workers: [first, first, first], shareStroops: 1_000_000n }));
    const { wrong } = await auditor.audit(program);
    expect(wrong).to.include({ number: 3, kind: "payout", recordCid });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["PAYOUT_INVALID"]);
  }).timeout(20_000);

  it("should name a transaction whose record is none", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    const account = await scene.account(program);
    const block = encodeCanonical({ kind: "transition", version: 1 });
    await scene.client.content.putRecord(block);
    const recordCid = recordCidOf(block);
    const place = { network: scene.devnet.networkPassphrase, program, sequence: account.sequence, maxTime: soon() };
    const transaction = programTransaction({ ...place, recordCid })
      .addOperation(Operation.manageData({ name: "current_state", value: MODULE }))
      .build();
    const signers = await land(account, transaction);
    const { outcome, wrong } = await auditor.audit(program);
    expect(outcome).to.equal("wrong");
    expect(wrong).to.include({ number: 0, recordCid });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["RECORD_INVALID"]);
    expect(wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.deep.equal(signers);
  }).timeout(20_000);

  it("should name a transaction that has no record at all", async () => {
    const program = await newProgram(0, 1, 2);
    await append(program, "1");
    const account = await scene.account(program);
    const place = { network: scene.devnet.networkPassphrase, program, sequence: account.sequence, maxTime: soon() };
    const { recordCid } = await findTip(scene.client.ledger, account);
    const transaction = programTransaction({ ...place, recordCid })
      .addMemo(Memo.none())
      .addOperation(Operation.manageData({ name: "gas_price", value: "99" }))
      .build();
    const signers = await land(account, transaction);
    const { outcome, wrong } = await auditor.audit(program);
    expect(outcome).to.equal("wrong");
    expect(wrong?.kind).to.equal("unrecorded");
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["UNRECORDED"]);
    expect(wrong?.signedBy.map(({ ledgerKey }) => ledgerKey)).to.deep.equal(signers);
  }).timeout(20_000);
});
