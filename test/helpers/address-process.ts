import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { multiaddr } from "@multiformats/multiaddr";
import PQueue from "p-queue";

import { systemClock as clock } from "../../src/adapters/clock/system.ts";
import { createPinoLogger } from "../../src/adapters/logger/pino.ts";
import { createLibp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createWakuLightMessenger } from "../../src/adapters/messenger/waku-light/waku-light.ts";
import { createWakuRelayMessenger } from "../../src/adapters/messenger/waku-relay.ts";
import { systemRandom as random } from "../../src/adapters/random/system.ts";
import { dialWorker } from "../../src/client/dial-worker.ts";
import { findAddress } from "../../src/client/find-address.ts";
import { isSprfError, messageOf } from "../../src/errors.ts";
import { createServiceNode } from "../../src/devnet/waku/service/create-service-node.ts";
import { equalBytes, toHex } from "../../src/utils/bytes.ts";
import { answerAddressRequests } from "../../src/worker/answer-addresses.ts";
import { lookUp } from "./address-network.ts";
import { AGREEMENT, LEDGER_KEY } from "./address-scene.ts";
import { createLossyMessenger } from "./lossy-messenger.ts";
import { messageKeysOf } from "./message-keys.ts";

/** What a peer in a process of its own can be told to do. */
export type AddressCommand =
  | { readonly do: "find"; readonly worker: string; readonly timeoutMs?: number }
  | ({ readonly do: "find-many" } & FindMany)
  | { readonly do: "memory" }
  | { readonly do: "dial"; readonly worker: string; readonly multiaddrs: readonly string[] }
  | { readonly do: "ping"; readonly multiaddr: string }
  | { readonly do: "stop" };

/** Look-ups, `atOnce` at a time, with a share of the asker's messages lost each way. */
export interface FindMany {
  readonly worker: string;
  readonly count: number;
  readonly atOnce: number;
  readonly loss: number;
  readonly seed: number;
  readonly timeoutMs?: number;
}

export interface AddressAnswer {
  readonly tookMs: number;
  readonly apiUrl?: string;
  readonly multiaddrs?: readonly string[];
  readonly error?: string;
  /** How each of many look-ups went: milliseconds, or the code of the error. */
  readonly outcomes?: readonly (number | string)[];
  readonly rssBytes?: number;
}

/** `hub` relays, `service` also serves light clients, `worker` answers, `client` and `light-client` ask. */
export type AddressRole = "hub" | "service" | "worker" | "client" | "light-client";

interface Ready {
  readonly multiaddrs: readonly string[];
}

export interface AddressProcess {
  readonly multiaddrs: readonly string[];
  call(command: AddressCommand): Promise<AddressAnswer>;
  kill(): Promise<void>;
}

/** Starts a node in its own process; `port` 0 takes a free one. */
export async function startAddressProcess(
  role: AddressRole,
  name: string,
  peers: readonly string[],
  port = 0,
): Promise<AddressProcess> {
  const child = fork(fileURLToPath(import.meta.url), [role, name, `${port}`, ...peers], { serialization: "advanced" });
  const { multiaddrs } = (await nextMessage(child)) as Ready;
  return {
    multiaddrs,
    async call(command) {
      const answer = nextMessage(child);
      child.send(command);
      return (await answer) as AddressAnswer;
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`the process ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message);
    });
  });
}

async function main(role: string, name: string, port: string, peers: readonly string[]): Promise<void> {
  const keys = messageKeysOf(name);
  const logger = createPinoLogger({ level: "silent" });
  const node = await createLibp2pNode({
    messageKey: keys.privateKey,
    listen: [`/ip4/127.0.0.1/tcp/${port}`],
    peers: role === "light-client" ? [] : peers,
    clock,
    logger,
  });
  const network = { messageKey: keys.privateKey, clusterId: 42, shard: 0, clock, logger };
  const messenger =
    role === "light-client"
      ? createWakuLightMessenger({ ...network, serviceNodes: peers })
      : createWakuRelayMessenger({ ...network, libp2p: node });
  await node.start();
  await messenger.start();
  if (role === "service") await createServiceNode({ ...network, node }).start();
  if (role === "worker") {
    await answerAddressRequests({
      messenger,
      identity: keys,
      authorise: async ({ agreement, from }) =>
        `0x${toHex(agreement)}` === AGREEMENT && equalBytes(from, messageKeysOf("client").publicKey),
      describe: () => ({ apiUrl: `http://${name}.example`, ledgerKey: LEDGER_KEY, multiaddrs: node.multiaddrs() }),
      clock,
      random,
      logger,
    }).start();
  }
  if (peers.length > 0) await messenger.ready();
  process.send?.({ multiaddrs: node.multiaddrs() } satisfies Ready);

  const run = async (command: AddressCommand): Promise<Partial<AddressAnswer>> => {
    switch (command.do) {
      case "find": {
        const { apiUrl, multiaddrs } = await findAddress(
          { messenger, messageKeys: keys, clock, random, logger },
          {
            workerKey: messageKeysOf(command.worker).publicKey,
            agreement: AGREEMENT,
            ...(command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }),
          },
        );
        return { apiUrl, multiaddrs };
      }
      case "dial": {
        const workerKey = messageKeysOf(command.worker).publicKey;
        return { multiaddrs: [await dialWorker(node, { workerKey, multiaddrs: command.multiaddrs })] };
      }
      case "find-many": {
        const lossy = createLossyMessenger(messenger, command);
        const looks = new PQueue({ concurrency: command.atOnce });
        const look = async (): Promise<number | string> => {
          const { code, tookMs } = await lookUp(lossy, name, command.worker, command.timeoutMs);
          return code ?? tookMs;
        };
        return { outcomes: await looks.addAll(Array.from({ length: command.count }, () => look)) };
      }
      case "memory":
        return { rssBytes: process.memoryUsage().rss };
      case "ping":
        await node.libp2p.services.ping.ping(multiaddr(command.multiaddr));
        return {};
      case "stop":
        await messenger.stop();
        await node.stop();
        return {};
    }
  };
  process.on("message", (command: AddressCommand) => {
    const startedAt = performance.now();
    run(command)
      .catch((error: unknown) => ({ error: isSprfError(error) ? error.code : messageOf(error) }))
      .then((answer) => process.send?.({ ...answer, tookMs: performance.now() - startedAt } satisfies AddressAnswer))
      .catch(() => process.exit(1));
  });
  process.on("disconnect", () => process.exit(0));
}

if (import.meta.main) {
  const [role = "", name = "", port = "", ...peers] = process.argv.slice(2);
  await main(role, name, port, peers);
}
