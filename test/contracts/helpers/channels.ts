import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { AbiCoder, concat, id, keccak256, TypedDataEncoder, Wallet, ZeroAddress, ZeroHash } from "ethers";

import type {
  ChannelAbsence,
  ChannelCourt,
  ChannelHub,
  ScriptedApp,
  StakingPool,
} from "../../../typechain-types/index.ts";
import type {
  AssetStruct,
  ChangeStruct,
  PunishmentStruct,
  SettlementStruct,
  SignedVoteStruct,
} from "../../../typechain-types/interfaces/IChannelHub.ts";

/** Enums as the contracts number them. */
export const Kind = { Ether: 0n, ERC20: 1n, ERC721: 2n, ERC1155: 3n } as const;
export const Mode = { Slots: 0n, Root: 1n } as const;
export const Option = { Against: 0n, For: 1n, Abstain: 2n } as const;
export const State = { None: 0n, Proposed: 1n, Passed: 2n, Pending: 3n, Final: 4n, Rejected: 5n } as const;
export const Inbox = {
  Join: 1n,
  Leave: 2n,
  Close: 3n,
  Ban: 4n,
  Delegate: 5n,
  ForcedCall: 6n,
  Presence: 7n,
  Term: 8n,
} as const;
export const Reason = { WrongResult: 1n, Equivocation: 5n } as const;
export const Notice = { Settled: 0n, MemberLeft: 1n, MemberBanned: 2n, Closed: 3n } as const;

export const UNBONDING_SECONDS = 7n * 24n * 3_600n;
export const STAKE = 10n ** 18n;
export const FINE = 4n * 10n ** 17n;
export const BAN_MS = 300_000n;
/** What a channel without a window gives to members that were banned or are absent. */
export const OBJECTION_SECONDS = 300n;
/** Of a channel that says nothing else. */
export const ANSWER_SECONDS = 180n;
export const CHUNK = 256;
export const INITIAL_STATE = "0x1234";

export interface HubConfig {
  mode: bigint;
  readAccess: bigint;
  votesAreProof: boolean;
  maxMembers: bigint;
  tickMs: bigint;
  maxCatchUpTicks: bigint;
  windowSeconds: bigint;
  aliveSeconds: bigint;
  answerSeconds: bigint;
  stakeWei: bigint;
  fineWei: bigint;
}

export const CONFIG: HubConfig = {
  mode: Mode.Slots,
  readAccess: 0n,
  votesAreProof: false,
  maxMembers: 64n,
  tickMs: 0n,
  maxCatchUpTicks: 0n,
  windowSeconds: 0n,
  aliveSeconds: 0n,
  answerSeconds: 0n,
  stakeWei: 0n,
  fineWei: 0n,
};

