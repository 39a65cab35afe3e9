import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Keypair, Operation, rpc, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createStellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import type { LedgerProcess } from "../../../helpers/ledger-process.ts";
import { startLedgerProcess } from "../../../helpers/ledger-process.ts";
import { until } from "../../../helpers/until.ts";
import { recordingLogger } from "./ledger-fixture.ts";

/** Long enough for a process to start on a busy machine. */
const TIMEOUT_MS = 60_000;

const PAGE = 200;

describe("development ledger in a file", function () {
  this.timeout(TIMEOUT_MS);

  let folder: string;
  let child: LedgerProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sprf-stellar-"));
  });

  afterEach(async () => {
    await child?.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it("goes on after kill -9 with the same accounts, history and hashes", async () => {
    const databasePath = join(folder, "ledger.sqlite");
    child = await startLedgerProcess(databasePath, 10);
    const server = new rpc.Server(child.rpcUrl, { allowHttp: true });
    const people = Array.from({ length: 3 }, () => Keypair.random().publicKey());
    for (const address of people) await server.fundAddress(address);
    const known = await server.getTransactions({ startLedger: 1 });
    const ledgers = await server.getLedgers({ startLedger: 1, pagination: { limit: 200 } });
    await child.kill();

    const devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0, databasePath });
    try {
      const again = new rpc.Server(devnet.rpcUrl, { allowHttp: true });
      for (const address of people) {
        expect((await again.getAccountEntry(address)).balance).to.equal(100_000_000_000n);
      }
      const after = await again.getTransactions({ startLedger: 1 });
      expect(after.transactions.map(({ txHash }) => txHash)).to.deep.equal(
        known.transactions.map(({ txHash }) => txHash),
      );
      const kept = await again.getLedgers({ startLedger: 1, pagination: { limit: 200 } });
      expect(kept.ledgers.slice(0, ledgers.ledgers.length).map(({ hash }) => hash)).to.deep.equal(
        ledgers.ledgers.map(({ hash }) => hash),
      );
      const last = (await again.getLatestLedger()).id;
      const { header } = devnet.closeLedger();
      expect(Buffer.from(header.header.previousLedgerHash.value).toString("hex")).to.equal(last);
      await again.fundAddress(Keypair.random().publicKey());
    } finally {
      await devnet.stop();
    }
  });

  for (const closeEveryMs of [0, 10]) {
    const rhythm = closeEveryMs === 0 ? "on demand" : `every ${String(closeEveryMs)} ms`;
    it(`has everything that a client was told when it is killed while it closes ledgers ${rhythm}`, async () => {
      const databasePath = join(folder, "ledger.sqlite");
      const writers = Array.from({ length: 4 }, () => Keypair.random());
      const told = new Map<string, { ledger: number; resultXdr: string }>();
      for (const round of [1, 2]) {
        child = await startLedgerProcess(databasePath, closeEveryMs);
        const server = new rpc.Server(child.rpcUrl, { allowHttp: true });
        if (round === 1) await Promise.all(writers.map((writer) => server.fundAddress(writer.publicKey())));
        const killed = new AbortController();
        const writing = Promise.all(writers.map((writer) => writeUntil(server, writer, told, killed.signal)));
        // Killed in the midst of it: all of them go on submitting and asking.
        const landed = until(() => told.size >= round * 20, { timeoutMs: TIMEOUT_MS, what: "what has landed" });
        await Promise.race([landed, writing]);
        killed.abort();
        await child.kill();
        await writing;
      }
      const devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0, databasePath });
      try {
        const again = new rpc.Server(devnet.rpcUrl, { allowHttp: true });
        for (const [hash, { ledger, resultXdr }] of told) {
          const found = await again.getTransaction(hash);
          if (found.status !== rpc.Api.GetTransactionStatus.SUCCESS) expect.fail(`${hash}: ${found.status}`);
          expect([found.ledger, found.resultXdr.toXdr("base64")]).to.deep.equal([ledger, resultXdr]);
        }
        await expectChain(again);
        for (const writer of writers) await expectAccountOfHistory(again, writer.publicKey());
      } finally {
        await devnet.stop();
      }
    });
  }

  it("does not bring back what was deleted before a restart", async () => {
    const databasePath = join(folder, "ledger.sqlite");
    const devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0, databasePath });
    const server = new rpc.Server(devnet.rpcUrl, { allowHttp: true });
    const owner = Keypair.random();
    await server.fundAddress(owner.publicKey());
    const account = await server.getAccount(owner.publicKey());
    for (const operation of [
      Operation.manageData({ name: "gone", value: "1" }),
      Operation.manageData({ name: "kept", value: "2" }),
      Operation.manageData({ name: "gone", value: null }),
    ]) {
      const tx = new TransactionBuilder(account, { fee: "100", networkPassphrase: devnet.networkPassphrase })
        .addOperation(operation)
        .setTimeout(60)
        .build();
      tx.sign(owner);
      expect((await server.sendTransaction(tx)).status).to.equal("PENDING");
    }
    await devnet.stop();
    // A new network on a new port: the client may still hold connections to the old one.
    const restarted = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0, databasePath });
    const again = new rpc.Server(restarted.rpcUrl, { allowHttp: true });
    const keys = ["gone", "kept"].map((dataName) =>
      xdr.LedgerKey.data(new xdr.LedgerKeyData({ accountId: owner.xdrPublicKey(), dataName })),
    );
    const { entries } = await again.getLedgerEntries(...keys);
    expect(entries.map(({ key }) => key.toXdr("base64"))).to.deep.equal([keys[1]?.toXdr("base64")]);
    expect((await again.getAccountEntry(owner.publicKey())).numSubEntries).to.equal(1);
    await restarted.stop();
  });

  it("refuses a file of another network, and one that another process has open", async () => {
    const databasePath = join(folder, "ledger.sqlite");
    const logger = recordingLogger();
    const first = await createStellarDevnet({ logger, closeEveryMs: 0, databasePath });
    expect(await codeOf(createStellarDevnet({ logger, closeEveryMs: 0, databasePath }))).to.equal("CONFIG_INVALID");
    await first.stop();
    const other = createStellarDevnet({ logger, closeEveryMs: 0, databasePath, networkPassphrase: "Another" });
    expect(await codeOf(other)).to.equal("CONFIG_INVALID");
    const port = Number(new URL(first.rpcUrl).port);
    await first.start();
    expect(await codeOf(createStellarDevnet({ logger, closeEveryMs: 0, port }))).to.equal("CONFIG_INVALID");
    await first.stop();
  });
});

