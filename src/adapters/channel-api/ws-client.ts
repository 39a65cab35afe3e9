import { once } from "node:events";

import { JSONRPCClient, JSONRPCErrorException } from "json-rpc-2.0";
import { WebSocket, type RawData } from "ws";
import type { z } from "zod";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";
import type { ChannelConnection } from "../../ports/channel-connection.ts";
import type { ChannelDescription, ChannelUpdate, SubscribeOptions } from "../../ports/channel-service.ts";
import { raceAbort, withDeadline } from "../../utils/abort.ts";
import { errorOfNumber } from "../../wire/channel/api-errors.ts";
import {
  NOTIFICATION,
  RESULTS,
  UPDATE_METHOD,
  callToJson,
  jsonOf,
  sessionToJson,
  type ChannelMethod,
} from "../../wire/channel/api-json.ts";
import type { Login } from "../../wire/channel/login.ts";
import { check } from "../../wire/json.ts";

/** A snapshot of a channel's whole state may come in one message. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;
const ANSWER_TIMEOUT_MS = 30_000;
/** Longer than the node itself waits. */
const WAIT_TIMEOUT_MS = 70_000;
/** Votes, and the window where not everybody votes. */
const SETTLE_TIMEOUT_MS = 300_000;
/** Updates that wait for a subscriber here; a fuller queue stops reading from the socket. */
const MAX_QUEUED_UPDATES = 1_024;

export interface ChannelConnectionInit {
  /** `ws://` or `wss://`. */
  readonly url: string;
  readonly channel: bigint;
  /** Account, lower-case hex with 0x. */
  readonly wallet: string;
  /** The wallet's EIP-712 signature of a login; asked for when the session has ended. */
  readonly signLogin: (login: Login) => Promise<Uint8Array>;
}

interface Joined {
  readonly socket: WebSocket;
  readonly rpc: JSONRPCClient;
  readonly description: ChannelDescription;
  readonly subscriptions: Map<number, UpdateQueue>;
}

