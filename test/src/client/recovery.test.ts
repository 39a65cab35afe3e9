import { expect } from "chai";

import { bumpProgram, changeProgram } from "../../../src/client/change-program.ts";
import { execute } from "../../../src/client/execute.ts";
import { askForRecovery, recoverProgram } from "../../../src/client/recovery.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { RECOVERY_SEQUENCE_GAP, RECOVERY_SILENCE_SECONDS } from "../../../src/domain/program/recovery.ts";
import { loadSmartAccount } from "../../../src/execution/load-smart-account.ts";
import { walkRecords } from "../../../src/execution/walk-records.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { recoveryFromJson, recoveryToJson, type KeptRecovery } from "../../../src/wire/kept-recovery.ts";
import type { ChainRecord } from "../../../src/wire/record.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { keyOf } from "../../helpers/smart-accounts.ts";

const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(text)) });

describe("recovering a program", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 5 });
    owner = await scene.user();
  });
  after(() => scene.stop());

  /** The clock only goes forward: ledgers that closed do not come back. */
  const pass = (seconds: number): void => {
    scene.clock.shiftMs += seconds * 1_000;
    scene.devnet.closeLedger();
  };
  const workers = (...numbers: readonly number[]): { address: string; ledgerKey: string }[] =>
    numbers.map((n) => {
      const { url, ledgerKey } = scene.workers[n] ?? { url: "http://127.0.0.1:1", ledgerKey: keyOf(n) };
      return { address: url, ledgerKey: ledgerKey.publicKey() };
    });
  const append = async (program: string, text: string): Promise<unknown> =>
    await execute(scene.client, { program, wallet: owner, input: input(`append ${text}\n`) });
  /** A program of workers 0 to 2, and its recovery after a walk through the owner's file. */
  const programWithRecovery = async (): Promise<{ program: string; kept: KeptRecovery }> => {
    const program = await scene.program("probe", { owner: owner.account, workers: workers(0, 1, 2) });
    const kept = await askForRecovery(scene.client, { program, wallet: owner });
    return { program, kept: recoveryFromJson(JSON.parse(JSON.stringify(recoveryToJson(kept)))) };
  };
  const recover = async (kept: KeptRecovery, wallet = owner): Promise<string | undefined> =>
    await codeOf(recoverProgram(scene.client, { kept, wallet }));

  it("should hand a silent program to its owner, who gives it workers, and its history goes on", async () => {
    const { program, kept } = await programWithRecovery();
    await append(program, "1");
    expect(await recover(kept)).to.equal("RECOVERY_CLOSED");
    pass(RECOVERY_SILENCE_SECONDS - 60);
    expect(await recover(kept)).to.equal("RECOVERY_CLOSED");
    pass(61);
    const { sequence } = await scene.account(program);
    await recoverProgram(scene.client, { kept, wallet: owner });

    expect(await codeOf(loadSmartAccount(scene.client.ledger, program))).to.equal("SMART_ACCOUNT_INVALID");
    const change = { kind: "workers", workers: workers(3, 4) } as const;
    await changeProgram(scene.client, { program, change, wallet: owner });
    const account = await scene.account(program);
    expect(account.workers).to.deep.equal(workers(3, 4));
    expect(account.sequence).to.equal(sequence - 1n + RECOVERY_SEQUENCE_GAP + 1n);
    await append(program, "2");
    const chain: ChainRecord[] = [];
    for await (const { record } of walkRecords(scene.client, await scene.account(program))) chain.unshift(record);
    expect(chain.map(({ kind }) => kind)).to.deep.equal(["create", "transition", "workers", "transition"]);
    const [, , restored] = chain;
    expect(restored?.kind === "workers" ? restored.recovered?.recordCid : undefined).to.equal(kept.recordCid);
  }).timeout(20_000);

  it("should stay closed while the program is used, or its workers move it", async () => {
    const { program, kept } = await programWithRecovery();
    pass(RECOVERY_SILENCE_SECONDS - 600);
    await append(program, "still here");
    pass(RECOVERY_SILENCE_SECONDS - 600);
    expect(await recover(kept)).to.equal("RECOVERY_CLOSED");
    await bumpProgram(scene.client, { program, wallet: owner });
    pass(RECOVERY_SILENCE_SECONDS - 600);
    expect(await recover(kept)).to.equal("RECOVERY_CLOSED");
    pass(601);
    expect(await recover(kept)).to.equal(undefined);
  }).timeout(20_000);

  it("should take a new one after the workers were changed, and be of use to nobody but the owner", async () => {
    const { program, kept } = await programWithRecovery();
    const change = { kind: "workers", workers: workers(2, 3, 4) } as const;
    await changeProgram(scene.client, { program, change, wallet: owner });
    const renewed = await askForRecovery(scene.client, { program, wallet: owner });
    pass(RECOVERY_SILENCE_SECONDS + 1);
    expect(await recover(kept)).to.equal("NOT_ENOUGH_SIGNATURES");
    expect(await recover(renewed, await scene.user())).to.equal("INVALID_INPUT");
    expect(await recover({ ...renewed, transactionXdr: kept.transactionXdr })).to.equal("INVALID_INPUT");
    expect(await recover(renewed)).to.equal(undefined);
  }).timeout(20_000);

  it("should be kept by workers a few times for each program, however often its owner asks", async () => {
    const program = await scene.program("probe", { owner: owner.account, workers: workers(0) });
    const asked: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      asked.push((await askForRecovery(scene.client, { program, wallet: owner })).recordCid);
      await append(program, `${n}`);
    }
    const { content } = scene.workers[0]!;
    const held: string[] = [];
    for await (const { cid } of content.held(`recovery/${program} `)) held.push(cid);
    expect(held).to.have.members(asked.slice(-4));
    await content.collect();
    expect(await content.has(asked.at(-1) ?? "")).to.equal(true);
    expect(await content.localBlock(asked[0] ?? ""), "the first one").to.equal(undefined);
  }).timeout(30_000);

  it("should be signed by workers for the owner alone, who may leave it", async () => {
    const program = await scene.program("probe");
    expect(await codeOf(askForRecovery(scene.client, { program, wallet: owner }))).to.equal("PROGRAM_IMMUTABLE");
    const owned = await scene.program("probe", { owner: owner.account });
    const stranger = await scene.user();
    expect(await codeOf(askForRecovery(scene.client, { program: owned, wallet: stranger }))).to.equal("INVALID_INPUT");
  }).timeout(20_000);
});
