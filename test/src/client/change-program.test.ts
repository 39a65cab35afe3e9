import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { bumpProgram, changeProgram, costOfChange, payOut } from "../../../src/client/change-program.ts";
import { execute } from "../../../src/client/execute.ts";
import { topUp } from "../../../src/client/top-up.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { PAYOUT_KEEP_STROOPS, payoutShareStroops } from "../../../src/domain/program/payout.ts";
import { stateAfter } from "../../../src/domain/program/chain-record.ts";
import { readChainRecord } from "../../../src/execution/read-record.ts";
import { findTip } from "../../../src/execution/tip.ts";
import { walkRecords } from "../../../src/execution/walk-records.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { signChange } from "../../../src/wire/change-request.ts";
import type { ChainRecord } from "../../../src/wire/record.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { keyOf } from "../../helpers/smart-accounts.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(text)) });

describe("changing a program", () => {
  let scene: ExecutionScene;
  let owner: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 5 });
    owner = await scene.user();
  });
  after(() => scene.stop());
  afterEach(() => {
    scene.clock.shiftMs = 0;
    for (const { changes } of scene.workers) delete changes.workersOf;
  });

  const workers = (...numbers: readonly number[]): { address: string; ledgerKey: string }[] =>
    numbers.map((n) => {
      const { url, ledgerKey } = scene.workers[n] ?? { url: "http://127.0.0.1:1", ledgerKey: keyOf(n) };
      return { address: url, ledgerKey: ledgerKey.publicKey() };
    });
  const program = async (...numbers: readonly number[]): Promise<string> =>
    await scene.program("probe", { owner: owner.account, workers: workers(...numbers) });
  const append = async (id: string, text: string): ReturnType<typeof execute> =>
    await execute(scene.client, { program: id, wallet: owner, input: input(`append ${text}\n`) });
  const records = async (id: string): Promise<readonly ChainRecord[]> => {
    const walked: ChainRecord[] = [];
    for await (const { record } of walkRecords(scene.client, await scene.account(id))) walked.unshift(record);
    return walked;
  };

  it("should change workers, fees and image between runs, and leave one chain of records", async () => {
    const id = await program(0, 1, 2);
    await append(id, "1");
    const change = { kind: "workers", workers: workers(2, 3, 4) } as const;
    const cost = await costOfChange(scene.client.ledger, { program: id, change });
    expect(cost).to.include({ addedReserveStroops: 0n, topUpStroops: 0n });
    const landed = await changeProgram(scene.client, { program: id, change, wallet: owner });
    expect((await scene.account(id)).workers).to.deep.equal(workers(2, 3, 4));
    expect((await findTip(scene.client.ledger, await scene.account(id))).recordCid).to.equal(landed.recordCid);

    const runs = scene.workers[0]?.runs;
    await append(id, "2");
    expect(scene.workers[0]?.runs, "a worker that left").to.equal(runs);
    const terms = { baseFeeStroops: 2_000n, gasPriceStroops: 0n };
    await changeProgram(scene.client, { program: id, change: { kind: "terms", terms }, wallet: owner });
    expect(await scene.account(id)).to.include(terms);
    const image = { address: `wasm:${await scene.module("bookkeeping")}` };
    await changeProgram(scene.client, { program: id, change: { kind: "program", image }, wallet: owner });
    expect((await scene.account(id)).image).to.deep.equal(image);
    const image2 = { address: `wasm:${await scene.module("probe")}` };
    await changeProgram(scene.client, { program: id, change: { kind: "program", image: image2 }, wallet: owner });
    await append(id, "3");

    const chain = await records(id);
    expect(chain.map(({ kind }) => kind)).to.deep.equal([
      "create",
      "transition",
      "workers",
      "transition",
      "terms",
      "program",
      "program",
      "transition",
    ]);
    const last = chain.at(-1);
    expect(last === undefined ? undefined : stateAfter(last)).to.equal((await scene.account(id)).state);
  }).timeout(20_000);

  it("should go from one worker to five and back with the owner paying the reserve that is missing", async () => {
    const id = await program(0);
    const change = { kind: "workers", workers: workers(0, 1, 2, 3, 4) } as const;
    const { addedReserveStroops, topUpStroops } = await costOfChange(scene.client.ledger, { program: id, change });
    expect(addedReserveStroops).to.equal(4n * 3n * 5_000_000n);
    expect(topUpStroops).to.equal(addedReserveStroops);
    await changeProgram(scene.client, { program: id, change, wallet: owner });
    await append(id, "of five");
    await changeProgram(scene.client, {
      program: id,
      change: { kind: "workers", workers: workers(4) },
      wallet: owner,
    });
    await append(id, "of one");
    expect((await scene.account(id)).workers).to.deep.equal(workers(4));
  }).timeout(20_000);

  it("should land beside users who run the program all the while", async () => {
    const id = await program(0, 1, 2);
    const user = await scene.user();
    const running = (async (): Promise<void> => {
      for (const text of ["a", "b", "c"]) {
        await execute(scene.client, { program: id, wallet: user, input: input(`append ${text}\n`) });
      }
    })();
    const terms = { baseFeeStroops: 1_000n, gasPriceStroops: 5n };
    await changeProgram(scene.client, { program: id, change: { kind: "terms", terms }, wallet: owner });
    await running;
    expect((await scene.account(id)).gasPriceStroops).to.equal(5n);
    expect((await records(id)).filter(({ kind }) => kind === "transition")).to.have.length(3);
  }).timeout(30_000);

  it("should be refused by every worker when somebody else than the owner signs, or the change is for another sequence", async () => {
    const id = await program(0, 1, 2);
    const account = await scene.account(id);
    const request = {
      version: 1 as const,
      network: scene.devnet.networkPassphrase,
      program: id,
      sequence: account.sequence,
      validUntil: BigInt(Math.floor(scene.clock.now() / 1_000) + 60),
      change: { kind: "workers" as const, workers: workers(4) },
    };
    const send = async (changes: Partial<typeof request>, signer: Keypair = owner.signers[0]): Promise<unknown> => {
      const signedChange = signChange({ ...request, ...changes }, signer);
      const [worker] = account.workers;
      return await codeOf(scene.client.workerApi.consent(worker?.address ?? "", { kind: "change", signedChange }));
    };
    expect(await send({}, Keypair.random())).to.equal("REQUEST_SIGNATURE_INVALID");
    expect(await send({ sequence: account.sequence + 1n })).to.equal("SEQUENCE_MOVED");
    expect(await send({ validUntil: 1n })).to.equal("REQUEST_EXPIRED");
    expect(await send({ validUntil: request.validUntil + 7_200n })).to.equal("INVALID_INPUT");
    expect(await send({ network: "another" })).to.equal("REQUEST_NOT_SERVED");
    expect(await send({ change: { kind: "workers", workers: workers(0, 1, 2) } })).to.equal("INVALID_INPUT");
    expect(await send({ change: { kind: "workers", workers: workers(0, 1, 2, 3) } })).to.equal("FUNDS_TOO_LOW");
    expect(await send({})).to.equal(undefined);

    const stranger = await scene.user();
    const change = { kind: "terms", terms: { baseFeeStroops: 1n, gasPriceStroops: 1n } } as const;
    expect(await codeOf(changeProgram(scene.client, { program: id, change, wallet: stranger }))).to.equal(
      "INVALID_INPUT",
    );
    const immutable = await scene.program("probe");
    expect(await codeOf(changeProgram(scene.client, { program: immutable, change, wallet: owner }))).to.equal(
      "PROGRAM_IMMUTABLE",
    );
  }).timeout(20_000);

  it("should take workers of the agreement that is named alone, and those that are there already", async () => {
    const id = await program(0, 1, 2);
    const agreement = `0x${"ab".repeat(20)}`;
    const change = { kind: "workers", workers: workers(0, 3), agreement } as const;
    const attempt = async (): Promise<string | undefined> =>
      await codeOf(changeProgram(scene.client, { program: id, change, wallet: owner }));
    for (const { changes } of scene.workers) changes.workersOf = async () => undefined;
    expect(await attempt()).to.equal("NO_MAJORITY");
    for (const { changes } of scene.workers)
      changes.workersOf = async () => new Set(workers(4).map((w) => w.ledgerKey));
    expect(await attempt()).to.equal("NO_MAJORITY");
    for (const { changes } of scene.workers)
      changes.workersOf = async () => new Set(workers(3).map((w) => w.ledgerKey));
    expect(await attempt()).to.equal(undefined);
  }).timeout(20_000);

  it("should need a majority of the workers of now", async () => {
    const id = await program(0, 1, 9);
    const change = { kind: "workers", workers: workers(0, 1, 2) } as const;
    await changeProgram(scene.client, { program: id, change, wallet: owner });
    const dead = await program(0, 8, 9);
    expect(await codeOf(changeProgram(scene.client, { program: dead, change, wallet: owner }))).to.equal("NO_MAJORITY");
  }).timeout(20_000);

  it("should pay all workers the same of what came in, keep the reserve, and refuse any other sum", async () => {
    const id = await program(0, 1, 2);
    const payers = await scene.user();
    for (const { ledgerKey } of workers(0, 1)) await fundAccount(scene.devnet.friendbotUrl, ledgerKey);
    expect(await codeOf(payOut(scene.client, { program: id, wallet: payers }))).to.equal("PAYOUT_REFUSED");
    await topUp(scene.client, { program: id, wallet: payers, stroops: 600_000_000n });
    expect(await codeOf(payOut(scene.client, { program: id, wallet: payers }))).to.equal("ACCOUNT_NOT_FOUND");
    for (const { ledgerKey } of workers(2)) await fundAccount(scene.devnet.friendbotUrl, ledgerKey);

    const before = await scene.account(id);
    const minute = BigInt(Math.ceil(scene.clock.now() / 60_000)) * 60n + 60n;
    const propose = async (shareStroops: bigint, validUntil = minute): Promise<string | undefined> =>
      await codeOf(
        scene.client.workerApi.consent(before.workers[0]?.address ?? "", {
          kind: "payout",
          network: scene.devnet.networkPassphrase,
          program: id,
          sequence: before.sequence,
          validUntil,
          shareStroops,
        }),
      );
    const share = payoutShareStroops({ spendableStroops: before.spendableStroops, workers: 3 }) ?? 0n;
    expect(3n * share).to.be.within(before.spendableStroops - 2n * PAYOUT_KEEP_STROOPS, before.spendableStroops);
    expect(await propose(share + 1n)).to.equal("PAYOUT_REFUSED");
    expect(await propose(1n)).to.equal("PAYOUT_REFUSED");
    expect(await propose(share, minute + 1n)).to.equal("INVALID_INPUT");
    expect(await propose(share, minute + 600n)).to.equal("INVALID_INPUT");

    const balances = async (): Promise<readonly bigint[]> =>
      await Promise.all(
        workers(0, 1, 2).map(
          async ({ ledgerKey }) => (await scene.client.ledger.account(ledgerKey, []))?.account.balanceStroops ?? 0n,
        ),
      );
    const earlier = await balances();
    const paid = await payOut(scene.client, { program: id, wallet: payers });
    expect(paid.shareStroops).to.equal(share);
    expect((await balances()).map((now, i) => now - (earlier[i] ?? 0n))).to.deep.equal([share, share, share]);
    const after = await scene.account(id);
    expect(after.spendableStroops).to.equal(before.spendableStroops - 3n * share);
    expect(await readChainRecord(scene.client.content, paid.recordCid)).to.include({
      kind: "payout",
      shareStroops: share,
    });
    await append(id, "after the payout");
  }).timeout(20_000);

  it("should move the sequence of a program that was silent, and of no other", async () => {
    const id = await program(0, 1, 2);
    expect(await codeOf(bumpProgram(scene.client, { program: id, wallet: owner }))).to.equal("BUMP_REFUSED");
    scene.clock.shiftMs = 11 * DAY_MS;
    scene.devnet.closeLedger();
    const { sequence } = await scene.account(id);
    await bumpProgram(scene.client, { program: id, wallet: owner });
    expect((await scene.account(id)).sequence).to.equal(sequence + 1n);
    expect((await records(id)).map(({ kind }) => kind)).to.deep.equal(["create", "bump"]);
    expect(await codeOf(bumpProgram(scene.client, { program: id, wallet: owner }))).to.equal("BUMP_REFUSED");
  }).timeout(20_000);
});
