import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { id, Wallet, ZeroAddress } from "ethers";

import type { InboxEffect, RecordInput } from "../../../src/channel/sandbox/record-input.ts";
import type { Execution } from "../../../src/channel/sandbox/sandbox.ts";
import { createChangeSet } from "../../../src/domain/channel/settle.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { channelDomain, type ChannelDomain } from "../../../src/wire/channel/domain.ts";
import { contentOf, type InboxEntry } from "../../../src/wire/channel/inbox-entry.ts";
import {
  changesRootOf,
  hashSettlement,
  signVote,
  type Change,
  type Settlement,
} from "../../../src/wire/channel/settlement.ts";
import type { ChannelHub } from "../../../typechain-types/index.ts";
import { ANSWER_SECONDS, deployChannelLibraries } from "./channels.ts";
import { compiledProgram, openTestChannel, type TestChannel } from "../../helpers/program-sandbox.ts";

const UNBONDING_SECONDS = 3_600n;

/** A hub with one registered program. */
export interface HubScene {
  readonly ethers: HardhatEthers;
  readonly hub: ChannelHub;
  readonly domain: ChannelDomain;
  readonly program: string;
  readonly programName: string;
}

/** An account, and the key that its node signs with. */
export interface AppMember {
  readonly account: HardhatEthersSigner;
  readonly key: Wallet;
}

/** A channel as its members together see it: what they play, and what the hub knows of it. */
export interface AppChannel {
  readonly channel: bigint;
  readonly play: TestChannel;
  /** Plays a member's call. */
  call(member: AppMember, name: string, args?: readonly unknown[]): Promise<Execution>;
  /** Plays the tick that is next, when it is due. */
  tick(): Promise<Execution>;
  /** Takes what is in the inbox and was not taken. */
  takeInbox(): Promise<void>;
  /** What a settlement of everything that was played says, and its changes. */
  settlement(): Promise<{ settlement: Settlement; changes: readonly Change[] }>;
  /** Lets a settlement take effect at once, with the votes of these members. */
  settle(members: readonly AppMember[]): Promise<void>;
}

export async function deployHubScene(ethers: HardhatEthers, programName: string): Promise<HubScene> {
  const libraries = await deployChannelLibraries(ethers);
  const pool = await ethers.deployContract("StakingPool", [UNBONDING_SECONDS]);
  const store = await ethers.deployContract("ChannelStore");
  const vault = await ethers.deployContract("ChannelVault");
  const court = await ethers.deployContract("ChannelCourt", [await ethers.deployContract("ChannelReplay")]);
  const absence = await ethers.deployContract("ChannelAbsence", [ANSWER_SECONDS]);
  const hub = await ethers.deployContract("ChannelHub", [pool, store, vault, court, absence], { libraries });
  const program = await (await ethers.deployContract(programName)).getAddress();
  await hub.registerProgram(program);
  const { chainId } = await ethers.provider.getNetwork();
  return { ethers, hub, domain: channelDomain(chainId, await hub.getAddress()), program, programName };
}

export function memberOf(account: HardhatEthersSigner): AppMember {
  return { account, key: new Wallet(id(`node of ${account.address}`)) };
}

/** What a member signs to be joined by an app, with the signature. */
export async function consentTo(
  { ethers, domain, program }: HubScene,
  app: string,
  channel: bigint,
  { account, key }: AppMember,
) {
  const consent = {
    channel,
    app,
    program,
    member: account.address,
    signer: key.address,
    stakeSource: ZeroAddress,
    maxStake: ethers.parseEther("1"),
    deadline: Number.MAX_SAFE_INTEGER,
  };
  const types = {
    JoinConsent: [
      { name: "channel", type: "uint256" },
      ...["app", "program", "member", "signer", "stakeSource"].map((name) => ({ name, type: "address" })),
      { name: "maxStake", type: "uint256" },
      { name: "deadline", type: "uint64" },
    ],
  };
  const { chainId, hub } = domain;
  const signature = await account.signTypedData(
    { name: "SPRF Channels", version: "1", chainId, verifyingContract: hub },
    types,
    consent,
  );
  return { consent, signature };
}

