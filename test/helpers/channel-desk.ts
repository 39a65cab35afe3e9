import { Interface, getBytes, hexlify, id } from "ethers";

import { SprfError } from "../../src/errors.ts";
import type {
  ChannelReceipt,
  ChannelService,
  ChannelUpdate,
  SubscribeOptions,
} from "../../src/ports/channel-service.ts";
import { equalBytes } from "../../src/utils/bytes.ts";
import { recoverSigner } from "../../src/utils/recoverable-signature.ts";
import { callDigest, type Call, type SignedCall } from "../../src/wire/channel/call.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import { until } from "./until.ts";

/** What the desk's program can do: it adds, and refuses zero. */
export const DESK_ABI = [
  {
    type: "function",
    name: "add",
    stateMutability: "nonpayable",
    inputs: [{ name: "amount", type: "uint256" }],
    outputs: [{ name: "total", type: "uint256" }],
  },
  {
    type: "function",
    name: "total",
    stateMutability: "view",
    inputs: [],
    outputs: [
      { name: "total", type: "uint256" },
      { name: "calls", type: "uint32" },
    ],
  },
  {
    type: "event",
    name: "Added",
    anonymous: false,
    inputs: [
      { name: "sender", type: "address", indexed: true },
      { name: "amount", type: "uint256", indexed: false },
    ],
  },
  { type: "error", name: "Desk_Zero", inputs: [] },
] as const;

const PROGRAM = new Interface(DESK_ABI);
export const DESK_DOMAIN = { chainId: 31_337n, hub: "0x00000000000000000000000000000000000000aa" };
export const DESK_CHANNEL = 7n;

/** A channel's node without network, sandbox or chain: one leader that adds up, for tests of what stands before it. */
export interface ChannelDesk extends ChannelService {
  readonly records: readonly ChannelReceipt[];
  /** Calls that arrived, those that were refused included. */
  readonly arrived: readonly SignedCall[];
  /** The next calls are refused so, in turn. */
  refuseNext(...errors: readonly SprfError[]): void;
  /** Takes the calls after this height back. */
  rollBack(toHeight: number): void;
}

export function createChannelDesk(members: readonly string[]): ChannelDesk {
  const records: ChannelReceipt[] = [];
  const arrived: SignedCall[] = [];
  const refusals: SprfError[] = [];
  let rolledBack: number | undefined;
  let total = 0n;

  const known = (channel: bigint): void => {
    if (channel !== DESK_CHANNEL) throw new SprfError("CHANNEL_UNKNOWN", `no channel ${channel}`);
  };
  const nonceOf = (account: string): bigint => {
    return BigInt(records.filter(({ sender }) => sender === account).length);
  };
  const record = (call: Call): ChannelReceipt => {
    const failed = call.data.length === 0 || PROGRAM.decodeFunctionData("add", call.data)[0] === 0n;
    const amount = failed ? 0n : (PROGRAM.decodeFunctionData("add", call.data)[0] as bigint);
    total += amount;
    const log = PROGRAM.encodeEventLog("Added", [call.sender, amount]);
    return {
      height: records.length + 1,
      term: 1,
      timeMs: 1_000 + records.length,
      kind: "call",
      sender: call.sender,
      nonce: call.nonce,
      status: failed ? "failed" : "success",
      gasUsed: 21n,
      returnData: getBytes(
        failed ? PROGRAM.encodeErrorResult("Desk_Zero", []) : PROGRAM.encodeFunctionResult("add", [total]),
      ),
      logs: failed ? [] : [{ topics: log.topics.map((topic) => getBytes(topic)), data: getBytes(log.data) }],
      changes: [{ slot: new Uint8Array(32), before: new Uint8Array(32), after: new Uint8Array(32).fill(1) }],
      recordHash: getBytes(id(`${call.sender}/${call.nonce}/${hexlify(call.data)}`)),
      stateRoot: new Uint8Array(32).fill(2),
      commitment: "committed",
    };
  };

  return {
    records,
    arrived,
    refuseNext(...errors) {
      refusals.push(...errors);
    },
    rollBack(toHeight) {
      records.length = toHeight;
      rolledBack = toHeight;
    },
    async describe(channel) {
      known(channel);
      const head = { term: 1, leader: members[0] ?? "", height: records.length, committedHeight: records.length };
      return {
        ...DESK_DOMAIN,
        channel,
        app: DESK_DOMAIN.hub,
        program: DESK_DOMAIN.hub,
        members: members.map((account, index) => ({ account, joinNumber: index + 1 })),
        head: { ...head, finalHeight: 0, timeMs: 1 },
        links: { roundTrips: [], serves: [] },
      };
    },
    async call(signed) {
      const { call } = signed;
      known(call.channel);
      arrived.push(signed);
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      const repeated = records.find(({ recordHash }) => equalBytes(recordHash, recordOf(call)));
      if (repeated !== undefined) return repeated;
      if (!isSigned(signed)) throw new SprfError("CHANNEL_SIGNATURE_INVALID", "not signed by its sender");
      const expected = nonceOf(call.sender);
      if (call.nonce !== expected)
        throw new SprfError("CHANNEL_NONCE_WRONG", `expected ${expected}, not ${call.nonce}`);
      const receipt = record(call);
      records.push(receipt);
      return receipt;
    },
    async session() {
      throw new SprfError("CHANNEL_CLOSED", "the desk takes no session keys");
    },
    async read(channel, { height }) {
      known(channel);
      if (height !== undefined && height > records.length)
        throw new SprfError("CHANNEL_HEIGHT_UNKNOWN", `no height ${height}`);
      return {
        height: height ?? records.length,
        commitment: "committed",
        status: "success",
        returnData: getBytes(PROGRAM.encodeFunctionResult("total", [total, records.length])),
      };
    },
    async nonce(channel, account) {
      known(channel);
      return nonceOf(account);
    },
    async transaction(channel, by) {
      known(channel);
      if ("height" in by) return records[by.height - 1];
      return records.find(({ sender, nonce }) => sender === by.sender && nonce === by.nonce);
    },
    async committed(channel) {
      known(channel);
    },
    async *subscribe(channel, { from, signal }: SubscribeOptions): AsyncGenerator<ChannelUpdate> {
      known(channel);
      let height = from?.height ?? 0;
      if (from === undefined) {
        const slots = [{ slot: new Uint8Array(32), value: new Uint8Array(32).fill(1) }];
        const stateRoot = new Uint8Array(32).fill(2);
        height = records.length;
        yield {
          type: "snapshot",
          height,
          recordHash: records.at(-1)?.recordHash ?? new Uint8Array(32),
          stateRoot,
          slots,
        };
      }
      while (!signal.aborted) {
        if (rolledBack !== undefined && rolledBack < height) {
          height = rolledBack;
          yield { type: "rollback", toHeight: height };
        }
        const next = records[height];
        if (next === undefined) {
          await until(() => signal.aborted || records.length > height || (rolledBack ?? height) < height, {
            timeoutMs: 60_000,
          });
          continue;
        }
        height++;
        yield { type: "record", record: next };
      }
    },
    async settle(channel) {
      known(channel);
      return await Promise.resolve(records.length);
    },
    async leave(channel) {
      known(channel);
    },
    async close(channel) {
      known(channel);
    },
  };
}

function recordOf(call: Call): Uint8Array {
  return getBytes(id(`${call.sender}/${call.nonce}/${hexlify(call.data)}`));
}

function isSigned({ call, signature }: SignedCall): boolean {
  const domain = channelDomain(DESK_DOMAIN.chainId, DESK_DOMAIN.hub);
  return recoverSigner(callDigest(domain, call), signature) === call.sender;
}
