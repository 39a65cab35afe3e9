import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Operation } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createStellarRpcLedger } from "../../../../src/adapters/ledger/stellar-rpc.ts";
import { readSmartAccount } from "../../../../src/domain/program/smart-account.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { findTip } from "../../../../src/execution/tip.ts";
import type { LandedTransaction, Ledger } from "../../../../src/ports/ledger.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { build, land, payment } from "../../../helpers/ledger-moves.ts";
import { keyOf, snapshotWith } from "../../../helpers/smart-accounts.ts";

describe("adapters/ledger/stellar-rpc", () => {
  let scene: ExecutionScene;
  let ledger: Ledger;
  let wallet: Wallet;

  before(async () => {
    scene = await createExecutionScene({ workers: 0 });
    ({ ledger } = scene.client);
    wallet = await scene.user();
  });
  after(() => scene.stop());

  const between = async (from: number, to: number): Promise<LandedTransaction[]> => {
    const found: LandedTransaction[] = [];
    for await (const landed of ledger.transactions(from, to)) found.push(landed);
    return found;
  };

  it("should read an account, its signers and entries, and when each entry was changed", async () => {
    const { account } = await scene.user();
    expect((await ledger.account(account, []))?.account).to.include({
      balanceStroops: 100_000_000_000n,
      spendableStroops: 100_000_000_000n - 10_000_000n,
    });
    const operations = [
      Operation.manageData({ name: "note", value: "kept" }),
      Operation.setOptions({ signer: { ed25519PublicKey: keyOf(7).publicKey(), weight: 2 } }),
    ];
    const landed = await land(scene, wallet, operations);
    const found = await ledger.account(wallet.account, ["note", "absent"]);
    expect([...(found?.data.keys() ?? [])]).to.deep.equal(["note"]);
    expect(found?.data.get("note")?.lastModifiedLedger).to.equal(landed.ledger);
    expect(found?.account.signers).to.deep.equal([{ key: keyOf(7).publicKey(), weight: 2 }]);
    expect(found?.account.spendableStroops).to.equal((found?.account.balanceStroops ?? 0n) - 20_000_000n);
  });

  it("should tell absence from failure", async () => {
    const { sequence } = await ledger.latest();
    expect(await ledger.account(keyOf(99).publicKey(), [])).to.equal(undefined);
    expect(await ledger.transaction("ab".repeat(32))).to.equal(undefined);
    expect(await ledger.header(sequence + 100)).to.equal(undefined);
    expect(await between(sequence + 100, sequence + 200)).to.deep.equal([]);
    expect((await ledger.header(sequence))?.sequence).to.equal(sequence);
  });

  it("should say that history is gone when the ledgers of a program's tip are", async () => {
    const account = readSmartAccount(snapshotWith());
    const gone = { ...account, stateLedger: (await ledger.latest()).sequence + 1_000 };
    expect(await codeOf(findTip(ledger, gone))).to.equal("HISTORY_UNAVAILABLE");
  });

  it("should list transactions in order over more than one page", async () => {
    const first = (await ledger.latest()).sequence;
    const hashes: string[] = [];
    for (let i = 0; i < 230; i += 1) {
      const transaction = await build(scene, wallet, [payment(wallet.account, BigInt(i + 1))]);
      hashes.push((await ledger.submit(transaction.toXdr())).hash);
    }
    const last = (await ledger.latest()).sequence;
    expect((await between(first + 1, last)).map(({ hash }) => hash)).to.deep.equal(hashes);
    expect(await between(last - 4, last - 2)).to.have.length.below(4);
  }).timeout(30_000);

  it("should name what a failed operation came to", async () => {
    const transaction = await build(scene, wallet, [payment(wallet.account, 1n)]);
    transaction.signatures.splice(0);
    const refused = await ledger.submit(transaction.toXdr());
    expect(refused).to.include({ status: "refused", code: "tx_bad_auth" });
  });

  describe("with a service that is not one", () => {
    let server: Server;
    let broken: Ledger;
    let reply: string | undefined;
    before(async () => {
      server = createServer((_, response) => {
        if (reply !== undefined) response.writeHead(200, { "content-type": "application/json" }).end(reply);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      broken = createStellarRpcLedger({
        rpcUrl: `http://127.0.0.1:${port}`,
        networkPassphrase: scene.devnet.networkPassphrase,
        callTimeoutMs: 200,
      });
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    for (const [what, nonsense] of Object.entries({
      "no JSON": "<html>",
      "another JSON": '{"jsonrpc":"2.0","id":1,"result":{"unexpected":true}}',
      "an error": '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"out of order"}}',
      nothing: undefined,
    })) {
      it(`should fail with LEDGER_UNREACHABLE when it answers ${what}`, async () => {
        reply = nonsense;
        const { account } = wallet;
        expect(await codeOf(broken.account(account, ["note"]))).to.equal("LEDGER_UNREACHABLE");
        expect(await codeOf(broken.transaction("ab".repeat(32)))).to.equal("LEDGER_UNREACHABLE");
        expect(await codeOf(broken.header(7))).to.equal("LEDGER_UNREACHABLE");
      });
    }

    it("should end with the caller's signal, and with its deadline", async () => {
      reply = undefined;
      expect(await codeOf(broken.latest({ signal: AbortSignal.abort() }))).to.equal("ABORTED");
      const abort = new AbortController();
      const waiting = codeOf(broken.latest({ signal: abort.signal }));
      abort.abort();
      expect(await waiting).to.equal("ABORTED");
      expect(await codeOf(broken.latest({ signal: AbortSignal.timeout(20) }))).to.equal("TIMEOUT");
    });
  });
});