/** Writes an entry again and again, and notes down what it is told has landed, until nobody answers. */
async function writeUntil(
  server: rpc.Server,
  writer: Keypair,
  told: Map<string, { ledger: number; resultXdr: string }>,
  killed: AbortSignal,
): Promise<void> {
  try {
    const { passphrase } = await server.getNetwork();
    for (;;) {
      const account = await server.getAccount(writer.publicKey());
      const tx = new TransactionBuilder(account, { fee: "100", networkPassphrase: passphrase })
        .addOperation(Operation.manageData({ name: "n", value: account.sequenceNumber() }))
        .setTimeout(0)
        .build();
      tx.sign(writer);
      const { hash } = await server.sendTransaction(tx);
      await until(async () => {
        const found = await server.getTransaction(hash);
        if (found.status !== rpc.Api.GetTransactionStatus.SUCCESS) return false;
        told.set(hash, { ledger: found.ledger, resultXdr: found.resultXdr.toXdr("base64") });
        return true;
      });
    }
  } catch (error) {
    if (!killed.aborted) throw error;
  }
}

/** Every ledger names the one before it. */
async function expectChain(server: rpc.Server): Promise<void> {
  const { sequence } = await server.getLatestLedger();
  let previous: string | undefined;
  for (let startLedger = 1; startLedger <= sequence; startLedger += PAGE) {
    const { ledgers } = await server.getLedgers({ startLedger, pagination: { limit: PAGE } });
    for (const { hash, headerXdr } of ledgers) {
      const named = Buffer.from(headerXdr.header.previousLedgerHash.value).toString("hex");
      if (previous !== undefined) expect(named).to.equal(previous);
      previous = hash;
    }
  }
}

/** The account is as its transactions left it: the number and the entry of its last one. */
async function expectAccountOfHistory(server: rpc.Server, address: string): Promise<void> {
  const keypair = Keypair.fromPublicKey(address);
  const account = await server.getAccountEntry(address);
  const key = xdr.LedgerKey.data(new xdr.LedgerKeyData({ accountId: keypair.xdrPublicKey(), dataName: "n" }));
  const [entry] = (await server.getLedgerEntries(key)).entries;
  if (entry?.val.type !== "data") expect.fail("no entry");
  expect(Buffer.from(entry.val.data.dataValue.value).toString()).to.equal(String(account.seqNum - 1n));
  expect(entry.lastModifiedLedgerSeq).to.be.greaterThan(0);
}
