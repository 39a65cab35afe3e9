import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { JSONRPCErrorException, JSONRPCServer } from "json-rpc-2.0";
import { WebSocketServer, type RawData, type WebSocket } from "ws";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { ChannelService } from "../../ports/channel-service.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Random } from "../../ports/random.ts";
import type { Startable } from "../../ports/startable.ts";
import { within } from "../../utils/within.ts";
import { INTERNAL_ERROR_NUMBER, numberOfError } from "../../wire/channel/api-errors.ts";
import { PARAMS, UPDATE_METHOD, type ChannelMethod } from "../../wire/channel/api-json.ts";
import { check } from "../../wire/json.ts";
import { createConnectionShares } from "./connection-shares.ts";
import { createMethods, type Methods, type Readers } from "./methods.ts";
import { createSessionBook } from "./sessions.ts";
import { createSubscriptionBook } from "./subscriptions.ts";

/** A call's data in hex, its signature and names. */
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_CONNECTIONS = 256;
/** Those that are still to say that they want a WebSocket. */
const MAX_HANDSHAKES = 64;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** Questions of one connection that are answered at a time; the next are refused. */
const MAX_PENDING = 256;
/** A connection that takes nothing for so long is closed. */
const SEND_TIMEOUT_MS = 30_000;
const PING_INTERVAL_MS = 15_000;
const TOO_SLOW = 4_008;
const GOING_AWAY = 1_001;

