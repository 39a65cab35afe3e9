import { hexlify, Interface } from "ethers";
import { artifacts } from "hardhat";

import type { RecordHeaderStruct, ReplayStruct } from "../../../src/adapters/chain/contract-types.ts";
import { headerStruct, slotValueStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import { proofStruct } from "../../../src/adapters/chain/channels/values.ts";
import { hubProofOf } from "../../../src/channel/hub-proof.ts";
import { createPlayer, playGenesis, type PlayedRecord, type Player } from "../../../src/channel/player.ts";
import { createSandbox, type Sandbox } from "../../../src/channel/sandbox/sandbox.ts";
import { NO_MEMBERS } from "../../../src/domain/channel/membership.ts";
import type { SlotValue } from "../../../src/ports/channel-court.ts";
import type { HubSlotProof } from "../../../src/ports/channel-hub.ts";
import { concatBytes, equalBytes, fromHex } from "../../../src/utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../../src/utils/keccak.ts";
import { signDigest } from "../../../src/utils/recoverable-signature.ts";
import { callDigest, encodeCallInput, type Call } from "../../../src/wire/channel/call.ts";
import { channelDomain, type ChannelDomain } from "../../../src/wire/channel/domain.ts";
import { ZERO_HASH, type RecordHeader } from "../../../src/wire/channel/record.ts";
import type { ChannelReplay } from "../../../typechain-types/index.ts";
import type { User } from "./court.ts";
import { asApp, CONFIG, type Hub, type HubConfig, type Made } from "./channels.ts";

export type ProvenSlot = SlotValue & { readonly proof: HubSlotProof };

/** A record as it was played, and the state before it as far as it shows. */
export interface ReplayCase {
  readonly header: RecordHeader;
  readonly input: Uint8Array;
  readonly rootBefore: Uint8Array;
  readonly touched: readonly SlotValue[];
  readonly besides: readonly ProvenSlot[];
  /** The touched slots with their proofs, which are asked for of a slot that its leader left out. */
  readonly before: readonly ProvenSlot[];
}

/** A channel of some program on the hub, played by the real sandbox. */
export interface ReplayScene extends Made {
  readonly domain: ChannelDomain;
  readonly replay: ChannelReplay;
  readonly player: Player;
  readonly sandbox: Sandbox;
  readonly abi: Interface;
  readonly genesis: ReplayCase;
  /** Plays an input as the next record; `watched` are slots that are proven besides. */
  play(
    kind: number,
    input?: Uint8Array,
    at?: { readonly timeMs?: number; readonly watched?: readonly Uint8Array[] },
  ): Promise<ReplayCase>;
}

/** What a scene is made with, besides the program. */
export interface ReplaySceneInit {
  readonly config?: Partial<HubConfig>;
  readonly state?: string;
}

export async function createReplayScene(
  base: Hub,
  name: string,
  { config = {}, state = "0x" }: ReplaySceneInit = {},
): Promise<ReplayScene> {
  const { hub, ethers, court } = base;
  const program = await (await ethers.deployContract(name)).getAddress();
  await hub.registerProgram(program);
  await asApp(base, 0n, "create", [program, state, { ...CONFIG, ...config }, []]);
  const channel = await hub.channelCount();
  const domain = channelDomain(base.chainId, (await hub.getAddress()).toLowerCase());
  const { abi } = await artifacts.readArtifact(name);
  const view = await hub.channelOf(channel);
  const createdAtMs = Number(view.createdAtMs);
  const sandbox = await createSandbox({
    address: `0x${program.slice(2).toLowerCase()}`,
    // With its immutables.
    code: fromHex(await ethers.provider.getCode(program)),
    ticks: {
      tickMs: Number(view.config.tickMs),
      maxCatchUpTicks: Number(view.config.maxCatchUpTicks),
      genesisMs: createdAtMs,
    },
  });
  const genesis = await playGenesis(sandbox, { channel, createdAtMs, state: fromHex(state) }, NO_MEMBERS);
  const player = createPlayer({ sandbox, channel, domain }, genesis);
  const replay = await ethers.getContractAt("ChannelReplay", await court.replay());
  return {
    ...base,
    program,
    channel,
    domain,
    replay,
    player,
    sandbox,
    abi: new Interface(abi),
    genesis: caseOf(genesis, ZERO_HASH),
    async play(kind, input = new Uint8Array(), { timeMs, watched = [] } = {}) {
      const at = { term: 1, timeMs: timeMs ?? player.head.header.timeMs + 1 };
      const first = await player.play(kind, input, at);
      await player.revertTo(first.header.height - 1);
      const { root } = sandbox;
      const prove = (slot: Uint8Array): ProvenSlot => ({
        slot,
        value: sandbox.slot(slot),
        proof: hubProofOf(sandbox.prove(slot)),
      });
      const made = caseOf(first, root, {
        besides: watched.map(prove),
        before: first.touched.map(({ slot }) => prove(slot)),
      });
      await player.play(kind, input, at);
      return made;
    },
  };
}

function caseOf(
  { header, body, touched }: PlayedRecord,
  rootBefore: Uint8Array,
  shown: Pick<ReplayCase, "besides" | "before"> = { besides: [], before: [] },
): ReplayCase {
  const set = touched.map(({ slot, before }) => ({ slot, value: before }));
  return { header, input: body.input, rootBefore, touched: set, ...shown };
}

export function hashOfSet(set: readonly SlotValue[]): Uint8Array {
  return keccak256(concatBytes(...set.flatMap(({ slot, value }) => [slot, value])));
}

/** Loads what a case needs, and lets a block pass; resolves with the one in which it was loaded. */
export async function openCase(
  { replay, ethers }: Pick<ReplayScene, "replay" | "ethers">,
  one: ReplayCase,
): Promise<bigint> {
  const { rootBefore, touched, besides } = one;
  const sent = await replay.openReplay(
    hexlify(rootBefore),
    touched.map(slotValueStruct),
    besides.map(slotValueStruct),
    besides.map(({ proof }) => proofStruct(proof)),
  );
  const openedIn = BigInt((await sent.wait())!.blockNumber);
  // A call on a node is in its last block.
  await ethers.provider.send("hardhat_mine", ["0x1"]);
  return openedIn;
}

/** The arguments of `isFalse` behind the hub. */
export function replayArguments(
  { header, rootBefore, touched, besides, input }: ReplayCase,
  openedIn: bigint,
  change: Partial<RecordHeader> = {},
): [header: RecordHeaderStruct, rootBefore: string, replay: ReplayStruct] {
  const replay: ReplayStruct = {
    touched: touched.map(slotValueStruct),
    besides: besides.map(slotValueStruct),
    openedIn,
    input: hexlify(input),
  };
  return [headerStruct({ ...header, ...change }), hexlify(rootBefore), replay];
}

/** Whether the chain finds that a record is false; `change` is what it says otherwise than it was played. */
export async function isFalse(
  { hub, replay }: Pick<ReplayScene, "hub" | "replay">,
  one: ReplayCase,
  openedIn: bigint,
  change: Partial<RecordHeader> = {},
): Promise<boolean> {
  return await replay.isFalse.staticCall(hub, ...replayArguments(one, openedIn, change));
}

/** Opens a case, with some of it changed, and says whether its record is false then. */
export async function judge(
  scene: Pick<ReplayScene, "hub" | "replay" | "ethers">,
  one: ReplayCase,
  change: Partial<RecordHeader> = {},
): Promise<boolean> {
  return await isFalse(scene, one, await openCase(scene, one), change);
}

/** The same record with another touched set, as its leader may have signed it. */
export function withTouched(one: ReplayCase, touched: readonly SlotValue[]): ReplayCase {
  const set = [...touched].sort((a, b) => Buffer.compare(a.slot, b.slot));
  const besides = one.besides.filter((each) => !set.some(({ slot }) => equalBytes(slot, each.slot)));
  return { ...one, header: { ...one.header, touchedHash: hashOfSet(set) }, touched: set, besides };
}

/** What a record's result may be said to be instead, one field each. */
export function lies({ header }: ReplayCase): Partial<RecordHeader>[] {
  const filled = new Uint8Array(WORD_BYTES).fill(9);
  return [
    ...[0, 1, 2].filter((status) => status !== header.status).map((status) => ({ status })),
    { gasUsed: header.gasUsed + 1 },
    ...(header.gasUsed === 0 ? [] : [{ gasUsed: header.gasUsed - 1 }]),
    { returnHash: filled },
    { writesHash: filled },
  ];
}

/** The input of a user's call. */
export function callInput(
  { channel, domain, abi, sandbox }: ReplayScene,
  user: User,
  parts: Partial<Call> & { readonly name?: string; readonly args?: readonly unknown[]; readonly key?: Uint8Array },
): Uint8Array {
  const { name, args = [], key = user.key, ...rest } = parts;
  const call: Call = {
    channel,
    sender: user.address,
    nonce: sandbox.nonceOf(user.address),
    gasLimit: 1_000_000n,
    validUntilMs: 2n ** 60n,
    data: name === undefined ? new Uint8Array() : fromHex(abi.encodeFunctionData(name, args)),
    ...rest,
  };
  return encodeCallInput({ call, signature: signDigest(callDigest(domain, call), key) });
}
