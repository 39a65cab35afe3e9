import { serve, type ServerType } from "@hono/node-server";

import { SprfError, messageOf } from "../../errors.ts";

/** Headers and body must have arrived by then; a run itself may take longer. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 512;

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves an app over HTTP. @throws SprfError `CONFIG_INVALID` when the address cannot be listened on */
export async function startHttpServer(
  app: { readonly fetch: (request: Request, env?: object) => Response | Promise<Response> },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server: ServerType = serve({ fetch: app.fetch, hostname: host, port }, (info) => resolve(info.port));
  server.once("error", (error) => {
    reject(new SprfError("CONFIG_INVALID", `cannot listen on ${host}:${port}: ${messageOf(error)}`, { cause: error }));
  });
  if ("requestTimeout" in server) {
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.maxConnections = MAX_CONNECTIONS;
  }
  const listening = await promise;
  return {
    port: listening,
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      if ("closeAllConnections" in server) server.closeAllConnections();
      await closed.promise;
    },
  };
}
