import type { Account } from "@stellar/stellar-sdk";
import { Asset, Keypair, Operation, rpc, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createStellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import type { StellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { until } from "../../../helpers/until.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";
import { recordingLogger } from "./ledger-fixture.ts";

/** Long enough that no timer closes a ledger during a test. */
const NEVER_MS = 3_600_000;

function pay(destination: string, amount: string) {
  return Operation.payment({ destination, amount, asset: Asset.native() });
}

describe("development ledger behind Stellar RPC", () => {
  let devnet: StellarDevnet;
  let server: rpc.Server;

  before(async () => {
    devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0 });
    server = new rpc.Server(devnet.rpcUrl, { allowHttp: true });
  });

  after(() => devnet.stop());

  const fund = async (): Promise<{ keypair: Keypair; account: Account }> => {
    const keypair = Keypair.random();
    await server.fundAddress(keypair.publicKey());
    return { keypair, account: await server.getAccount(keypair.publicKey()) };
  };

  const build = (account: Account, keypair: Keypair, operations: xdr.Operation[]) => {
    const builder = new TransactionBuilder(account, { fee: "100", networkPassphrase: devnet.networkPassphrase });
    for (const operation of operations) builder.addOperation(operation);
    const tx = builder.setTimeout(60).build();
    tx.sign(keypair);
    return tx;
  };

  it("describes itself", async () => {
    const network = await server.getNetwork();
    expect(network.passphrase).to.equal("SPRF Development Network ; 2026");
    expect(network.friendbotUrl).to.equal(devnet.friendbotUrl);
    expect((await server.getHealth()).status).to.equal("healthy");
    expect((await server.getVersionInfo()).protocolVersion).to.equal(19);
    const latest = await server.getLatestLedger();
    expect(latest.headerXdr.ledgerSeq).to.equal(latest.sequence);
    expect(latest.closeTime).to.match(/^\d+$/);
  });

  it("has no events, and says up to where", async () => {
    const { sequence } = await server.getLatestLedger();
    const first = await server.getEvents({ startLedger: 1, filters: [{ type: "contract", topics: [["*", "**"]] }] });
    expect(first.events).to.deep.equal([]);
    expect(first.latestLedger).to.equal(sequence);
    devnet.closeLedger();
    const next = await server.getEvents({ cursor: first.cursor, filters: [] });
    expect(next.events).to.deep.equal([]);
    expect(BigInt(next.cursor.split("-")[0] ?? "") >> 32n).to.equal(BigInt(sequence + 1));
  });

  it("reckons fees by operations, an outer one not counted, and none as the service does", async () => {
    const quiet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0 });
    try {
      const own = new rpc.Server(quiet.rpcUrl, { allowHttp: true });
      const none = await own.getFeeStats();
      expect(none.inclusionFee).to.include({ max: "0", mode: "0", p99: "0", transactionCount: "0", ledgerCount: 0 });
      const keypair = Keypair.random();
      await own.fundAddress(keypair.publicKey());
      const account = await own.getAccount(keypair.publicKey());
      const inner = new TransactionBuilder(account, { fee: "100", networkPassphrase: quiet.networkPassphrase })
        .addOperation(pay(keypair.publicKey(), "1"))
        .setTimeout(0)
        .build();
      inner.sign(keypair);
      const bump = TransactionBuilder.buildFeeBumpTransaction(keypair, "200", inner, quiet.networkPassphrase);
      bump.sign(keypair);
      expect((await own.sendTransaction(bump)).status).to.equal("PENDING");
      const { inclusionFee } = await own.getFeeStats();
      expect(inclusionFee).to.include({ min: "100", p50: "100", p60: "200", max: "200", transactionCount: "2" });
      expect(inclusionFee.mode).to.equal("100");
    } finally {
      await quiet.stop();
    }
  });

  it("takes a transaction and finds it by outer and inner hash", async () => {
    const alice = await fund();
    const bob = await fund();
    const inner = build(alice.account, alice.keypair, [
      pay(bob.keypair.publicKey(), "5"),
      Operation.manageData({ name: "current_state", value: "bafy" }),
    ]);
    const bump = TransactionBuilder.buildFeeBumpTransaction(bob.keypair, "200", inner, devnet.networkPassphrase);
    bump.sign(bob.keypair);
    const sent = await server.sendTransaction(bump);
    expect(sent.status).to.equal("PENDING");
    const outerFound = await server.pollTransaction(sent.hash, { attempts: 3 });
    const innerFound = await server.getTransaction(Buffer.from(inner.hash()).toString("hex"));
    for (const found of [outerFound, innerFound]) {
      if (found.status !== rpc.Api.GetTransactionStatus.SUCCESS) expect.fail(`status ${found.status}`);
      expect(found.feeBump).to.equal(true);
      expect(found.envelopeXdr.toXdr("base64")).to.equal(bump.toXdr());
      expect(found.resultXdr.result.type).to.equal("txFeeBumpInnerSuccess");
      expect(found.resultMetaXdr.type).to.equal("v3");
      const [ledger] = (await server.getLedgers({ startLedger: found.ledger })).ledgers;
      expect(Number(ledger?.ledgerCloseTime)).to.equal(Number(found.createdAt));
    }
    const entry = await server.getAccountEntry(alice.keypair.publicKey());
    expect(entry.balance).to.equal(99_950_000_000n);
    const key = xdr.LedgerKey.data(
      new xdr.LedgerKeyData({ accountId: alice.keypair.xdrPublicKey(), dataName: "current_state" }),
    );
    const { entries } = await server.getLedgerEntries(key);
    const [data] = entries;
    expect(data?.lastModifiedLedgerSeq).to.equal((outerFound as { ledger: number }).ledger);
    if (data?.val.type !== "data") expect.fail("no data entry");
    expect(Buffer.from(data.val.data.dataValue.value).toString()).to.equal("bafy");
  });

  it("answers an invalid transaction with its result, and an applied failure as FAILED", async () => {
    const alice = await fund();
    const unsigned = new TransactionBuilder(alice.account, { fee: "100", networkPassphrase: devnet.networkPassphrase })
      .addOperation(pay(alice.keypair.publicKey(), "1"))
      .setTimeout(60)
      .build();
    const refused = await server.sendTransaction(unsigned);
    expect(refused.status).to.equal("ERROR");
    expect(refused.errorResult?.result.type).to.equal("txBadAuth");
    const account = await server.getAccount(alice.keypair.publicKey());
    const failing = build(account, alice.keypair, [pay(Keypair.random().publicKey(), "1")]);
    const sent = await server.sendTransaction(failing);
    expect((await server.getTransaction(sent.hash)).status).to.equal("FAILED");
    expect((await server.getTransaction("0".repeat(64))).status).to.equal("NOT_FOUND");
  });

  it("pages through transactions and ledgers without gap or repetition", async () => {
    const first = (await server.getLatestLedger()).sequence + 1;
    const alice = await fund();
    const hashes: string[] = [];
    for (let i = 0; i < 7; i++) {
      hashes.push((await server.sendTransaction(build(alice.account, alice.keypair, [pay(devnetSink, "1")]))).hash);
    }
    const seen: string[] = [];
    let page = await server.getTransactions({ startLedger: first, pagination: { limit: 3 } });
    while (page.transactions.length > 0) {
      seen.push(...page.transactions.map(({ txHash }) => txHash));
      page = await server.getTransactions({ pagination: { cursor: page.cursor, limit: 3 } });
    }
    expect(seen.slice(1)).to.deep.equal(hashes);
    hashes.push((await server.sendTransaction(build(alice.account, alice.keypair, [pay(devnetSink, "1")]))).hash);
    const next = await server.getTransactions({ pagination: { cursor: page.cursor } });
    expect(next.transactions.map(({ txHash }) => txHash)).to.deep.equal(hashes.slice(-1));
    const ledgers = await server.getLedgers({ startLedger: first, pagination: { limit: 2 } });
    const more = await server.getLedgers({ pagination: { cursor: ledgers.cursor, limit: 2 } });
    const all = [...ledgers.ledgers, ...more.ledgers];
    expect(all.map(({ sequence }) => sequence)).to.deep.equal([first, first + 1, first + 2, first + 3]);
    for (const [i, { headerXdr }] of all.entries()) {
      if (i > 0)
        expect(Buffer.from(headerXdr.header.previousLedgerHash.value).toString("hex")).to.equal(all[i - 1]?.hash);
    }
    const last = all.at(-1);
    expect(last?.metadataXdr.type).to.equal("v0");
    expect((await server.getFeeStats()).inclusionFee.mode).to.equal("100");
  });

  it("gives the older airdrop call the account that it made, and the same again", async () => {
    const address = Keypair.random().publicKey();
    // oxlint-disable-next-line typescript/no-deprecated -- older clients call it
    const airdrop = () => server.requestAirdrop(address);
    const sequence = (await airdrop()).sequenceNumber();
    expect(sequence).to.equal(String(BigInt((await server.getLatestLedger()).sequence) << 32n));
    expect((await airdrop()).sequenceNumber()).to.equal(sequence);
  });

  it("funds many who ask together, each once", async () => {
    const held = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: NEVER_MS });
    try {
      const addresses = Array.from({ length: 5 }, () => Keypair.random().publicKey());
      const ask = async (address: string) => {
        const response = await fetch(`${held.friendbotUrl}?addr=${address}`);
        return { status: response.status, body: (await response.json()) as { ledger?: number; detail?: string } };
      };
      let open = addresses.length;
      const asked = Promise.all(addresses.map((address) => ask(address).finally(() => (open -= 1))));
      await until(() => {
        held.closeLedger();
        return open === 0;
      });
      const answers = await asked;
      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200]);
      const again = await ask(addresses[0] ?? "");
      expect(again.status).to.equal(400);
      expect(again.body.detail).to.include("createAccountAlreadyExist");
      expect((await ask("GBAD")).status).to.equal(400);
    } finally {
      await held.stop();
    }
  });

  it("closes on its timer, empty ledgers too, with the clock's time", async () => {
    const clock = createManualClock();
    const timed = await createStellarDevnet({ logger: recordingLogger(), clock, closeEveryMs: 5000 });
    try {
      const timedServer = new rpc.Server(timed.rpcUrl, { allowHttp: true });
      const start = (await timedServer.getLatestLedger()).sequence;
      await clock.advance(15_000);
      const latest = await timedServer.getLatestLedger();
      expect(latest.sequence).to.equal(start + 3);
      expect(latest.closeTime).to.equal(String(clock.now() / 1000));
    } finally {
      await timed.stop();
    }
  });

  it("says that it is for development only, and starts and stops as often as asked", async () => {
    const logger = recordingLogger();
    const twice = await createStellarDevnet({ logger, closeEveryMs: 0 });
    await twice.start();
    expect(logger.lines.filter((line) => line.includes("development only"))).to.have.lengthOf(1);
    const url = twice.rpcUrl;
    await twice.stop();
    await twice.stop();
    const refused = await fetch(url).then(
      () => false,
      () => true,
    );
    expect(refused).to.equal(true);
    await twice.start();
    expect(twice.rpcUrl).to.equal(url);
    await twice.stop();
  });
});

/** An account that exists nowhere; payments to it are applied and fail. */
const devnetSink = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 77)).publicKey();
