import { hexlify, Interface, type ContractTransactionResponse, type Signer, type TransactionRequest } from "ethers";
import { artifacts } from "hardhat";

import { accusationOf } from "../../../src/adapters/chain/channels/accusation.ts";
import { slotValueStruct } from "../../../src/adapters/chain/channels/court-values.ts";
import { proofStruct } from "../../../src/adapters/chain/channels/values.ts";
import { createPlayer, playGenesis, type PlayedRecord, type Player } from "../../../src/channel/player.ts";
import { createSandbox, type Sandbox } from "../../../src/channel/sandbox/sandbox.ts";
import { hubProofOf } from "../../../src/channel/hub-proof.ts";
import { commitmentOf, openHeader, openSettled } from "../../../src/domain/channel/evidence.ts";
import { NO_MEMBERS } from "../../../src/domain/channel/membership.ts";
import type {
  Evidence,
  RecordOpening,
  ReplayedRecord,
  SettledOpening,
  SignedOpening,
} from "../../../src/ports/channel-court.ts";
import type { HubSlotProof } from "../../../src/ports/channel-hub.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { addressOfKey, signDigest } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { signBatch } from "../../../src/wire/channel/batch.ts";
import { callDigest, encodeCallInput, type Call } from "../../../src/wire/channel/call.ts";
import { channelDomain, type ChannelDomain } from "../../../src/wire/channel/domain.ts";
import { encodeInboxEntry, type InboxEntry } from "../../../src/wire/channel/inbox-entry.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { asApp, CONFIG, join, type Hub, type HubConfig, type Made, STAKE } from "./channels.ts";

export const SALT = new Uint8Array(32).fill(7);
const FIRST_BALANCE = 1_000n;
const CALL_GAS = 1_000_000n;

/** A user of the channel. */
export interface User {
  readonly key: Uint8Array;
  readonly address: string;
}

export function userOf(number: number): User {
  const key = new Uint8Array(32).fill(0x44);
  key[31] = number;
  return { key, address: addressOfKey(publicKeyOf(key)) };
}

/** A channel on chain, and its records as real code makes them. */
export interface CourtScene extends Made {
  readonly domain: ChannelDomain;
  readonly player: Player;
  readonly sandbox: Sandbox;
  readonly abi: Interface;
  /** Record 0 and all that were played, by height. */
  readonly records: PlayedRecord[];
  /** The sandbox's proofs of the slots of each record, under the root before it. */
  readonly proofs: ReadonlyMap<string, HubSlotProof>[];
  play(kind: number, input?: Uint8Array, at?: { term?: number; timeMs?: number }): Promise<PlayedRecord>;
  /** Takes what is in the hub's inbox. */
  takeInbox(term?: number): Promise<void>;
  callInput(user: User, name: string, args: readonly unknown[], parts?: Partial<Call>, key?: Uint8Array): Uint8Array;
  headers(): RecordHeader[];
}

export async function createCourtScene(
  base: Hub,
  members: number,
  config: Partial<HubConfig> = {},
  watched: readonly Uint8Array[] = [],
): Promise<CourtScene> {
  const { hub, ethers } = base;
  const contract = await ethers.deployContract("TokenProgram");
  const program = await contract.getAddress();
  await hub.registerProgram(program);
  const coder = ethers.AbiCoder.defaultAbiCoder();
  const state = coder.encode(["address[]", "uint256"], [[userOf(1).address, userOf(2).address], FIRST_BALANCE]);
  await asApp(base, 0n, "create", [program, state, { ...CONFIG, stakeWei: STAKE, ...config }, []]);
  const channel = await hub.channelCount();
  const made: Made = { ...base, program, channel };
  for (const peer of base.peers.slice(0, members)) await join(made, peer);

  const domain = channelDomain(base.chainId, (await hub.getAddress()).toLowerCase());
  const { deployedBytecode, abi: json } = await artifacts.readArtifact("TokenProgram");
  const abi = new Interface(json);
  const view = await hub.channelOf(channel);
  const createdAtMs = Number(view.createdAtMs);
  const ticks = {
    tickMs: Number(view.config.tickMs),
    maxCatchUpTicks: Number(view.config.maxCatchUpTicks),
    genesisMs: createdAtMs,
  };
  const sandbox = await createSandbox({
    address: `0x${program.slice(2).toLowerCase()}`,
    code: fromHex(deployedBytecode),
    ticks,
  });
  const genesis = await playGenesis(sandbox, { channel, createdAtMs, state: fromHex(state) }, NO_MEMBERS);
  const player = createPlayer({ sandbox, channel, domain }, genesis);
  const records: PlayedRecord[] = [genesis];
  const proofs = [new Map<string, HubSlotProof>()];
  const nonces = new Map<string, bigint>();

  const play: CourtScene["play"] = async (kind, input = new Uint8Array(), { term = 1, timeMs } = {}) => {
    // Which slots it touches is known afterwards.
    const played = await player.play(kind, input, { term, timeMs: timeMs ?? player.head.header.timeMs + 1 });
    await player.revertTo(played.header.height - 1);
    const before = new Map<string, HubSlotProof>();
    for (const slot of [...played.touched.map((touched) => touched.slot), ...watched]) {
      before.set(hexlify(slot), hubProofOf(sandbox.prove(slot)));
    }
    proofs.push(before);
    const again = await player.play(kind, input, { term, timeMs: played.header.timeMs });
    records.push(again);
    return again;
  };

  return {
    ...made,
    domain,
    player,
    sandbox,
    abi,
    records,
    proofs,
    play,
    async takeInbox(term = 1) {
      const events = await hub.queryFilter(hub.filters.InboxAdded(channel));
      for (const { args } of events.slice(player.head.header.inboxCursor)) {
        await play(RECORD_KINDS.inbox, encodeInboxEntry(entryOf(args)), { term });
      }
    },
    callInput(user, name, args, parts = {}, key = user.key) {
      const nonce = parts.nonce ?? nonces.get(user.address) ?? 0n;
      nonces.set(user.address, nonce + 1n);
      const call: Call = {
        channel,
        sender: user.address,
        nonce,
        gasLimit: CALL_GAS,
        validUntilMs: BigInt(createdAtMs + 10_000_000),
        data: fromHex(abi.encodeFunctionData(name, args)),
        ...parts,
      };
      return encodeCallInput({ call, signature: signDigest(callDigest(domain, call), key) });
    },
    headers: () => records.map(({ header }) => header),
  };
}

