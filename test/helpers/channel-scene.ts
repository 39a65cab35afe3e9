import type { Interface } from "ethers";

import { createMemoryMesh, type MemoryMesh } from "../../src/adapters/channel-network/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryDisk, createMemoryRecordLog, type MemoryDisk } from "../../src/adapters/record-log/memory.ts";
import { createChannelNode, type ChannelNode, type ChannelNodeInit } from "../../src/channel/channel-node.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type { ChannelConfig, ChannelHub } from "../../src/ports/channel-hub.ts";
import type { ChannelNetwork } from "../../src/ports/channel-network.ts";
import type { RecordLog } from "../../src/ports/record-log.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { decodeChannelMessage, type ChannelMessage } from "../../src/wire/channel/messages.ts";
import { callDigest, type Call, type SignedCall } from "../../src/wire/channel/call.ts";
import { createMemoryHub, type MemoryHub } from "./memory-channel-hub.ts";
import { compiledProgram } from "./program-sandbox.ts";
import { until } from "./until.ts";

const CREATED_AGO_MS = 1_000;

/** A key that is somebody's in tests. */
export function testKey(number: number): Uint8Array {
  const key = new Uint8Array(32).fill(0x33);
  key[31] = number;
  return key;
}

const addresses = new Map<Uint8Array, string>();
const keys = new Map<number, Uint8Array>();

/** A user's key and address; making a public key takes a while. */
function userOf(number: number): { readonly key: Uint8Array; readonly address: string } {
  const key = keys.get(number) ?? testKey(200 + number);
  keys.set(number, key);
  const address = addresses.get(key) ?? addressOfKey(publicKeyOf(key));
  addresses.set(key, address);
  return { key, address };
}

/** A member of a scene, which can be killed and started again with what its disk has. */
export interface SceneMember {
  readonly account: string;
  readonly signer: string;
  readonly signerKey: Uint8Array;
  readonly disk: MemoryDisk;
  readonly lines: LogLine[];
  node: ChannelNode;
  start(): Promise<void>;
  /** Ends it where it stands: nothing that it still wanted to write or say happens. */
  kill(): Promise<void>;
}

/** A channel of nodes in this process, linked in memory, with the real sandbox. */
export interface ChannelScene {
  readonly hub: MemoryHub;
  readonly mesh: MemoryMesh;
  /** Signers that hear each other and nobody else: what crosses this line is lost. */
  readonly cutOff: Set<string>;
  readonly abi: Interface;
  readonly members: readonly SceneMember[];
  readonly leader: SceneMember;
  member(number: number, init?: Partial<ChannelNodeInit>): SceneMember;
  /** The next call of a user. */
  call(user: number, name: string, args?: readonly unknown[], changes?: Partial<Call>): SignedCall;
  /** A view's first result, as this member has it. */
  view(member: SceneMember, name: string, args?: readonly unknown[]): Promise<unknown>;
  /** All that run are at the same record, and it is committed everywhere. */
  same(members?: readonly SceneMember[]): Promise<void>;
  close(): Promise<void>;
}

