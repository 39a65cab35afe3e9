import { systemClock } from "../../src/adapters/clock/system.ts";
import { serveCar, serveRawBlock } from "../../src/adapters/content-store/trustless-gateway.ts";
import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createWorkerApi } from "../../src/worker/http/api.ts";
import { startHttpServer } from "../../src/worker/http/server.ts";

export interface GatewayServer {
  readonly url: string;
  /** Paths and queries that were asked for, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** A worker's HTTP API with nothing but its gateway behind it; `change` may put other answers in the place of its own. */
export async function startGateway(
  content: Pick<CollectingContentStore, "localBlock">,
  change: (response: Response, request: Request) => Response | Promise<Response> = (response) => response,
): Promise<GatewayServer> {
  const never = (): Promise<never> => Promise.reject(new Error("not asked here"));
  const app = createWorkerApi({
    logger: createMemoryLogger(),
    clock: systemClock,
    execute: never,
    answersTo: never,
    consent: never,
    tip: never,
    content: {
      block: async (cid) => await serveRawBlock(content, cid),
      car: async (cid, options) => await serveCar(content, cid, options),
    },
    health: never,
    describe: () => ({ messageKey: "", ledgerKey: "", multiaddrs: [], engines: [] }),
  });
  const requests: string[] = [];
  const fetch = async (request: Request, env?: object): Promise<Response> => {
    const { pathname, search } = new URL(request.url);
    requests.push(`${pathname}${search}`);
    return await change(await app.fetch(request, env), request);
  };
  const server = await startHttpServer({ fetch }, { host: "127.0.0.1", port: 0 });
  return { url: `http://127.0.0.1:${server.port}`, requests, close: async () => await server.close() };
}