interface EntryArgs {
  readonly index: bigint;
  readonly kind: bigint;
  readonly account: string;
  readonly timeMs: bigint;
  readonly data: string;
}

export function entryOf({ index, kind, account, timeMs, data }: EntryArgs): InboxEntry {
  return {
    index: Number(index),
    kind: Number(kind),
    account: account.toLowerCase(),
    timeMs: Number(timeMs),
    data: fromHex(data),
  };
}

export function proofAt({ proofs }: CourtScene, height: number, slot: Uint8Array): HubSlotProof {
  const proof = proofs[height]?.get(hexlify(slot));
  if (proof === undefined) throw new Error("the slot was not watched");
  return proof;
}

export function recordAt({ records }: CourtScene, height: number): PlayedRecord {
  const record = records[height];
  if (record === undefined) throw new Error(`there is no record ${height}`);
  return record;
}

/** How a leader signs a batch of headers. */
export function signHeaders(
  { domain, peers }: Pick<CourtScene, "domain" | "peers">,
  headers: readonly RecordHeader[],
  leader = 0,
): Uint8Array {
  const [head] = headers;
  const key = peers[leader]?.key.privateKey;
  if (head === undefined || key === undefined) throw new Error("nothing to sign");
  const recordsRoot = merkleRoot(headers.map(hashRecord));
  const last = head.height + headers.length - 1;
  return signBatch(
    domain,
    { channel: head.channel, term: head.term, first: head.height, last, recordsRoot },
    fromHex(key),
  );
}

/** Opens a record that its leader signed together with those before it of its term; `change` is the lie in it. */
export function openAt(
  scene: CourtScene,
  height: number,
  change: Partial<RecordHeader> = {},
  leader = 0,
): SignedOpening {
  const { header } = recordAt(scene, height);
  const others = scene.headers().filter((other) => {
    return other.height > Math.max(0, height - 3) && other.height < height && other.term === header.term;
  });
  const headers = [...others, { ...header, ...change }];
  // A lie about its place is signed alone.
  const isPlaced = change.height === undefined && change.term === undefined && change.channel === undefined;
  const batch = isPlaced ? headers : headers.slice(-1);
  const signature = signHeaders(scene, batch, leader);
  return openHeader(batch, { height: batch.at(-1)?.height ?? 0, signature });
}

/** Accuses as somebody. */
export async function accuse(
  scene: Made,
  by: Signer,
  evidence: Evidence,
  overrides: TransactionRequest = {},
): Promise<ContractTransactionResponse> {
  const court = await scene.ethers.getContractAt("IChannelCourt", await scene.court.getAddress(), by);
  const transaction = await accusationOf(court, evidence, hexlify(SALT));
  return (await by.sendTransaction({ ...transaction, ...overrides })) as ContractTransactionResponse;
}

/** Commits, and lets two blocks pass. */
export async function commit(scene: Made, by: Signer, evidence: Evidence): Promise<void> {
  const commitment = commitmentOf(await by.getAddress(), evidence, SALT);
  await scene.court.connect(by).commit(hexlify(commitment));
  await scene.ethers.provider.send("hardhat_mine", ["0x1"]);
}

/** Opens a record of a proposed settlement whose records are these. */
export function openIn(headers: readonly RecordHeader[], height: number, proposal: bigint): SettledOpening {
  const first = headers[0]?.height ?? 0;
  const header = headers[height - first];
  if (header === undefined) throw new Error(`there is no record ${height}`);
  return openSettled(header, { hashes: headers.map(hashRecord), first, proposal });
}

/** That a record has another result than it was played with; `change` is the lie. Its slots are loaded by somebody. */
export async function falseResult(
  scene: CourtScene,
  height: number,
  change: Partial<RecordHeader> = {},
  record: RecordOpening = openAt(scene, height, change),
): Promise<Extract<Evidence, { fault: "falseResult" }>> {
  const { body, touched } = recordAt(scene, height);
  const set = touched.map(({ slot, before }) => ({ slot, value: before }));
  const replayed = {
    input: body.input,
    touched: set,
    besides: [],
  };
  const before = recordAt(scene, height - 1).header;
  const openedIn = await openReplay(scene, before.stateRoot, replayed);
  return { fault: "falseResult", record, before, ...replayed, openedIn };
}

/** Loads what the chain needs to run a record again; resolves with the block. */
export async function openReplay(
  { court, ethers, stranger }: Made,
  rootBefore: Uint8Array,
  { touched, besides }: Pick<ReplayedRecord, "touched" | "besides">,
): Promise<number> {
  const replay = await ethers.getContractAt("IChannelReplay", await court.replay(), stranger);
  const sent = await replay.openReplay(
    hexlify(rootBefore),
    touched.map(slotValueStruct),
    besides.map(slotValueStruct),
    besides.map(({ proof }) => proofStruct(proof)),
  );
  return (await sent.wait())!.blockNumber;
}