export async function createChannelScene({
  members: count,
  program = "CounterMock",
  config = {},
  node: nodeInit = {},
  logOf = createMemoryRecordLog,
  hears = () => true,
  networkOf = (network) => network,
  hubOf = (_number, hub) => hub,
  absenceOf = (_number, absence) => absence,
}: {
  readonly members: number;
  readonly program?: string;
  readonly config?: Partial<ChannelConfig>;
  readonly node?: Partial<ChannelNodeInit>;
  readonly logOf?: (disk: MemoryDisk) => RecordLog;
  /** Whether a member, by its number, hears what a signer has sent it; the rest is lost. */
  readonly hears?: (number: number, message: ChannelMessage, from: string) => boolean;
  /** What a member has in the place of its network. */
  readonly networkOf?: (network: ChannelNetwork) => ChannelNetwork;
  /** What a member, by its number, has in the place of the hub. */
  readonly hubOf?: (number: number, hub: ChannelHub) => ChannelHub;
  /** What a member has in the place of its way to ask who is there; none has one in channels without a time to answer. */
  readonly absenceOf?: (number: number, absence: ChannelAbsence) => ChannelAbsence;
}): Promise<ChannelScene> {
  const { abi, code } = await compiledProgram(program);
  const createdAtMs = Date.now() - CREATED_AGO_MS;
  const hub = createMemoryHub({ code, createdAtMs, nowMs: () => systemClock.now(), config });
  const cutOff = new Set<string>();
  const mesh = createMemoryMesh({
    logger: createMemoryLogger(),
    clock: systemClock,
    delayMs: (from, to) => (cutOff.has(from) !== cutOff.has(to) ? "lost" : 0),
  });
  const nonces = new Map<number, bigint>();
  const members: SceneMember[] = [];

  function heardBy(signer: string, number: number): ChannelNetwork {
    const network = mesh.join(signer);
    return {
      ...network,
      listen: (listener) =>
        network.listen({
          onLink: (peer, isUp) => listener.onLink(peer, isUp),
          onMessage: async (from, bytes) => {
            if (hears(number, decodeChannelMessage(bytes), from)) await listener.onMessage(from, bytes);
          },
        }),
    };
  }

  function member(number: number, init: Partial<ChannelNodeInit> = {}): SceneMember {
    const signerKey = testKey(number);
    const signer = addressOfKey(publicKeyOf(signerKey));
    const account = addressOfKey(publicKeyOf(testKey(100 + number)));
    const disk = createMemoryDisk();
    const lines: LogLine[] = [];
    const create = (): ChannelNode =>
      createChannelNode(
        {
          hub: hubOf(number, hub.as(account)),
          absence: (config.answerSeconds ?? 0) === 0 ? undefined : absenceOf(number, hub.absenceAs(account)),
          network: networkOf(heardBy(signer, number)),
          log: logOf(disk),
          clock: systemClock,
          logger: createMemoryLogger(lines),
        },
        { channel: 1n, signerKey, ...nodeInit, ...init },
      );
    const made: SceneMember = {
      account,
      signer,
      signerKey,
      disk,
      lines,
      node: create(),
      async start() {
        made.node = create();
        await made.node.start();
      },
      kill: async () => await made.node.stop(),
    };
    members.push(made);
    return made;
  }

  const scene: ChannelScene = {
    hub,
    mesh,
    cutOff,
    abi,
    members,
    get leader() {
      const found = members.find(({ node }) => isLeading(node));
      if (found === undefined) throw new Error("nobody leads");
      return found;
    },
    member,
    call(user, name, args = [], changes = {}) {
      const { key, address } = userOf(user);
      const nonce = nonces.get(user) ?? 0n;
      const call: Call = {
        channel: 1n,
        sender: address,
        nonce,
        gasLimit: 500_000n,
        validUntilMs: BigInt(Date.now() + 600_000),
        data: fromHex(abi.encodeFunctionData(name, args)),
        ...changes,
      };
      if (Object.keys(changes).length === 0) nonces.set(user, nonce + 1n);
      return { call, signature: signDigest(callDigest(hub.domain, call), key) };
    },
    async view({ node }, name, args = []) {
      const data = fromHex(abi.encodeFunctionData(name, args));
      const { returnData } = await node.read({ sender: `0x${"0".repeat(40)}`, data });
      return abi.decodeFunctionResult(name, returnData)[0] as unknown;
    },
    async same(these = members) {
      const isSame = (): boolean => {
        const heads = new Set(these.map(({ node }) => `${node.head.height} ${toHex(node.head.hash)}`));
        return heads.size === 1 && these.every(({ node }) => node.committedHeight === node.head.height);
      };
      await until(isSame, { timeoutMs: 20_000, what: `one head: ${these.map(placeOf).join("; ")}` }).catch(() => {
        throw new Error(`no one head: ${these.map(placeOf).join("; ")}`);
      });
    },
    async close() {
      for (const { node } of members) await node.stop();
    },
  };

  for (let number = 1; number <= count; number += 1) {
    const made = member(number);
    hub.join(made.account, made.signer);
  }
  for (const made of members) await made.start();
  return scene;
}

function placeOf({ node, lines }: SceneMember): string {
  const loud = lines.filter(({ level }) => level === "warn" || level === "error");
  const words = loud.map(({ message, context }) => `${message} ${JSON.stringify(context)}`).slice(-3);
  return `term ${node.term} head ${node.head.height} committed ${node.committedHeight} ${words.join(", ")}`;
}

function isLeading(node: ChannelNode): boolean {
  try {
    return node.leads;
  } catch {
    return false;
  }
}