/** A channel from its record 0 on, as the chain has it. */
export async function openAppChannel(scene: HubScene, channel: bigint): Promise<AppChannel> {
  const { hub, domain } = scene;
  const [created] = await hub.queryFilter(hub.filters.ChannelCreated(channel));
  if (created === undefined) throw new Error(`there is no channel ${channel}`);
  const { createdAtMs, initialState } = created.args;
  const program = await compiledProgram(scene.programName);
  const { config } = await hub.channelOf(channel);
  const ticks = {
    tickMs: Number(config.tickMs),
    maxCatchUpTicks: Number(config.maxCatchUpTicks),
    genesisMs: Number(createdAtMs),
  };
  const play = await openTestChannel(program, { ticks });
  let changes = createChangeSet();
  let cursor = 0;
  let tickedMs = 0;
  const timeMs = (): number => Math.max(tickedMs, Number(createdAtMs) + Math.max(0, play.sandbox.height));

  const record = async (input: RecordInput): Promise<Execution> => {
    const execution = await play.play(input, { timeMs: timeMs() });
    changes.add(execution.touched);
    return execution;
  };

  const settlement: AppChannel["settlement"] = async () => {
    const { height, root } = play.sandbox;
    const all = changes.changes();
    const { height: fromHeight } = await hub.headOf(channel);
    return {
      changes: all,
      settlement: {
        channel,
        fromHeight: Number(fromHeight),
        toHeight: height,
        timeMs: timeMs(),
        head: fromHex(id(`head ${height}`)),
        recordsRoot: fromHex(id(`records ${height}`)),
        stateRoot: root,
        changesRoot: changesRootOf(all),
        inboxCursor: cursor,
        mode: Number(config.mode),
      },
    };
  };

  const genesis = await record({ kind: "initialize", state: fromHex(initialState) });
  if (genesis.status !== 1) throw new Error("record 0 failed");
  return {
    channel,
    play,
    settlement,
    call: async ({ account: { address } }, name, args = []) => {
      const data = fromHex(program.abi.encodeFunctionData(name, args));
      const nonce = play.sandbox.nonceOf(address);
      return await record({ kind: "call", call: { sender: address, nonce, data, gasLimit: 2_000_000n } });
    },
    tick: async () => {
      tickedMs = Math.max(timeMs(), play.sandbox.tickDueMs() ?? 0);
      return await record({ kind: "tick" });
    },
    takeInbox: async () => {
      for (const { args } of await hub.queryFilter(hub.filters.InboxAdded(channel))) {
        const { index, kind, account, timeMs: entryMs, data } = args;
        if (index <= cursor) continue;
        const entry = {
          index: Number(index),
          kind: Number(kind),
          account,
          timeMs: Number(entryMs),
          data: fromHex(data),
        };
        await record({ kind: "inbox", effect: effectOf(entry) });
        cursor = Number(index);
      }
    },
    settle: async (members) => {
      const { settlement: made, changes: all } = await settlement();
      const proposalHash = hashSettlement(made);
      const votes = members.map(({ account, key }) => ({
        member: account.address,
        option: 1n,
        signature: signVote(domain, { channel, proposalHash, option: 1 }, fromHex(key.privateKey)),
      }));
      await hub.settle(made, [...all], votes);
      changes = createChangeSet();
    },
  };
}

/** What taking an entry does to the program. */
function effectOf(entry: InboxEntry): InboxEffect {
  const content = contentOf(entry);
  if (content.kind === "join") return { type: "join", member: entry.account, assets: content.assets };
  if (content.kind === "leave" || content.kind === "ban") return { type: "leave", member: entry.account };
  return { type: content.kind === "close" ? "close" : "none" };
}
