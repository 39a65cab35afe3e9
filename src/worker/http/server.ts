import type { EventEmitter } from "node:events";

import { serve, type ServerType } from "@hono/node-server";

import { SprfError, messageOf } from "../../errors.ts";
import { raceAbort } from "../../utils/abort.ts";
import { errorResponse } from "./error-response.ts";

/** Headers and body must have arrived by then; a run itself may take longer. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 512;
/** Docker ends what has not ended ten seconds after it was told to. */
const GRACE_MS = 5_000;

export interface HttpServer {
  readonly port: number;
  /** Takes nothing new; what is being answered gets its answer, for as long as the grace lasts. May be called twice. */
  close(): Promise<void>;
}

/** Serves an app over HTTP. @throws SprfError `CONFIG_INVALID` when the address cannot be listened on */
export async function startHttpServer(
  app: { readonly fetch: (request: Request, env?: object) => Response | Promise<Response> },
  {
    host,
    port,
    graceMs = GRACE_MS,
  }: { readonly host: string; readonly port: number; readonly graceMs?: number | undefined },
): Promise<HttpServer> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const open = new Set<object>();
  const idle = Promise.withResolvers<void>();
  let closing: Promise<void> | undefined;
  const fetch: typeof app.fetch = (request, env) => (closing === undefined ? app.fetch(request, env) : refusal());
  const server: ServerType = serve({ fetch, hostname: host, port }, (info) => resolve(info.port));
  server.on("request", (_request: unknown, response: EventEmitter) => {
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      if (closing !== undefined && open.size === 0) idle.resolve();
    });
  });
  server.once("error", (error) => {
    reject(new SprfError("CONFIG_INVALID", `cannot listen on ${host}:${port}: ${messageOf(error)}`, { cause: error }));
  });
  if ("requestTimeout" in server) {
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.maxConnections = MAX_CONNECTIONS;
  }
  const listening = await promise;

  async function close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    if (open.size > 0) await raceAbort(idle.promise, AbortSignal.timeout(graceMs)).catch(() => undefined);
    if ("closeAllConnections" in server) server.closeAllConnections();
    await closed.promise;
  }

  return {
    port: listening,
    async close() {
      closing ??= close();
      await closing;
    },
  };
}

/** For what comes over a connection that was kept: the sender asks again, and finds another worker or this one again. */
function refusal(): Response {
  const { status, body } = errorResponse(new SprfError("WORKER_BUSY", "this worker is stopping"));
  return Response.json(body, { status, headers: { connection: "close" } });
}
