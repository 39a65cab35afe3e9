import {
  AbiCoder,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  hexlify,
  keccak256,
  toBeHex,
} from "ethers";

import { createPlayer } from "../src/channel/player.ts";
import { nonceSlotOf } from "../src/channel/sandbox/protocol-slots.ts";
import { loadSandbox } from "../src/channel/sandbox/sandbox.ts";
import { slotOf, toSlotKey, wordOf } from "../src/channel/sandbox/slot-key.ts";
import { writeSnapshot } from "../src/channel/sandbox/snapshot.ts";
import { createStateTree } from "../src/channel/sandbox/state-tree.ts";
import { openHeader } from "../src/domain/channel/evidence.ts";
import type { Evidence } from "../src/ports/channel-court.ts";
import { fromHex } from "../src/utils/bytes.ts";
import { keccak256 as hashOf } from "../src/utils/keccak.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../src/wire/channel/record.ts";
import { slotValueStruct } from "../src/adapters/chain/channels/court-values.ts";
import { FINE, type Hub, STAKE } from "../test/contracts/helpers/channels.ts";
import { accuse, type CourtScene, createCourtScene, signHeaders, userOf } from "../test/contracts/helpers/court.ts";

const SLOTS = 100_000;
/** Records of the batch that is opened; the last one is run again. */
const OPENED = 8;
const coder = AbiCoder.defaultAbiCoder();

/** Gas of a replay: what loads the slots, what runs the record, and the verdict besides. */
export interface ReplayGas {
  readonly slots: number;
  readonly open: number;
  /** Up to the verdict, which is the hub's. */
  readonly run: number;
  /** Where the gas is what is false, the chain's own is held against the rules. */
  readonly runOfGas: number;
  readonly verdict: number;
}

/** Measures the replay of a transfer in a state of a hundred thousand slots. */
export async function measureReplay(base: Hub): Promise<ReplayGas> {
  const scene = await createCourtScene(base, 2, { stakeWei: STAKE, fineWei: FINE });
  const { before, transfer } = await playAmongMany(scene);
  const touched = transfer.touched.map(({ slot, before: value }) => ({ slot, value }));
  const replay = await scene.ethers.getContractAt("IChannelReplay", await scene.court.replay(), scene.stranger);
  const opened = await replay.openReplay(hexlify(before.stateRoot), touched.map(slotValueStruct), [], []);
  const receipt = await minedOf(opened);
  const evidenceOf = (change: Partial<RecordHeader>): Evidence => {
    const headers = batchOf(scene, { ...transfer.header, ...change });
    const record = openHeader(headers, { height: transfer.header.height, signature: signHeaders(scene, headers) });
    const { input } = transfer.body;
    const replayed = { input, touched, besides: [], openedIn: receipt.blockNumber };
    return { fault: "falseResult", record, before, ...replayed };
  };
  const lie = evidenceOf({ returnHash: transfer.header.inputHash });
  const lieOfGas = evidenceOf({ gasUsed: transfer.header.gasUsed - 1 });
  const { gasUsed: verdict } = await minedOf(await accuse(scene, scene.stranger, lie));
  // The same again shows as much and does nothing.
  const [run, runOfGas] = [await gasOfRefused(scene, lie), await gasOfRefused(scene, lieOfGas)];
  return { slots: touched.length, open: Number(receipt.gasUsed), run, runOfGas, verdict: Number(verdict) };
}

async function minedOf(sent: ContractTransactionResponse): Promise<ContractTransactionReceipt> {
  const receipt = await sent.wait();
  if (receipt === null) throw new Error("a transaction was not mined");
  return receipt;
}

/** A transfer between two accounts that have something, among many slots, by the real sandbox. */
async function playAmongMany(scene: CourtScene) {
  const [from, to] = [userOf(1), userOf(2)];
  const slots = new Map<string, Uint8Array>();
  for (let index = 0; index < SLOTS - 3; index += 1) {
    slots.set(toSlotKey(fromHex(keccak256(toBeHex(index, 32)))), wordOf(BigInt(index + 1)));
  }
  for (const { address } of [from, to]) {
    slots.set(toSlotKey(fromHex(keccak256(coder.encode(["address", "uint256"], [address, 0])))), wordOf(1_000n));
  }
  slots.set(nonceSlotOf(from.address), wordOf(5n));
  const tree = createStateTree();
  for (const [key, value] of slots) tree.set(hashOf(slotOf(key)), value);
  const before: RecordHeader = { ...scene.player.head.header, height: 99, term: 1, stateRoot: tree.root() };
  const head = { height: before.height, root: before.stateRoot };
  const sandbox = await loadSandbox(
    {
      address: `0x${scene.program.slice(2).toLowerCase()}`,
      code: fromHex(await scene.ethers.provider.getCode(scene.program)),
      ticks: { tickMs: 0, maxCatchUpTicks: 0, genesisMs: before.timeMs },
    },
    writeSnapshot(head, slots),
    head,
  );
  const start = { ...scene.player.head, header: before, hash: hashRecord(before) };
  const player = createPlayer({ sandbox, channel: scene.channel, domain: scene.domain }, start);
  const input = scene.callInput(from, "transfer", [to.address, 10n], { nonce: 5n });
  const at = { term: 1, timeMs: before.timeMs + 1 };
  const transfer = await player.play(RECORD_KINDS.call, input, at);
  return { before, transfer };
}

/** The record, and some before it that nobody asks about. */
function batchOf({ channel }: CourtScene, last: RecordHeader): RecordHeader[] {
  const others = Array.from({ length: OPENED - 1 }, (_, index) => ({
    ...last,
    channel,
    height: last.height - OPENED + 1 + index,
  }));
  return [...others, last];
}

async function gasOfRefused(scene: CourtScene, evidence: Evidence): Promise<number> {
  await accuse(scene, scene.stranger, evidence, { gasLimit: 5_000_000n }).then(
    () => {
      throw new Error("it was not refused");
    },
    () => undefined,
  );
  const block = await scene.ethers.provider.getBlock("latest");
  const receipt = await scene.ethers.provider.getTransactionReceipt(block?.transactions[0] ?? "");
  return Number(receipt?.gasUsed ?? 0n);
}
