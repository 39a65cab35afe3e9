import { AbiCoder, concat, id, keccak256, ZeroHash } from "ethers";

import type {
  RecordDataStruct,
  RecordHeaderStruct,
  SignedAckStruct,
} from "../../../typechain-types/channels/ChannelHub.ts";
import type { StateTreeModel } from "../../helpers/state-tree-model.ts";
import { type Change, changesRootOf, domainOf, type Made, type Peer, settlementOf } from "./channels.ts";

const coder = AbiCoder.defaultAbiCoder();
const HEADER =
  "tuple(uint256 channel,uint64 term,uint64 height,uint8 kind,uint64 timeMs,bytes32 previous,bytes32 inputHash,bytes32 touchedHash,bytes32 writesHash,uint8 status,uint64 gasUsed,bytes32 returnHash,bytes32 stateRoot,uint64 inboxCursor)";
const ACK_TYPES = {
  Ack: [
    { name: "channel", type: "uint256" },
    { name: "term", type: "uint64" },
    { name: "height", type: "uint64" },
    { name: "recordHash", type: "bytes32" },
    { name: "certified", type: "uint64" },
  ],
};
const INPUT = "0x0102";

type Settlement = Awaited<ReturnType<typeof settlementOf>>;
type Header = { [key in keyof RecordHeaderStruct]: bigint | string };

/** What some members say happened: records up to a height, and the settlement of them. */
export interface Told {
  readonly settlement: Settlement;
  readonly changes: Change[];
  readonly header: Header;
  readonly headerStruct: RecordHeaderStruct;
  /** With what its hashes stand for, by height. */
  record(height: bigint): RecordDataStruct;
}

export interface Telling {
  readonly to?: bigint;
  readonly term?: bigint;
  readonly timeMs?: bigint;
  readonly inboxCursor?: bigint;
  /** Of every record. */
  readonly input?: string;
  /** What is settled in place of what follows. */
  readonly settlement?: Partial<Settlement>;
  readonly changes?: Change[];
}

/** Records that lead from one state to another one, and their settlement. */
export async function tell(made: Made, from: StateTreeModel, changes: Change[], telling: Telling = {}): Promise<Told> {
  const { to = 3n, term = 1n, input = INPUT } = telling;
  const base = await settlementOf(made);
  const timeMs = telling.timeMs ?? base.timeMs;
  const inboxCursor = telling.inboxCursor ?? base.inboxCursor;
  for (const { slot, newValue } of changes) from.set(slot, newValue);
  const stateRoot = from.root();
  const headers: Header[] = [];
  let previous = id(`before ${base.fromHeight}`);
  for (let height = BigInt(base.fromHeight) + 1n; height <= to; height++) {
    const header: Header = {
      channel: made.channel,
      term,
      height,
      kind: 1n,
      timeMs,
      previous,
      inputHash: keccak256(input),
      touchedHash: keccak256(concat([id("slot"), ZeroHash])),
      writesHash: keccak256("0x"),
      status: 1n,
      gasUsed: 100n,
      returnHash: keccak256("0x"),
      stateRoot,
      inboxCursor,
    };
    previous = hashOfHeader(header);
    headers.push(header);
  }
  const hashes = headers.map(hashOfHeader);
  const header = headers.at(-1);
  if (header === undefined) throw new Error("nothing is told");
  const told = telling.changes ?? changes;
  return {
    settlement: {
      ...base,
      toHeight: to,
      timeMs,
      inboxCursor,
      head: hashOfHeader(header),
      recordsRoot: rootOf(hashes),
      stateRoot,
      changesRoot: changesRootOf(told),
      ...telling.settlement,
    },
    changes: told,
    header,
    headerStruct: header as RecordHeaderStruct,
    record(height) {
      const index = headers.findIndex((one) => one.height === height);
      const found = headers[index];
      if (found === undefined) throw new Error(`no record ${height}`);
      const touched = concat([id("slot"), ZeroHash]);
      return { header: found, input, touched, writes: "0x", proof: proofOf(hashes, index) } as RecordDataStruct;
    },
  };
}

export function hashOfHeader(header: Header): string {
  return keccak256(coder.encode([HEADER], [header]));
}

/** Acks of a head, by the keys of these peers. */
export async function acksOf(made: Made, peers: readonly Peer[], header: Header): Promise<SignedAckStruct[]> {
  const { channel, term, height } = header;
  const value = { channel, term, height, recordHash: hashOfHeader(header), certified: 0n };
  const domain = await domainOf(made);
  return await Promise.all(
    peers.map(async ({ account, key }) => ({
      member: account.address,
      certified: 0n,
      signature: await key.signTypedData(domain, ACK_TYPES, value),
    })),
  );
}

function rootOf(hashes: readonly string[]): string {
  let level = [...hashes];
  while (level.length > 1) level = above(level);
  return level[0] ?? ZeroHash;
}

function proofOf(hashes: readonly string[], index: number): string[] {
  const proof: string[] = [];
  let [level, at] = [[...hashes], index];
  while (level.length > 1) {
    const sibling = level[at % 2 === 0 ? at + 1 : at - 1];
    if (sibling !== undefined) proof.push(sibling);
    [level, at] = [above(level), Math.floor(at / 2)];
  }
  return proof;
}

function above(level: readonly string[]): string[] {
  const parents: string[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left, right] = [level[i] ?? "", level[i + 1]];
    parents.push(right === undefined ? left : keccak256(concat(left < right ? [left, right] : [right, left])));
  }
  return parents;
}