const CONSENT_TYPES = {
  JoinConsent: [
    { name: "channel", type: "uint256" },
    { name: "app", type: "address" },
    { name: "program", type: "address" },
    { name: "member", type: "address" },
    { name: "signer", type: "address" },
    { name: "stakeSource", type: "address" },
    { name: "maxStake", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};
const SETTLEMENT_TYPES = {
  Settlement: [
    { name: "channel", type: "uint256" },
    { name: "fromHeight", type: "uint64" },
    { name: "toHeight", type: "uint64" },
    { name: "timeMs", type: "uint64" },
    { name: "head", type: "bytes32" },
    { name: "recordsRoot", type: "bytes32" },
    { name: "stateRoot", type: "bytes32" },
    { name: "changesRoot", type: "bytes32" },
    { name: "inboxCursor", type: "uint64" },
    { name: "mode", type: "uint8" },
  ],
};
const PUNISHMENT_TYPES = {
  Punishment: [
    { name: "channel", type: "uint256" },
    { name: "term", type: "uint64" },
    { name: "target", type: "address" },
    { name: "height", type: "uint64" },
    { name: "recordHash", type: "bytes32" },
    { name: "reason", type: "uint8" },
  ],
};
const VOTE_TYPES = {
  Vote: [
    { name: "channel", type: "uint256" },
    { name: "proposalHash", type: "bytes32" },
    { name: "option", type: "uint8" },
  ],
};

const coder = AbiCoder.defaultAbiCoder();
const tupleOf = (types: Record<string, readonly { name: string; type: string }[]>): string =>
  `tuple(${Object.values(types)
    .flat()
    .map(({ type, name }) => `${type} ${name}`)
    .join(",")})`;

/** A member: an account, and the key that signs for its node. */
export interface Peer {
  account: Wallet;
  key: Wallet;
}

export interface Hub {
  ethers: HardhatEthers;
  chainId: bigint;
  hub: ChannelHub;
  pool: StakingPool;
  court: ChannelCourt;
  absence: ChannelAbsence;
  program: string;
  app: ScriptedApp;
  owner: HardhatEthersSigner;
  stranger: HardhatEthersSigner;
  peers: Peer[];
}

export interface Made extends Hub {
  channel: bigint;
}

type Settlement = { [key in keyof SettlementStruct]: SettlementStruct[key] & (bigint | string) };
type Punishment = { [key in keyof PunishmentStruct]: PunishmentStruct[key] & (bigint | string) };
export type Change = { [key in keyof ChangeStruct]: string };

export async function deployHub(ethers: HardhatEthers, peerCount = 8): Promise<Hub> {
  const [owner, stranger] = await ethers.getSigners();
  if (!owner || !stranger) throw new Error("too few accounts");
  const pool = await ethers.deployContract("StakingPool", [UNBONDING_SECONDS]);
  const store = await ethers.deployContract("ChannelStore");
  const vault = await ethers.deployContract("ChannelVault");
  const libraries = await deployChannelLibraries(ethers);
  const court = await ethers.deployContract("ChannelCourt", [await ethers.deployContract("ChannelReplay")]);
  const absence = await ethers.deployContract("ChannelAbsence", [ANSWER_SECONDS]);
  const hub = await ethers.deployContract("ChannelHub", [pool, store, vault, court, absence], { libraries });
  const program = await (await ethers.deployContract("CounterProgram")).getAddress();
  await hub.registerProgram(program);
  const app = await ethers.deployContract("ScriptedApp");
  const peers: Peer[] = [];
  for (let i = 0; i < peerCount; i++) {
    peers.push({ account: await richAccount(ethers, `peer ${i}`), key: new Wallet(id(`key ${i}`)) });
  }
  const { chainId } = await ethers.provider.getNetwork();
  return { ethers, chainId, hub, pool, court, absence, program, app, owner, stranger, peers };
}

/** What the code of ChannelHub is linked with. */
export async function deployChannelLibraries(ethers: HardhatEthers): Promise<Record<string, string>> {
  const libraries: Record<string, string> = {};
  for (const name of ["ChannelClaims", "ChannelDelegations", "ChannelDemands", "ChannelOpenings"]) {
    libraries[name] = await (await ethers.deployContract(name)).getAddress();
  }
  const { ChannelDelegations = "" } = libraries;
  for (const name of [
    "ChannelExits",
    "ChannelFaults",
    "ChannelMembership",
    "ChannelPresence",
    "ChannelProposals",
    "ChannelVerdicts",
    "ChannelViews",
  ]) {
    const library = await ethers.deployContract(name, [], { libraries: { ChannelDelegations } });
    libraries[name] = await library.getAddress();
  }
  return libraries;
}

export async function richAccount(ethers: HardhatEthers, label: string): Promise<Wallet> {
  const account = new Wallet(id(label), ethers.provider);
  await ethers.provider.send("hardhat_setBalance", [account.address, `0x${(100n * STAKE).toString(16)}`]);
  return account;
}

/** A channel of the scripted app. */
export async function createChannel(base: Hub, config: Partial<HubConfig> = {}): Promise<Made> {
  await asApp(base, 0n, "create", [base.program, INITIAL_STATE, { ...CONFIG, ...config }, []]);
  return { ...base, channel: await base.hub.channelCount() };
}

/** Calls the hub as the app. */
export async function asApp(base: Hub, value: bigint, name: string, values: readonly unknown[]) {
  const data = base.hub.interface.encodeFunctionData(name as "create", values as never);
  return await base.app.act(base.hub, value, data, { value });
}

/** A channel whose first peers have joined. */
export async function channelOf(base: Hub, members: number, config: Partial<HubConfig> = {}): Promise<Made> {
  const made = await createChannel(base, config);
  for (const peer of base.peers.slice(0, members)) await join(made, peer);
  return made;
}

export interface JoinOptions {
  assets?: readonly AssetStruct[];
  consent?: Partial<Consent>;
  value?: bigint;
  signature?: string;
  member?: string;
}
type Consent = Awaited<ReturnType<typeof consentOf>>;

export async function consentOf(made: Made, peer: Peer) {
  return {
    channel: made.channel,
    app: await made.app.getAddress(),
    program: made.program,
    member: peer.account.address,
    signer: peer.key.address,
    stakeSource: ZeroAddress,
    maxStake: STAKE,
    deadline: 2n ** 40n,
  };
}

export async function signConsent(made: Made, by: Wallet, consent: Consent): Promise<string> {
  return await by.signTypedData(await domainOf(made), CONSENT_TYPES, consent);
}

export async function join(made: Made, peer: Peer, options: JoinOptions = {}) {
  const { assets = [] } = options;
  const consent = { ...(await consentOf(made, peer)), ...options.consent };
  const signature = options.signature ?? (await signConsent(made, peer.account, consent));
  const { stakeWei } = (await made.hub.channelOf(made.channel)).config;
  const ether = assets.reduce((sum, { kind, amount }) => (kind === Kind.Ether ? sum + BigInt(amount) : sum), 0n);
  const value = options.value ?? ether + (consent.stakeSource === ZeroAddress ? stakeWei : 0n);
  const member = options.member ?? peer.account.address;
  return await asApp(made, value, "join", [made.channel, member, consent, signature, assets]);
}

export async function domainOf(made: Hub) {
  const verifyingContract = await made.hub.getAddress();
  return { name: "SPRF Channels", version: "1", chainId: made.chainId, verifyingContract };
}

/** The next settlement, of nothing, unless told otherwise. */
export async function settlementOf(made: Made, parts: Partial<Settlement> = {}): Promise<Settlement> {
  const [head, { config, inboxLength }] = await Promise.all([
    made.hub.headOf(made.channel),
    made.hub.channelOf(made.channel),
  ]);
  return {
    channel: made.channel,
    fromHeight: head.height,
    toHeight: head.height + 10n,
    timeMs: head.timeMs + 1_000n,
    head: id(`head ${head.height + 10n}`),
    recordsRoot: id("records"),
    stateRoot: id("state"),
    changesRoot: ZeroHash,
    inboxCursor: inboxLength,
    mode: config.mode,
    ...parts,
  };
}

export function hashOfSettlement(settlement: Settlement): string {
  return TypedDataEncoder.hashStruct("Settlement", SETTLEMENT_TYPES, settlement);
}

export function hashOfPunishment(punishment: Punishment): string {
  return TypedDataEncoder.hashStruct("Punishment", PUNISHMENT_TYPES, punishment);
}

export async function voteOf(
  made: Made,
  peer: Peer,
  proposalHash: string,
  option: bigint = Option.For,
): Promise<SignedVoteStruct> {
  const value = { channel: made.channel, proposalHash, option };
  const signature = await peer.key.signTypedData(await domainOf(made), VOTE_TYPES, value);
  return { member: peer.account.address, option, signature };
}

export async function votesOf(
  made: Made,
  peers: readonly Peer[],
  proposalHash: string,
  option: bigint = Option.For,
): Promise<SignedVoteStruct[]> {
  return await Promise.all(peers.map(async (peer) => await voteOf(made, peer, proposalHash, option)));
}

/** Settles at once with the votes of these peers. */
export async function settle(
  made: Made,
  peers: readonly Peer[],
  parts: Partial<Settlement> = {},
  changes: readonly Change[] = [],
) {
  const settlement = await settlementOf(made, { changesRoot: changesRootOf(changes), ...parts });
  const votes = await votesOf(made, peers, hashOfSettlement(settlement));
  return await made.hub.settle(settlement, [...changes], votes);
}

/** A peer of a list that has it. */
export function peerAt({ peers }: Hub, index: number): Peer {
  const peer = peers[index];
  if (peer === undefined) throw new Error(`there is no peer ${index}`);
  return peer;
}

export function settlementData(settlement: Settlement): string {
  return coder.encode([tupleOf(SETTLEMENT_TYPES)], [settlement]);
}

/** Proposes a settlement; resolves with the proposal's number. */
export async function propose(made: Made, by: Peer, settlement: Settlement): Promise<bigint> {
  await made.hub.connect(by.account).createProposal(made.channel, 1n, settlementData(settlement));
  return await made.hub.proposalCount(made.channel);
}

export async function punishmentOf(made: Made, target: Peer, parts: Partial<Punishment> = {}): Promise<Punishment> {
  const { term } = await made.hub.channelOf(made.channel);
  return {
    channel: made.channel,
    term,
    target: target.account.address,
    height: 3n,
    recordHash: id("record"),
    reason: Reason.WrongResult,
    ...parts,
  };
}

export function punishmentData(punishment: Punishment): string {
  return coder.encode([tupleOf(PUNISHMENT_TYPES)], [punishment]);
}

/** Accuses; resolves with the proposal's number. */
export async function accuse(made: Made, by: Peer, punishment: Punishment): Promise<bigint> {
  await made.hub.connect(by.account).createProposal(made.channel, 2n, punishmentData(punishment));
  return await made.hub.proposalCount(made.channel);
}

export function chunkHashesOf(changes: readonly Change[]): string[] {
  const hashes: string[] = [];
  for (let first = 0; first < changes.length; first += CHUNK) {
    const chunk = changes.slice(first, first + CHUNK);
    hashes.push(keccak256(concat(chunk.flatMap(({ slot, oldValue, newValue }) => [slot, oldValue, newValue]))));
  }
  return hashes;
}

export function changesRootOf(changes: readonly Change[]): string {
  let nodes = chunkHashesOf(changes);
  if (nodes.length === 0) return ZeroHash;
  while (nodes.length > 1) {
    const parents: string[] = [];
    for (let i = 0; i < nodes.length; i += 2) {
      const [left, right] = [nodes[i] ?? "", nodes[i + 1]];
      parents.push(right === undefined ? left : keccak256(concat(left < right ? [left, right] : [right, left])));
    }
    nodes = parents;
  }
  return nodes[0] ?? ZeroHash;
}

/** Changes of so many slots from one on, ascending. */
export function changesFrom(first: number, count: number, value = 1n): Change[] {
  return Array.from({ length: count }, (_, i) => ({
    slot: wordOf(BigInt(first + i)),
    oldValue: ZeroHash,
    newValue: wordOf(value),
  }));
}

export function wordOf(value: bigint): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}

/** A channel's name of an asset. */
export function assetKeyOf(token: string, tokenId = 0n): string {
  return keccak256(coder.encode(["address", "uint256"], [token, tokenId]));
}

/** Where the exit ledger has what left, or what is owned. */
export function ledgerSlot(ledger: "exits" | "owned", account: string, assetKey: string): string {
  const seed = BigInt(id(`sprf.channel.${ledger}`)) - 1n;
  const base = BigInt(keccak256(wordOf(seed))) & ~0xffn;
  const inner = keccak256(coder.encode(["address", "uint256"], [account, base]));
  return keccak256(concat([assetKey, inner]));
}

/** Where a program asks for a member's leave, or with address zero for the channel's end. */
export function requestSlot(member: string): string {
  const base = BigInt(keccak256(wordOf(BigInt(id("sprf.channel.requests")) - 1n))) & ~0xffn;
  return keccak256(coder.encode(["address", "uint256"], [member, base]));
}

/** The change set that writes the exit ledger. */
export function ledgerChanges(entries: readonly (readonly ["exits" | "owned", string, string, bigint])[]): Change[] {
  return entries
    .map(([ledger, account, assetKey, amount]) => ({
      slot: ledgerSlot(ledger, account, assetKey),
      oldValue: ZeroHash,
      newValue: wordOf(amount),
    }))
    .sort((a, b) => (a.slot < b.slot ? -1 : 1));
}
