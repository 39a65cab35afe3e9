import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** JSON-RPC calls that passed, and the HTTP requests that they came in. */
export interface RpcCount {
  readonly calls: number;
  readonly requests: number;
}

/** A node's JSON-RPC behind another address, where what is asked is counted. */
export async function startCountingProxy(rpcUrl: string): Promise<{
  readonly rpcUrl: string;
  readonly count: () => RpcCount;
  stop(): Promise<void>;
}> {
  const count = { calls: 0, requests: 0 };
  const server = createServer((request, response) => {
    void (async () => {
      try {
        const body = Buffer.concat(await request.toArray());
        const asked = JSON.parse(body.toString()) as unknown;
        count.requests++;
        count.calls += Array.isArray(asked) ? asked.length : 1;
        const answer = await fetch(rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body });
        response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
      } catch (error) {
        response.destroy(error instanceof Error ? error : undefined);
      }
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    rpcUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: () => ({ ...count }),
    async stop() {
      server.closeAllConnections();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