export interface ChannelApiServerInit {
  readonly service: ChannelService;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** @default "members" */
  readonly readers?: Readers;
  /** Of these an address may have as many as are left free. @default 256 */
  readonly maxConnections?: number;
  /** The account whose node this is: it may read also before its join was played here. */
  readonly owner?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface ChannelApiServer extends Startable {
  /** `ws://host:port`. @throws SprfError `INTERNAL` before the start */
  readonly url: string;
}

/** Serves a node's channels to clients: JSON-RPC 2.0 over WebSocket. */
export function createChannelApiServer(init: ChannelApiServerInit): ChannelApiServer {
  const sessions = createSessionBook(init);
  let server: { readonly http: Server; readonly sockets: WebSocketServer } | undefined;
  let stopping = new AbortController();
  const { maxConnections = MAX_CONNECTIONS } = init;
  const addressOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? "";

  return {
    get url() {
      if (server === undefined) throw new SprfError("INTERNAL", "the channel API has not started");
      return `ws://${init.host}:${(server.http.address() as AddressInfo).port}`;
    },
    async start() {
      if (server !== undefined) return;
      stopping = new AbortController();
      const shares = createConnectionShares(maxConnections);
      const http = createServer((_request, response) => response.writeHead(426, { Connection: "close" }).end());
      http.maxConnections = maxConnections + MAX_HANDSHAKES;
      http.headersTimeout = HANDSHAKE_TIMEOUT_MS;
      http.requestTimeout = HANDSHAKE_TIMEOUT_MS;
      const starting = new WebSocketServer({
        server: http,
        maxPayload: MAX_MESSAGE_BYTES,
        verifyClient: ({ req }: { readonly req: IncomingMessage }, answer) =>
          answer(shares.hasRoom(addressOf(req)), 503, "too many connections"),
      });
      starting.on("error", (error) => init.logger.warn("channel API failed", { reason: messageOf(error) }));
      try {
        http.listen(init.port, init.host);
        await once(http, "listening");
      } catch (error) {
        throw new SprfError("CONFIG_INVALID", `cannot listen on ${init.host}:${init.port}: ${messageOf(error)}`, {
          cause: error,
        });
      }
      starting.on("connection", (socket, request) => {
        socket.once("close", shares.enter(addressOf(request)));
        serveConnection(socket, { ...init, readers: init.readers ?? "members", sessions, signal: stopping.signal });
      });
      server = { http, sockets: starting };
    },
    async stop() {
      const ending = server;
      if (ending === undefined) return;
      server = undefined;
      stopping.abort();
      const { http, sockets } = ending;
      for (const socket of sockets.clients) socket.close(GOING_AWAY, "the node stops");
      sockets.close();
      const closed = Promise.withResolvers<void>();
      http.close(() => closed.resolve());
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      await closed.promise;
    },
  };
}

type ConnectionInit = Omit<ChannelApiServerInit, "host" | "port" | "readers"> & {
  readonly readers: Readers;
  readonly sessions: ReturnType<typeof createSessionBook>;
  readonly signal: AbortSignal;
};

function serveConnection(socket: WebSocket, init: ConnectionInit): void {
  const { clock, logger } = init;
  const ended = new AbortController();
  const signal = AbortSignal.any([init.signal, ended.signal]);
  socket.on("close", () => ended.abort());
  socket.on("error", (error) => logger.debug("a client's connection failed", { reason: messageOf(error) }));
  signal.addEventListener("abort", () => ended.abort(), { once: true });

  const send = async (message: object): Promise<void> => {
    try {
      await within(async () => await sendTo(socket, JSON.stringify(message)), {
        clock,
        timeoutMs: SEND_TIMEOUT_MS,
        signal,
      });
    } catch (error) {
      if (isSprfError(error, "TIMEOUT")) socket.close(TOO_SLOW, "read faster");
      socket.terminate();
      throw error;
    }
  };
  const subscriptions = createSubscriptionBook({
    send: async (params) => await send({ jsonrpc: "2.0", method: UPDATE_METHOD, params }),
    signal,
  });
  const rpc = createRpc(createMethods({ ...init, subscriptions, signal }), logger);

  let pending = 0;
  socket.on("message", (data: RawData, isBinary: boolean) => {
    if (isBinary || pending >= MAX_PENDING) {
      socket.close(1_008, isBinary ? "text only" : "too many questions at a time");
      return;
    }
    pending++;
    const answer = async (): Promise<void> => {
      const response = await rpc.receiveJSON(textOf(data));
      if (response !== null) await send(response);
    };
    answer()
      .catch((error: unknown) => logger.debug("a client was not answered", { reason: messageOf(error) }))
      .finally(() => pending--);
  });
  keepAlive(socket, clock, signal).catch((error: unknown) => {
    logger.debug("a client's connection is given up", { reason: messageOf(error) });
  });
}

function createRpc(methods: Methods, logger: Logger): JSONRPCServer {
  const rpc = new JSONRPCServer({ errorListener: () => undefined });
  for (const name of Object.keys(PARAMS) as ChannelMethod[]) {
    // Each method's schema gives what the method takes; TypeScript does not follow the pair through the loop.
    const method = methods[name] as (params: unknown) => Promise<object>;
    rpc.addMethod(name, async (params: unknown) => {
      try {
        return await method(check<unknown>(PARAMS[name], params ?? {}));
      } catch (error) {
        throw rpcError(error, name, logger);
      }
    });
  }
  return rpc;
}

/** Clients are told codes that concern them; what failed inside is the log's. */
function rpcError(error: unknown, method: string, logger: Logger): JSONRPCErrorException {
  const number = isSprfError(error) ? numberOfError(error.code) : undefined;
  if (number !== undefined && isSprfError(error)) {
    return new JSONRPCErrorException(error.message, number, { code: error.code, next: error.next });
  }
  logger.error("a client's question failed", { method, reason: messageOf(error) });
  return new JSONRPCErrorException("the node failed", INTERNAL_ERROR_NUMBER, { code: "INTERNAL" });
}

async function sendTo(socket: WebSocket, text: string): Promise<void> {
  const sent = Promise.withResolvers<void>();
  socket.send(text, (error) => (error ? sent.reject(error) : sent.resolve()));
  await sent.promise;
}

/** A client whose machine vanished closes nothing; whoever leaves a ping unanswered is gone. */
async function keepAlive(socket: WebSocket, clock: Clock, signal: AbortSignal): Promise<void> {
  let answered = true;
  socket.on("pong", () => {
    answered = true;
  });
  while (!signal.aborted) {
    await clock.sleep(PING_INTERVAL_MS, { signal });
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data as Buffer).toString("utf8");
}
