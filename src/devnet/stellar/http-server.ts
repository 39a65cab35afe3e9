import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { messageOf, SprfError } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { answerCors } from "./cors.ts";
import type { Friendbot } from "./friendbot.ts";
import type { JsonRpcMethod } from "./rpc/json-rpc.ts";
import { answer, errorResponse } from "./rpc/json-rpc.ts";

/** Bytes that a request body may have (Stellar RPC). */
const MAX_BODY_BYTES = 512 * 1024;

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

export interface HttpServerComponents {
  readonly methods: Readonly<Record<string, JsonRpcMethod>>;
  readonly friendbot: Friendbot;
  readonly logger: Logger;
}

/** A listening server. */
export interface HttpServer {
  readonly port: number;
  /** Closes the socket and all connections at once. */
  stop(): Promise<void>;
}

/**
 * Serves JSON-RPC on every path and the friendbot on `/friendbot`.
 *
 * @throws SprfError `CONFIG_INVALID` when the address cannot be listened on.
 */
export async function serveHttp(
  components: HttpServerComponents,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    respond(components, request, response).catch((error: unknown) => {
      components.logger.warn("request failed", { error: messageOf(error) });
      if (response.headersSent) response.destroy();
      else send(response, 503, { status: 503, title: "Service Unavailable", detail: "try again later" });
    });
  });
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await listen(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  try {
    await promise;
  } catch (error) {
    const where = `${host}:${String(port)}`;
    throw new SprfError("CONFIG_INVALID", `cannot listen on ${where}: ${messageOf(error)}`, { cause: error });
  }
  server.off("error", reject);
}

async function respond(
  components: HttpServerComponents,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (answerCors(request, response)) return;
  const url = URL.parse(request.url ?? "/", "http://localhost");
  if (url === null) {
    send(response, 400, { status: 400, title: "Bad Request", detail: "malformed URL" });
    return;
  }
  const isFriendbot = url.pathname === "/friendbot";
  if (request.method !== "POST" && !(isFriendbot && request.method === "GET")) {
    response.setHeader("allow", isFriendbot ? "GET, POST" : "POST");
    send(response, 405, errorResponse("invalidRequest", "use POST"));
    return;
  }
  if (!isFriendbot && !isJson(request.headers["content-type"])) {
    response.setHeader("connection", "close");
    response.setHeader("accept-post", "application/json");
    response.writeHead(415, { "content-type": "text/plain" }).end("content-type must be application/json\n");
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    response.setHeader("connection", "close");
    send(response, 413, errorResponse("invalidRequest", `request body exceeds ${String(MAX_BODY_BYTES)} bytes`));
    return;
  }
  if (isFriendbot) {
    const address = url.searchParams.get("addr") ?? new URLSearchParams(body).get("addr") ?? "";
    const funded = await components.friendbot.fund(address);
    send(response, funded.status, funded.body);
    return;
  }
  const result = answer(body, components.methods, (method, error) => {
    components.logger.error("method failed", { method, error: messageOf(error) });
  });
  if (result === undefined) response.writeHead(204).end();
  else send(response, 200, result);
}

function isJson(contentType: string | undefined): boolean {
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";");
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith("charset="));
  return type.trim() === "application/json" && (charset === undefined || /^charset="?utf-?8"?$/.test(charset));
}

/** The body as text, or undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES) return undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
