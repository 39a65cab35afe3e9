import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { createChannelHub } from "../../src/adapters/chain/channels/hub.ts";
import { connect } from "../../src/adapters/chain/connection.ts";
import { createChannelApiServer } from "../../src/adapters/channel-api/ws-server.ts";
import { createLibp2pChannelNetwork } from "../../src/adapters/channel-network/libp2p.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createLibp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { openFileRecordLog } from "../../src/adapters/record-log/file.ts";
import { createChannelNode, type ChannelNode } from "../../src/channel/channel-node.ts";
import { createChannelService } from "../../src/channel/channel-service.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { addressOfKey } from "../../src/utils/recoverable-signature.ts";

const POLLING_MS = 50;
const STARTS_WITHIN_MS = 120_000;
/** A settlement is one: on a loaded machine its votes take a while. */
const ANSWERS_WITHIN_MS = 180_000;
const MAX_LINES = 200;

export interface ChannelProcessInit {
  readonly rpcUrl: string;
  readonly hub: string;
  readonly channel: string;
  readonly accountIndex: number;
  readonly directory: string;
  /** Both stay the same when it comes back. */
  readonly p2pPort: number;
  readonly apiPort: number;
  /** Multiaddrs of members by their signers. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Where a node in another process stands. */
export interface ChannelPlace {
  readonly term: number;
  readonly leads: boolean;
  readonly height: number;
  readonly hash: string;
  readonly committed: number;
  readonly final: number;
  /** The last warnings and errors. */
  readonly lines: readonly string[];
}

type Question =
  | { readonly ask: "place" }
  | { readonly ask: "heap" }
  | { readonly ask: "settle" }
  | { readonly ask: "hash"; readonly height: number };

/** A member's node in a process of its own: libp2p over loopback TCP, its log on disk, its API over WebSocket. */
export interface ChannelProcess {
  readonly init: ChannelProcessInit;
  readonly url: string;
  /** Resolves when its API answers. */
  start(): Promise<void>;
  /** `kill -9`. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  place(): Promise<ChannelPlace>;
  /** Bytes in use, garbage collected before: dear, and the node waits meanwhile. */
  heap(): Promise<number>;
  settle(): Promise<number>;
  /** Of a recent record. */
  hash(height: number): Promise<string | undefined>;
}

export function createChannelProcess(init: ChannelProcessInit): ChannelProcess {
  let child: ChildProcess | undefined;
  let lastId = 0;
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();

  async function exited(how: (running: ChildProcess) => unknown): Promise<void> {
    const running = child;
    if (running === undefined) return;
    child = undefined;
    // It may have ended by itself, which whoever waits for it was told.
    if (running.exitCode === null && running.signalCode === null) {
      const { promise, resolve } = Promise.withResolvers<void>();
      running.once("exit", () => resolve());
      how(running);
      await promise;
    }
    for (const { reject } of waiting.values()) reject(new Error("the node's process has ended"));
    waiting.clear();
  }

  async function ask(question: Question): Promise<unknown> {
    if (child === undefined) throw new Error("the node's process does not run");
    const id = (lastId += 1);
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    child.send({ id, ...question });
    const timer = setTimeout(() => answer.reject(new Error(`no answer to ${question.ask}`)), ANSWERS_WITHIN_MS);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      waiting.delete(id);
    }
  }

  return {
    init,
    url: `ws://127.0.0.1:${init.apiPort}`,
    async start() {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const running = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)], { execArgv: ["--expose-gc"] });
      child = running;
      running.on("message", (message: { id?: number; answer?: unknown; error?: string; ready?: boolean }) => {
        if (message.ready === true) resolve();
        const asked = waiting.get(message.id ?? 0);
        if (message.error === undefined) asked?.resolve(message.answer);
        else asked?.reject(new Error(message.error));
      });
      running.once("exit", (code, signal) => reject(new Error(`a node's process ended: ${signal ?? code}`)));
      const timer = setTimeout(() => reject(new Error("a node's process did not start")), STARTS_WITHIN_MS);
      await promise.finally(() => clearTimeout(timer));
    },
    kill: async () => await exited((running) => running.kill("SIGKILL")),
    stop: async () => await exited((running) => running.connected && running.disconnect()),
    place: async () => (await ask({ ask: "place" })) as ChannelPlace,
    heap: async () => (await ask({ ask: "heap" })) as number,
    settle: async () => (await ask({ ask: "settle" })) as number,
    hash: async (height) => (await ask({ ask: "hash", height })) as string | undefined,
  };
}

async function main(init: ChannelProcessInit): Promise<void> {
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const keys = devnetKeys(init.accountIndex);
  const connection = await connect({
    rpcUrl: init.rpcUrl,
    privateKey: keys.accountPrivateKey,
    pollingIntervalMs: POLLING_MS,
    clock: systemClock,
  });
  const hub = createChannelHub(connection, init.hub);
  const libp2p = await createLibp2pNode({
    messageKey: keys.messagePrivateKey,
    listen: [`/ip4/127.0.0.1/tcp/${init.p2pPort}`],
    clock: systemClock,
    logger,
  });
  await libp2p.start();
  const network = createLibp2pChannelNetwork({
    libp2p: libp2p.libp2p,
    self: addressOfKey(keys.messageKey),
    addressesOf: async (signer) => {
      const address = init.addresses[signer];
      return address === undefined ? [] : [address];
    },
    clock: systemClock,
    logger,
  });
  const file = await openFileRecordLog({ directory: init.directory, logger });
  // All is kept, so that the test can play it again from the start.
  const log = { ...file, prune: async () => undefined };
  const channel = BigInt(init.channel);
  const node = createChannelNode(
    { hub, network, log, clock: systemClock, logger },
    { channel, signerKey: keys.messagePrivateKey },
  );
  await node.start();
  const server = createChannelApiServer({
    service: createChannelService({ nodes: new Map([[channel, node]]), hub }),
    host: "127.0.0.1",
    port: init.apiPort,
    readers: "anyone",
    clock: systemClock,
    random: systemRandom,
    logger,
  });
  await server.start();
  process.on("disconnect", () => process.exit(0));
  process.on("message", ({ id, ...question }: Question & { readonly id: number }) => {
    answer(question, node, lines).then(
      (answered) => process.send?.({ id, answer: answered }),
      (error: unknown) => process.send?.({ id, error: String(error) }),
    );
  });
  process.send?.({ ready: true });
}

async function answer(question: Question, node: ChannelNode, lines: LogLine[]): Promise<unknown> {
  if (question.ask === "heap") {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  }
  if (question.ask === "settle") return await node.settle();
  if (question.ask === "hash") {
    const hash = node.record(question.height)?.hash;
    return hash === undefined ? undefined : toHex(hash);
  }
  const loud = lines.filter(({ level }) => level === "warn" || level === "error").slice(-MAX_LINES);
  // The process runs for long, and only these are asked for.
  lines.splice(0, lines.length, ...loud);
  return {
    term: node.term,
    leads: node.leads,
    height: node.head.height,
    hash: toHex(node.head.hash),
    committed: node.committedHeight,
    final: node.finalHeight,
    lines: loud.slice(-3).map(({ message, context }) => `${message} ${JSON.stringify(context)}`),
  } satisfies ChannelPlace;
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as ChannelProcessInit);
