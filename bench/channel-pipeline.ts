import { Interface } from "ethers";
import { artifacts } from "hardhat";
import secp256k1 from "secp256k1";

import { createCallRunner } from "../src/channel/sandbox/call-runner.ts";
import { withContext } from "../src/channel/sandbox/program-context.ts";
import { loadSandbox, type Execution, type Sandbox, type SandboxOptions } from "../src/channel/sandbox/sandbox.ts";
import { toSlotKey, wordOf, type SlotKey } from "../src/channel/sandbox/slot-key.ts";
import { createSlotStore } from "../src/channel/sandbox/slot-store.ts";
import { writeSnapshot, type SnapshotHead } from "../src/channel/sandbox/snapshot.ts";
import { createStateTree } from "../src/channel/sandbox/state-tree.ts";
import { fromHex } from "../src/utils/bytes.ts";
import { keccak256 } from "../src/utils/keccak.ts";
import { addressOfKey, recoverSigner, signDigest } from "../src/utils/recoverable-signature.ts";
import { recoverBatch, signAck, signBatch } from "../src/wire/channel/batch.ts";
import { callDigest, encodeCallInput, type Call, type SignedCall } from "../src/wire/channel/call.ts";
import { channelDomain } from "../src/wire/channel/domain.ts";
import { merkleRoot } from "../src/wire/channel/merkle.ts";
import {
  hashRecord,
  hashTouched,
  hashWrites,
  RECORD_KINDS,
  ZERO_HASH,
  type RecordHeader,
} from "../src/wire/channel/record.ts";

const BATCH_RECORDS = 16;
const PROGRAM_ADDRESS = "0x00000000000000000000000000000000000c0de0";
const CHANNEL = 1n;
const GENESIS_MS = 1_767_225_600_000;
const GAS_LIMIT = 500_000n;
const SENDERS = 16;
const BALANCE = wordOf(1_000_000n);
const DOMAIN = channelDomain(31_337n, "0x00000000000000000000000000000000000000cc");
const MEMBER_KEY = new Uint8Array(32).fill(7);
const MEMBER = addressOfKey(secp256k1.publicKeyCreate(MEMBER_KEY, false).subarray(1));

