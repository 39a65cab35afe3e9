import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { createEthersChain, type EthersChain } from "../../../../src/adapters/chain/ethers.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { startMarketChain, type MarketChain } from "../../../helpers/market-chain.ts";

/** What becomes of the next call of a method: its connection closes before the node hears of it, or before the caller does. */
type Loss = "request" | "answer";

describe("ethers chain over connections that close", () => {
  let market: MarketChain;
  let server: Server;
  let chain: EthersChain;
  const losses = new Map<string, Loss[]>();
  const calls: string[] = [];

  before(async () => {
    market = await startMarketChain();
    server = createServer((request, response) => {
      const forward = async (): Promise<void> => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of request) chunks.push(chunk as Uint8Array);
        const body = Buffer.concat(chunks);
        const { method } = JSON.parse(body.toString()) as { method: string };
        calls.push(method);
        const loss = losses.get(method)?.shift();
        if (loss === "request") return void request.socket.destroy();
        const headers = { "content-type": "application/json" };
        const answer = await (await fetch(market.rpcUrl, { method: "POST", headers, body })).text();
        if (loss === "answer") request.socket.destroy();
        else response.end(answer);
      };
      forward().catch(() => response.destroy());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { keys } = await market.identity(1);
    chain = await createEthersChain({
      rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      privateKey: keys.accountPrivateKey,
      contracts: market.contracts,
      pollingIntervalMs: 10,
    });
  });
  beforeEach(() => {
    losses.clear();
    calls.splice(0);
  });
  after(async () => {
    chain?.close();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await market?.close();
  });

  it("should read once more over a fresh connection, and no more than that", async () => {
    losses.set("eth_blockNumber", ["request"]);
    expect(await chain.blockNumber()).to.be.a("number");
    losses.set("eth_blockNumber", ["answer", "answer"]);
    expect(await codeOf(chain.blockNumber())).to.equal("CHAIN_UNREACHABLE");
  });

  for (const loss of ["request", "answer"] as const) {
    it(`should send a transaction once when the ${loss} is lost on the way`, async () => {
      const { keys } = await market.identity(1);
      const before = await nonce();
      losses.set("eth_sendRawTransaction", [loss]);
      const ledgerKey = new Uint8Array(32).fill(loss.length);
      const twin = await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
      expect(twin.ledgerKey).to.deep.equal(ledgerKey);
      expect((await nonce()) - before).to.equal(1);
    }).timeout(20_000);
  }

  async function nonce(): Promise<number> {
    return Number(await market.rpc("eth_getTransactionCount", chain.account, "latest"));
  }
});