/** Connects to a node and joins a channel. @throws SprfError `PEER_UNREACHABLE`, or what the node refuses with */
export async function connectChannelOverWebSocket(
  init: ChannelConnectionInit,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<ChannelConnection> {
  let session: string | undefined;
  let closed = false;
  let lastSubscription = 0;
  let current: Promise<Joined> | undefined;
  const address = { sender: init.wallet, state_channel_id: init.channel };

  const join = async (): Promise<Joined> => {
    const opened = await openSocket(init.url);
    try {
      const ask = async <T>(method: ChannelMethod, params: object, result: z.ZodType<T, unknown>): Promise<T> => {
        return await request(opened.rpc, method, params, result, { timeoutMs: ANSWER_TIMEOUT_MS });
      };
      const signed = async (): Promise<Uint8Array> => {
        const { challenge } = await ask("state_channel.challenge", {}, RESULTS.challenge);
        return await init.signLogin({ channel: init.channel, wallet: init.wallet, challenge });
      };
      const joined =
        (session === undefined
          ? undefined
          : await ask("state_channel.join", jsonOf({ ...address, session }), RESULTS.joined).catch(
              ignoreEndedSession,
            )) ?? (await ask("state_channel.join", jsonOf({ ...address, signature: await signed() }), RESULTS.joined));
      session = joined.session;
      return { ...opened, description: joined.channel };
    } catch (error) {
      opened.socket.terminate();
      throw error;
    }
  };
  /** The connection that is up, or a new one. */
  const connected = async (): Promise<Joined> => {
    if (closed) throw new SprfError("ABORTED", "the connection was closed");
    current ??= join();
    const joining = current;
    try {
      const joined = await joining;
      if (joined.socket.readyState === WebSocket.OPEN) return joined;
    } catch (error) {
      if (current === joining) current = undefined;
      throw error;
    }
    if (current === joining) current = undefined;
    return await connected();
  };
  const ask = async <T>(
    method: ChannelMethod,
    params: object,
    result: z.ZodType<T, unknown>,
    options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
  ): Promise<T> => {
    const { rpc } = await raceAbort(connected(), options.signal);
    return await request(rpc, method, params, result, { timeoutMs: ANSWER_TIMEOUT_MS, ...options });
  };

  let { description } = await raceAbort(connected(), signal);
  return {
    get description() {
      return description;
    },
    async describe(options) {
      ({ channel: description } = await ask("state_channel.describe", jsonOf(address), RESULTS.described, options));
      return description;
    },
    async call(call, options) {
      return await ask("state_channel.call", callToJson(call), RESULTS.receipt, options);
    },
    async session(input, options) {
      const { method, params } = sessionToJson(input);
      return await ask(method, params, RESULTS.receipt, options);
    },
    async read(view, options) {
      return await ask("state_channel.read", jsonOf({ ...address, ...view }), RESULTS.view, options);
    },
    async nonce(options) {
      return (await ask("state_channel.nonce", jsonOf(address), RESULTS.nonce, options)).nonce;
    },
    async transaction(by, options) {
      const params = jsonOf({ ...address, ...by });
      return (await ask("state_channel.getTransaction", params, RESULTS.found, options)).record ?? undefined;
    },
    async wait(record, commitment, options) {
      const params = jsonOf({ ...address, ...record, commitment });
      await ask("state_channel.wait", params, RESULTS.done, { ...options, timeoutMs: WAIT_TIMEOUT_MS });
    },
    async *subscribe({ signal: ended, ...options }: SubscribeOptions) {
      const joined = await raceAbort(connected(), ended);
      ({ description } = joined);
      const subscription = ++lastSubscription;
      const queue = createUpdateQueue(joined.socket);
      joined.subscriptions.set(subscription, queue);
      try {
        const params = jsonOf({ ...address, ...options, subscription });
        await request(joined.rpc, "state_channel.subscribe", params, RESULTS.done, {
          timeoutMs: ANSWER_TIMEOUT_MS,
          signal: ended,
        });
        while (!ended.aborted) {
          const update = await raceAbort(queue.next(), ended);
          yield update;
        }
      } finally {
        joined.subscriptions.delete(subscription);
        queue.end();
        // A connection that is lost has ended the subscription anyway.
        if (joined.socket.readyState === WebSocket.OPEN) {
          joined.rpc.request("state_channel.unsubscribe", { subscription }, undefined).then(
            () => undefined,
            () => undefined,
          );
        }
      }
    },
    async settle(options) {
      const timeoutMs = SETTLE_TIMEOUT_MS;
      return (await ask("state_channel.settle", jsonOf(address), RESULTS.settled, { ...options, timeoutMs })).height;
    },
    async leave(options) {
      await ask("state_channel.leave", jsonOf(address), RESULTS.done, options);
    },
    async close(options) {
      await ask("state_channel.close", jsonOf(address), RESULTS.done, options);
    },
    async disconnect() {
      closed = true;
      const ending = current;
      current = undefined;
      const joined = await ending?.catch(() => undefined);
      if (joined === undefined || joined.socket.readyState === WebSocket.CLOSED) return;
      joined.socket.close();
      const gone = once(joined.socket, "close");
      joined.socket.terminate();
      await gone;
    },
  };
}

async function openSocket(url: string): Promise<Omit<Joined, "description">> {
  const socket = new WebSocket(url, { handshakeTimeout: CONNECT_TIMEOUT_MS, maxPayload: MAX_MESSAGE_BYTES });
  const rpc = new JSONRPCClient((message: unknown) => {
    if (socket.readyState !== WebSocket.OPEN) throw new SprfError("PEER_UNREACHABLE", `${url} is gone`);
    socket.send(JSON.stringify(message));
  });
  const subscriptions = new Map<number, UpdateQueue>();
  socket.on("message", (data: RawData) => {
    try {
      receive(JSON.parse(Buffer.from(data as Buffer).toString("utf8")), rpc, subscriptions);
    } catch (error) {
      socket.terminate();
      subscriptions.forEach((queue) => queue.fail(new SprfError("PEER_UNREACHABLE", `${url}: ${messageOf(error)}`)));
    }
  });
  const opened = Promise.withResolvers<void>();
  socket.on("error", (error) => opened.reject(new SprfError("PEER_UNREACHABLE", `${url}: ${messageOf(error)}`)));
  socket.once("open", () => opened.resolve());
  socket.once("close", () => {
    rpc.rejectAllPendingRequests(`${url} is gone`);
    subscriptions.forEach((queue) => queue.fail(new SprfError("PEER_UNREACHABLE", `${url} is gone`)));
  });
  await opened.promise;
  return { socket, rpc, subscriptions };
}

function receive(message: unknown, rpc: JSONRPCClient, subscriptions: ReadonlyMap<number, UpdateQueue>): void {
  if (typeof message !== "object" || message === null) throw new SprfError("MESSAGE_INVALID", "no JSON-RPC");
  if (!("method" in message)) {
    rpc.receive(message as Parameters<JSONRPCClient["receive"]>[0]);
    return;
  }
  if (message.method !== UPDATE_METHOD) return;
  const { subscription, update, ended } = check(NOTIFICATION, "params" in message ? message.params : undefined);
  const queue = subscriptions.get(subscription);
  if (ended !== undefined) queue?.fail(new SprfError(errorOfNumber(ended.code) ?? "PEER_UNREACHABLE", ended.message));
  else if (update !== undefined) queue?.push(update);
}

async function request<T>(
  rpc: JSONRPCClient,
  method: ChannelMethod,
  params: object,
  result: z.ZodType<T, unknown>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  let answer: unknown;
  try {
    answer = await raceAbort(Promise.resolve(rpc.request(method, params, undefined)), withDeadline(signal, timeoutMs));
  } catch (error) {
    if (isSprfError(error)) throw error;
    if (!(error instanceof JSONRPCErrorException)) {
      throw new SprfError("PEER_UNREACHABLE", messageOf(error), { cause: error });
    }
    throw new SprfError(errorOfNumber(error.code) ?? "PEER_UNREACHABLE", error.message, { cause: error });
  }
  try {
    return check(result, answer);
  } catch (error) {
    throw new SprfError("ANSWER_INVALID", `${method}: ${messageOf(error)}`, { cause: error });
  }
}

function ignoreEndedSession(error: unknown): undefined {
  if (!isSprfError(error, "CHANNEL_SESSION_REQUIRED")) throw error;
}

interface UpdateQueue {
  push(update: ChannelUpdate): void;
  fail(error: SprfError): void;
  next(): Promise<ChannelUpdate>;
  end(): void;
}

/** Holds what has arrived; the socket is not read while too much waits, so that the node stops sending. */
function createUpdateQueue(socket: WebSocket): UpdateQueue {
  const updates: ChannelUpdate[] = [];
  let failure: SprfError | undefined;
  let waiting: PromiseWithResolvers<ChannelUpdate> | undefined;
  return {
    push(update) {
      if (waiting !== undefined) {
        waiting.resolve(update);
        waiting = undefined;
        return;
      }
      updates.push(update);
      if (updates.length >= MAX_QUEUED_UPDATES) socket.pause();
    },
    fail(error) {
      failure ??= error;
      waiting?.reject(error);
      waiting = undefined;
    },
    async next() {
      const update = updates.shift();
      if (socket.isPaused && updates.length < MAX_QUEUED_UPDATES / 2) socket.resume();
      if (update !== undefined) return update;
      if (failure !== undefined) throw failure;
      waiting = Promise.withResolvers<ChannelUpdate>();
      return await waiting.promise;
    },
    end() {
      updates.length = 0;
      if (socket.isPaused) socket.resume();
      // Whoever waited has aborted, and looks no more.
      waiting?.promise.catch(() => undefined);
    },
  };
}
