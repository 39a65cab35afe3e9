import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Operation, rpc, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { startDevnet, type DevnetPorts } from "../../../src/devnet/create-devnet.ts";
import { rootKeypair } from "../../../src/devnet/stellar/ledger/development-ledger.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("devnet/create-devnet", () => {
  let holder: Server;
  let taken: number;
  before(async () => {
    holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    ({ port: taken } = holder.address() as AddressInfo);
  });
  after((done) => {
    holder.close(done);
  });

  for (const service of ["chain", "ledger", "waku", "content"] satisfies (keyof DevnetPorts)[]) {
    it(`should refuse a taken port of ${service}, and leave nothing up that it has started`, async () => {
      const free = await freePort();
      // A service that starts before the refused one is looked for afterwards.
      const other = service === "ledger" ? "chain" : "ledger";
      const ports = { [other]: free, [service]: taken };
      expect(await codeOf(startDevnet({ ports, logger: createMemoryLogger() }))).to.equal("CONFIG_INVALID");
      const answer = await fetch(`http://127.0.0.1:${free}`).then(
        () => "answers",
        () => "gone",
      );
      expect(answer).to.equal("gone");
    });
  }
});

describe("devnet/create-devnet's ledger", function () {
  this.timeout(60_000);

  it("should close, queue and be kept as it is told", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sprf-devnet-ledger-"));
    const ledger = {
      closeEveryMs: 3_600_000,
      queueRule: "chain",
      databasePath: join(folder, "ledger.sqlite"),
    } as const;
    try {
      const first = await startDevnet({ ledger, logger: createMemoryLogger() });
      const { rpcUrl, networkPassphrase } = first.networks.ledger;
      const server = new rpc.Server(rpcUrl, { allowHttp: true });
      const root = rootKeypair(networkPassphrase);
      const account = await server.getAccount(root.publicKey());
      const statuses: string[] = [];
      const hashes: string[] = [];
      for (let i = 0; i < 2; i++) {
        const tx = new TransactionBuilder(account, { fee: "100", networkPassphrase })
          .addOperation(Operation.bumpSequence({ bumpTo: "0" }))
          .setTimeout(0)
          .build();
        tx.sign(root);
        const sent = await server.sendTransaction(tx);
        statuses.push(sent.status);
        hashes.push(sent.hash);
      }
      expect(statuses).to.deep.equal(["PENDING", "PENDING"]);
      const { id, sequence } = await server.getLatestLedger();
      await first.stop();

      const second = await startDevnet({ ledger: { ...ledger, closeEveryMs: 0 }, logger: createMemoryLogger() });
      const again = new rpc.Server(second.networks.ledger.rpcUrl, { allowHttp: true });
      const kept = await again.getLatestLedger();
      expect([kept.id, kept.sequence]).to.deep.equal([id, sequence]);
      // What only waited is gone, as with a node that is started again.
      expect((await again.getTransaction(hashes[0] ?? "")).status).to.equal("NOT_FOUND");
      await second.stop();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
