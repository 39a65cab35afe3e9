import type { MemoryDisk } from "../../../src/adapters/record-log/memory.ts";
import { createChannelNode, type ChannelNode } from "../../../src/channel/channel-node.ts";
import { createChannelService } from "../../../src/channel/channel-service.ts";
import { messageOf } from "../../../src/errors.ts";
import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import type { ChannelService } from "../../../src/ports/channel-service.ts";
import type { Logger } from "../../../src/ports/logger.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { testKey } from "../channel-scene.ts";
import type { SeededRandom } from "../seeded-random.ts";
import type { Trace } from "../simulation/trace.ts";
import type { TestProgram } from "../program-sandbox.ts";
import type { Alone } from "./alone.ts";
import type { SimulatedChain } from "./chain.ts";
import { createSimulatedDisk } from "./disk.ts";
import type { SimulatedNetwork } from "./network.ts";
import type { ChannelPlan } from "./plan.ts";
import type { RunLog } from "./run-log.ts";
import { createLife, type Life, type SimulatedTime } from "./time.ts";
import type { Watch } from "./watch.ts";

const RETRY_MS = 1_000;
const SKEW_MS = 1_500;

/** What all of a simulation share. */
export interface World {
  readonly plan: ChannelPlan;
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly chain: SimulatedChain;
  readonly network: SimulatedNetwork;
  readonly watch: Watch;
  readonly log: RunLog;
  readonly program: TestProgram;
  /** Who is to leave alone, as its disk was while everything still went wrong. */
  alone: Alone | undefined;
}

/** One life of a member's process. */
export interface Running {
  readonly life: Life;
  readonly node: ChannelNode;
  readonly service: ChannelService;
}

/** A member, whose process may be killed and started at any time. */
export interface SimulatedMember {
  readonly name: string;
  readonly account: string;
  readonly signer: string;
  readonly isLiar: boolean;
  /** Undefined while it is dead or starting. */
  readonly running: Running | undefined;
  start(): void;
  kill(why: string): void;
  /** Kills it after some more effects. */
  arm(steps: number): void;
  readonly isDown: boolean;
  /** What is on its disk now. */
  disk(): MemoryDisk;
}

/** Puts itself between a member's node and the network. */
export type Distortion = (
  network: ChannelNetwork,
  liar: { readonly signerKey: Uint8Array; readonly node: () => ChannelNode; readonly leads: () => boolean },
) => ChannelNetwork;

/** How a member is not what it should be. */
export interface Falsehood {
  /** In what it signs: nobody believes what its node calls committed. */
  readonly lies?: Distortion | undefined;
  /** In what it passes on; all that its node does itself is judged as that of others. */
  readonly relays?: Distortion | undefined;
}

const signers = new Map<number, { readonly account: string; readonly signer: string }>();

/** A member's account and signer; making a public key takes a while. */
export function namesOf(number: number): { readonly account: string; readonly signer: string } {
  const known = signers.get(number) ?? {
    signer: addressOfKey(publicKeyOf(testKey(number))),
    account: addressOfKey(publicKeyOf(testKey(100 + number))),
  };
  signers.set(number, known);
  return known;
}

export function createSimulatedMember(
  world: World,
  number: number,
  { lies: distort, relays }: Falsehood = {},
): SimulatedMember {
  const { plan, time, random, trace, chain, network, watch, log } = world;
  const signerKey = testKey(number);
  const { account, signer } = namesOf(number);
  const name = `m${number}`;
  const skewMs = random.below(2 * SKEW_MS) - SKEW_MS;
  const disk = createSimulatedDisk({
    time,
    random,
    syncMs: plan.syncMs,
    ...(distort === undefined && {
      onWritten: (entries) => log.wrote(name, entries),
      onSaved: async (height, bytes) => await log.saved(name, height, bytes),
    }),
  });
  let life: ReturnType<typeof createLife> | undefined;
  let running: Running | undefined;

  function start(): void {
    const own = createLife((why) => {
      if (life !== own) return;
      trace.event(name, `killed ${why}`);
      running = undefined;
      disk.crash();
      if (distort === undefined) log.crashed(name);
    });
    life = own;
    const link = network.join(signer, own);
    const liar = { signerKey, node: () => node, leads: () => running?.node.leads === true };
    const heard = log.hearing(name, relays === undefined ? link : relays(link, liar));
    const net = distort === undefined ? heard : distort(heard, liar);
    const logger = tracing(trace, name, own);
    const hub = chain.as(account, own);
    const init = { channel: 1n, signerKey, confirmations: plan.confirmations, settleEveryMs: plan.settleEveryMs };
    const absence = chain.absenceAs(account, own);
    const components = { hub, absence, network: net, log: disk.open(own), clock: time.clockOf(own, skewMs), logger };
    const node: ChannelNode = createChannelNode(components, init);
    if (distort === undefined) {
      log.began(name, node);
      node.watch((news) => {
        if (own.isAlive && news.kind === "committed") log.committed(name, news.height);
      });
      watch.follow(name, node, own);
    }
    const service = createChannelService({ nodes: new Map([[1n, node]]), hub });
    trace.event(name, "starts");
    node.start().then(
      () => {
        if (!own.isAlive) return;
        running = { life: own, node, service };
        if (distort === undefined) log.started(name, node);
        trace.event(name, `started at ${node.head.height}, term ${node.term}`);
      },
      (error: unknown) => {
        if (!own.isAlive) return;
        trace.event(name, `not started: ${messageOf(error)}`);
        // What the disk holds must lead somewhere, whenever the process died.
        if (!/no answer|past could not/.test(messageOf(error)))
          watch.breach(`${name} cannot start: ${messageOf(error)}`);
        own.kill("since it could not start");
        time.after(RETRY_MS, () => {
          if (life === own) start();
        });
      },
    );
  }

  return {
    name,
    account,
    signer,
    isLiar: distort !== undefined,
    get running() {
      return running;
    },
    get isDown() {
      return life?.isAlive !== true;
    },
    start,
    kill: (why) => life?.kill(why),
    arm: (steps) => life?.arm(steps),
    disk: () => disk.copy(),
  };
}

function tracing(trace: Trace, name: string, life: Life): Logger {
  const log =
    (level: string) =>
    (message: string, context: Readonly<Record<string, unknown>> = {}): void => {
      if (life.isAlive) trace.event(name, `${level}: ${message} ${JSON.stringify(context)}`);
    };
  const logger: Logger = {
    child: () => logger,
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
  };
  return logger;
}