/** What a leader sends: records with what they are of, and its word for them. */
export interface SentBatch {
  readonly first: number;
  readonly inputs: readonly SignedCall[];
  readonly hashes: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

/** Users with keys. */
const users = Array.from({ length: SENDERS }, (_, index) => {
  const key = keccak256(Uint8Array.of(index));
  return { key, address: addressOfKey(secp256k1.publicKeyCreate(key, false).subarray(1)) };
});

export async function benchProgram(name: string): Promise<{ readonly abi: Interface; readonly code: Uint8Array }> {
  const { abi, deployedBytecode } = await artifacts.readArtifact(name);
  return { abi: new Interface(abi), code: fromHex(deployedBytecode) };
}

export function optionsOf(code: Uint8Array): SandboxOptions {
  return { address: PROGRAM_ADDRESS, code, ticks: { tickMs: 0, maxCatchUpTicks: 0, genesisMs: GENESIS_MS } };
}

/** Signed calls by the users in turn, from the n-th of all on; `dataOf` gives the calldata of each. */
export function signedCalls(count: number, dataOf: (index: number) => Uint8Array, from = 0): SignedCall[] {
  return Array.from({ length: count }, (_, offset) => {
    const index = from + offset;
    const { key, address } = users[index % SENDERS] as (typeof users)[number];
    const nonce = BigInt(Math.floor(index / SENDERS));
    const call: Call = {
      channel: CHANNEL,
      sender: address,
      nonce,
      gasLimit: GAS_LIMIT,
      validUntilMs: BigInt(GENESIS_MS + 1e9),
      data: dataOf(index),
    };
    return { call, signature: signDigest(callDigest(DOMAIN, call), key) };
  });
}

/** A program and a state of it to begin at. */
export interface BenchState {
  readonly code: Uint8Array;
  readonly head: SnapshotHead;
  readonly slots: ReadonlyMap<SlotKey, Uint8Array>;
}

/** A state of so many slots: balances of accounts, in the mapping at slot 0. */
export function stateOf(code: Uint8Array, count: number): BenchState {
  const tree = createStateTree();
  const slots = new Map<SlotKey, Uint8Array>();
  for (let index = 0; index < count; index++) {
    const slot = balanceSlot(accountOf(index));
    slots.set(toSlotKey(slot), BALANCE);
    tree.set(keccak256(slot), BALANCE);
  }
  return { code, slots, head: { height: -1, root: tree.root() } };
}

export async function openSandbox({ code, head, slots }: BenchState): Promise<Sandbox> {
  return await loadSandbox(optionsOf(code), writeSnapshot(head, slots), head);
}

/** The users first, then accounts without a key. */
export function accountOf(index: number): string {
  return users[index]?.address ?? `0x${(0x10_0000 + index).toString(16).padStart(40, "0")}`;
}

function balanceSlot(account: string): Uint8Array {
  const input = new Uint8Array(64);
  input.set(fromHex(account), 12);
  return keccak256(input);
}

/** The bound: nothing but the EVM and the slots that it needs, which go on from call to call. */
export async function bareLoop({ code, slots }: BenchState): Promise<(calls: readonly SignedCall[]) => Promise<void>> {
  const store = createSlotStore();
  store.apply([...slots]);
  const runner = await createCallRunner(store, optionsOf(code));
  let height = 0;
  return async (calls) => {
    for (const { call } of calls) {
      const context = { height, timeMs: GENESIS_MS + height++, randomness: ZERO_HASH };
      const data = withContext(call.data, call.sender, context);
      const { succeeded, failure } = await runner.run({ data, gasLimit: call.gasLimit });
      if (!succeeded) throw new Error(`call ${height}: ${failure}`);
      store.apply(store.changes());
      runner.finish();
    }
  };
}

/** What a leader does: recovers signatures, executes, hashes, and signs every 16 records. */
export async function lead(sandbox: Sandbox, calls: readonly SignedCall[]): Promise<SentBatch[]> {
  const batches: SentBatch[] = [];
  // Records of a benchmark need not follow those of the warm-up.
  let previous = ZERO_HASH;
  for (let from = 0; from < calls.length; from += BATCH_RECORDS) {
    const inputs = calls.slice(from, from + BATCH_RECORDS);
    const first = sandbox.height + 1;
    const hashes: Uint8Array[] = [];
    for (const input of inputs) hashes.push((previous = await record(sandbox, input, previous)));
    const batch = { channel: CHANNEL, term: 1, first, last: sandbox.height, recordsRoot: merkleRoot(hashes) };
    batches.push({ first, inputs, hashes, signature: signBatch(DOMAIN, batch, MEMBER_KEY) });
    sandbox.forgetUndo(first - BATCH_RECORDS);
  }
  return batches;
}

/** What a follower does: recovers all signatures, executes, compares, and signs an ack for every batch. */
export async function follow(sandbox: Sandbox, batches: readonly SentBatch[]): Promise<void> {
  let previous = ZERO_HASH;
  for (const { first, inputs, hashes, signature } of batches) {
    const batch = {
      channel: CHANNEL,
      term: 1,
      first,
      last: first + inputs.length - 1,
      recordsRoot: merkleRoot(hashes),
    };
    if (recoverBatch(DOMAIN, batch, signature) !== MEMBER) throw new Error("the leader's signature is wrong");
    for (const [index, input] of inputs.entries()) {
      previous = await record(sandbox, input, previous);
      if (Buffer.compare(previous, hashes[index] as Uint8Array) !== 0)
        throw new Error(`record ${first + index} differs`);
    }
    signAck(
      DOMAIN,
      { channel: CHANNEL, term: 1, height: sandbox.height, recordHash: previous, certified: 0 },
      MEMBER_KEY,
    );
    sandbox.forgetUndo(first - BATCH_RECORDS);
  }
}

/** Plays a batch again without any signature. */
export async function replay(sandbox: Sandbox, batches: readonly SentBatch[]): Promise<void> {
  let previous = ZERO_HASH;
  for (const { inputs } of batches) for (const input of inputs) previous = await play(sandbox, input, previous);
}

async function record(sandbox: Sandbox, input: SignedCall, previous: Uint8Array): Promise<Uint8Array> {
  if (recoverSigner(callDigest(DOMAIN, input.call), input.signature) !== input.call.sender)
    throw new Error("a user's signature is wrong");
  return await play(sandbox, input, previous);
}

async function play(sandbox: Sandbox, input: SignedCall, previous: Uint8Array): Promise<Uint8Array> {
  const height = sandbox.height + 1;
  const timeMs = GENESIS_MS + height;
  const execution = await sandbox.execute({ kind: "call", call: input.call }, { height, timeMs, randomness: previous });
  if (execution.status !== 1) throw new Error(`call ${height}: ${execution.failure}`);
  return hashRecord(headerOf(execution, input, { height, timeMs, previous }));
}

function headerOf(
  { status, gasUsed, returnData, touched, root }: Execution,
  input: SignedCall,
  place: Pick<RecordHeader, "height" | "timeMs" | "previous">,
): RecordHeader {
  return {
    channel: CHANNEL,
    term: 1,
    ...place,
    kind: RECORD_KINDS.call,
    inputHash: keccak256(encodeCallInput(input)),
    touchedHash: hashTouched(touched),
    writesHash: hashWrites(touched),
    status,
    gasUsed,
    returnHash: keccak256(returnData),
    stateRoot: root,
    inboxCursor: 0,
  };
}
