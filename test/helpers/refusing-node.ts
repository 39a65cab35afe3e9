import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A node that refuses `eth_getLogs` over more blocks than it likes, as public ones do, and leaves times out of its logs. */
export interface RefusingNode {
  readonly rpcUrl: string;
  /** Requests refused so far. */
  readonly refused: () => number;
  close(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: ReadonlyArray<{ readonly fromBlock: string; readonly toBlock: string }>;
}

/** Stands before a real node. */
export async function startRefusingNode(behind: string, maxBlocks: number): Promise<RefusingNode> {
  let refused = 0;
  const server = createServer((request, response) => {
    answer(request)
      .then((body) => response.writeHead(200, { "content-type": "application/json" }).end(body))
      .catch((error: unknown) => response.writeHead(502).end(String(error)));
  });

  async function answer(request: AsyncIterable<Buffer>): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const body = JSON.parse(text) as Call | readonly Call[];
    if (!Array.isArray(body)) return JSON.stringify(await answerCall(body as Call));
    return JSON.stringify(await Promise.all((body as readonly Call[]).map(answerCall)));
  }

  async function answerCall(call: Call): Promise<unknown> {
    const { id, method, params } = call;
    const [filter] = params;
    if (method === "eth_getLogs" && filter !== undefined) {
      const blocks = Number(filter.toBlock) - Number(filter.fromBlock) + 1;
      if (blocks > maxBlocks) {
        refused++;
        return { jsonrpc: "2.0", id, error: { code: -32005, message: "query exceeds max block range" } };
      }
    }
    const sent = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(call) };
    const reply = await (await fetch(behind, sent)).text();
    return JSON.parse(method === "eth_getLogs" ? reply.replaceAll(/"blockTimestamp":"0x[0-9a-f]+",?/g, "") : reply);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
