import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Keypair, Operation, rpc, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createStellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { recordingLogger } from "./ledger-fixture.ts";

/** A network in a process of its own that prints its URL and then only closes ledgers, as fast as it can. */
const CHILD = `
  import { createStellarDevnet } from ${JSON.stringify(new URL("../../../../src/devnet/stellar/create-stellar-devnet.ts", import.meta.url).href)};
  const log = () => undefined;
  const logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const devnet = await createStellarDevnet({ logger, closeEveryMs: 10, databasePath: process.argv[1] });
  console.log(devnet.rpcUrl);
`;

describe("development ledger in a file", () => {
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sprf-stellar-"));
  });

  afterEach(() => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  it("goes on after kill -9 with the same accounts, history and hashes", async () => {
    const databasePath = join(folder, "ledger.sqlite");
    child = spawn(process.execPath, ["--input-type=module-typescript", "-e", CHILD, databasePath], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout ?? child, "data")) as [Buffer];
    const server = new rpc.Server(line.toString().trim(), { allowHttp: true });
    const people = Array.from({ length: 3 }, () => Keypair.random().publicKey());
    for (const address of people) await server.fundAddress(address);
    const known = await server.getTransactions({ startLedger: 1 });
    const ledgers = await server.getLedgers({ startLedger: 1, pagination: { limit: 200 } });
    child.kill("SIGKILL");
    await once(child, "exit");

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
