import { Keypair } from "@stellar/stellar-sdk";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createLibp2pNode } from "../../src/adapters/libp2p/node.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createWakuRelayMessenger } from "../../src/adapters/messenger/waku-relay.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { createMemoryStore } from "../../src/adapters/store/memory.ts";
import type { TwinKeys } from "../../src/domain/identity/keys.ts";
import { SprfError } from "../../src/errors.ts";
import type { Chain } from "../../src/ports/chain.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import type { Startable } from "../../src/ports/startable.ts";
import { createTesterService, type TesterComponents, type TesterInit } from "../../src/tester/tester.ts";
import { equalBytes } from "../../src/utils/bytes.ts";
import { registerTester, registerTwin, registerWorker, startMarketChain } from "./market-chain.ts";
import type { MarketChain, MarketNumbers } from "./market-chain.ts";
import { createRelayNode } from "./relay-node.ts";
import { probeWorkers, type Behaviour } from "./tester-probe.ts";
import { until } from "./until.ts";

export type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

const WORKERS = 3;
const LENGTH = 40;

/** A market on a real chain, testers on a real Waku mesh, and stand-ins for the networks that workers are reached by. */
export interface TesterScene {
  readonly market: MarketChain;
  readonly client: Identity;
  readonly workers: readonly Identity[];
  readonly testers: readonly Identity[];
  /** Where to dial to join the mesh. */
  readonly hub: readonly string[];
  readonly program: Keypair;
  /** What all testers logged. */
  readonly lines: LogLine[];
  /** Buys an agreement of all workers, bound to the program before its first epoch. */
  buy(lengthBlocks?: number): Promise<string>;
  /** A messenger of this identity's own, in the mesh. */
  messenger(identity: Identity): Promise<Messenger>;
  components(tester: Identity, behaviour?: Behaviour, overrides?: Partial<TesterComponents>): TesterComponents;
  start(components: TesterComponents, init?: TesterInit): Promise<Startable>;
  /** The testers drawn for an epoch, by seat; the chain is at its commit window. */
  drawn(agreement: string, epoch?: number): Promise<readonly Identity[]>;
  /** Waits until so many seats are there. */
  seatsAre(agreement: string, status: string, count?: number, epoch?: number): Promise<void>;
  /** Begins a test; what it does to the chain is taken back by {@link end}. */
  begin(): Promise<void>;
  /** Ends the services of a test. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

export async function createTesterScene({
  testers: count = 3,
  ...numbers
}: MarketNumbers & { readonly testers?: number } = {}): Promise<TesterScene> {
  const market = await startMarketChain(numbers);
  const hub = await createRelayNode("testers' hub");
  await hub.start();
  let client = await market.identity(0);
  let restore = async (): Promise<void> => {};
  await registerTwin(client);
  const workers: Identity[] = [];
  for (let n = 1; n <= WORKERS; n++) workers.push(await market.identity(n));
  const testers: Identity[] = [];
  for (let n = 1; n <= count; n++) testers.push(await market.identity(WORKERS + n));
  for (const worker of workers) await registerWorker(worker);
  for (const tester of testers) await registerTester(tester);

  const program = Keypair.random();
  const lines: LogLine[] = [];
  const services: Startable[] = [];
  const messengers = new Map<string, { readonly messenger: Messenger; stop(): Promise<void> }>();

  const scene: TesterScene = {
    market,
    get client() {
      return client;
    },
    workers,
    testers,
    hub: hub.node.multiaddrs(),
    program,
    lines,
    async buy(lengthBlocks = LENGTH) {
      const request = { redundancy: WORKERS, lengthBlocks, startAfterBlocks: 2 };
      const { agreement } = await client.chain.buy(request, await client.chain.quote(request));
      await client.chain.bindProgram(agreement, new Uint8Array(program.rawPublicKey()));
      return agreement;
    },
    async messenger({ keys }) {
      const known = messengers.get(keys.account);
      if (known !== undefined) return known.messenger;
      const member = await joinMesh(keys, scene.hub);
      messengers.set(keys.account, member);
      return member.messenger;
    },
    components: (tester, behaviour = {}, overrides = {}) => ({
      ...standIns(
        tester.chain,
        workers.map(({ keys }) => keys),
        behaviour,
      ),
      logger: createMemoryLogger(lines),
      ...overrides,
    }),
    async start(components, init = {}) {
      const service = createTesterService(components, { withdrawFactor: 0, ...init });
      services.push(service, components.content);
      await components.content.start();
      await service.start();
      return service;
    },
    async drawn(agreement, epoch = 0) {
      const accounts = await client.chain.previewTesters(agreement, epoch);
      return accounts.map((account) => {
        const found = testers.find(({ keys }) => keys.account === account);
        if (found === undefined) throw new Error(`${account} is none of the scene's testers`);
        return found;
      });
    },
    async seatsAre(agreement, status, wanted = 3, epoch = 0) {
      await until(
        async () => {
          const seats = await client.chain.seatsOf(agreement, epoch);
          return seats.filter((seat) => seat.status === status).length === wanted;
        },
        { what: `${wanted} seats ${status}`, timeoutMs: 20_000 },
      );
    },
    async begin() {
      restore = await market.snapshot();
      // A chain that is set back holds other agreements at the addresses that a connection remembers.
      client = { ...client, chain: await market.connect(client.keys) };
      for (const [index, { keys }] of testers.entries()) testers[index] = { keys, chain: await market.connect(keys) };
    },
    async end() {
      for (const service of services.splice(0)) await service.stop();
      lines.length = 0;
      await restore();
    },
    async stop() {
      for (const member of messengers.values()) await member.stop();
      await hub.stop();
      await market.close();
    },
  };
  return scene;
}

/** A relay node whose key is the twin's message key. */
export async function joinMesh(
  keys: TwinKeys,
  peers: readonly string[],
): Promise<{ readonly messenger: Messenger; stop(): Promise<void> }> {
  const common = { messageKey: keys.messagePrivateKey, clock: systemClock, logger: createMemoryLogger() };
  const node = await createLibp2pNode({ ...common, peers, listen: ["/ip4/127.0.0.1/tcp/0"] });
  const messenger = createWakuRelayMessenger({ ...common, libp2p: node, clusterId: 42, shard: 0 });
  await node.start();
  await messenger.start();
  await messenger.ready();
  return {
    messenger,
    async stop() {
      await messenger.stop();
      await node.stop();
    },
  };
}

/** All that a tester needs but a messenger, with workers that behave as told. */
export function standIns(
  chain: Chain,
  workers: readonly TwinKeys[],
  behaviour: Behaviour,
): Omit<TesterComponents, "messaging"> {
  return {
    chain,
    content: createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() }),
    store: createMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    logger: createMemoryLogger(),
    purse: { fund: async () => undefined, reclaim: async () => undefined },
    findAddress: async ({ workerKey }) => {
      const index = workers.findIndex((keys) => equalBytes(keys.messageKey, workerKey));
      const keys = workers[index];
      if (keys === undefined || behaviour.dead?.includes(index)) {
        throw new SprfError("ADDRESS_NOT_FOUND", "nobody answers");
      }
      return { apiUrl: `http://worker-${index}`, ledgerKey: new Uint8Array(keys.ledgerKeypair.rawPublicKey()) };
    },
    workerApi: {
      execute: () => Promise.reject(new Error("not used here")),
      consent: () => Promise.reject(new Error("not used here")),
      tip: () => Promise.reject(new Error("not used here")),
      describe: () => Promise.reject(new Error("not used here")),
      health: async () => undefined,
    },
    prober: async (parts) => probeWorkers(parts, workers, behaviour),
  };
}
