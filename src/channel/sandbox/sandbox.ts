import { MAX_CALL_GAS } from "../../domain/channel/limits.ts";
import type { TickRule } from "../../domain/channel/ticks.ts";
import { SprfError } from "../../errors.ts";
import { keccak256 } from "../../utils/keccak.ts";
import type { TouchedSlot } from "../../wire/channel/record.ts";
import { createCallRunner, type CallOutcome, type CallRunnerOptions } from "./call-runner.ts";
import { playInput, type Played } from "./play-input.ts";
import { withContext, type RecordContext } from "./program-context.ts";
import { CLOCK_SLOT, nonceSlotOf, sessionSlotOf } from "./protocol-slots.ts";
import type { RecordInput } from "./record-input.ts";
import { isZero, keepResults, numberOf, slotOf, toSlotKey, ZERO_WORD } from "./slot-key.ts";
import { createSlotStore, type SlotChange } from "./slot-store.ts";
import { readSnapshot, writeSnapshot, type SnapshotHead } from "./snapshot.ts";
import { createStateTree, type NodeOpening, type StateProof } from "./state-tree.ts";

/** Heights that can be taken back at most, unless the sandbox is told otherwise. */
const DEFAULT_UNDO_RECORDS = 10_000;
/** What a view may use, as much as a call: meanwhile the process does nothing else. */
const READ_GAS = BigInt(MAX_CALL_GAS);
/** The height before record 0. */
const BEFORE_GENESIS = -1;

/** What playing a record came to: what its header needs, and what clients are told. */
export interface Execution extends Played {
  /** Every slot that was read or written, ascending, with its values before and after. */
  readonly touched: readonly TouchedSlot[];
  /** The state's root after the record. */
  readonly root: Uint8Array;
}

export interface SandboxOptions extends CallRunnerOptions {
  readonly ticks: TickRule;
  /** How many records {@link Sandbox.revertLast} can take back. @default 10,000 */
  readonly undoRecords?: number;
}

/**
 * A channel's program and state: plays records one after the other and says what each did. It knows neither network nor
 * signatures; whatever it plays has been verified. Calls wait for each other in the order in which they came.
 */
export interface Sandbox {
  /** The height of the last record; -1 before record 0. */
  readonly height: number;
  /** The root of the state at that height. */
  readonly root: Uint8Array;
  /** How many slots hold something. */
  readonly slotCount: number;
  /**
   * Plays the record of the next height.
   * @throws SprfError `CHANNEL_INPUT_INVALID` when no valid record can hold this input here (the height, a nonce, a tick before
   * its time, a session key granted twice); nothing has changed then
   */
  execute(input: RecordInput, context: RecordContext): Promise<Execution>;
  /**
   * Calls the program at the head for an answer; whatever it writes is dropped. With `before`, on the state in which these slots
   * still held what they did before they were written.
   */
  read(call: {
    readonly sender: string;
    readonly data: Uint8Array;
    readonly gasLimit?: bigint;
    readonly context: RecordContext;
    readonly before?: readonly Pick<TouchedSlot, "slot" | "before">[];
  }): Promise<CallOutcome>;
  /**
   * Takes back the last `count` records.
   * @throws SprfError `CHANNEL_UNDO_MISSING` when that is more than are kept
   */
  revertLast(count: number): Promise<void>;
  /** Gives up the power to take back records up to this height, and the memory that it needs. */
  forgetUndo(height: number): void;
  /** The value of a slot at the head; zeros when it holds nothing. */
  slot(slot: Uint8Array): Uint8Array;
  /** Proves a slot's value, or that it holds nothing, against {@link Sandbox.root}. */
  prove(slot: Uint8Array): StateProof;
  /**
   * Proves each of some writes at the head, under the root that the ones before it lead to, with what stands beside its leaf. The
   * state stays as it is.
   */
  proveWrites(
    writes: readonly { readonly slot: Uint8Array; readonly value: Uint8Array }[],
  ): readonly { readonly proof: StateProof; readonly beside: NodeOpening | undefined }[];
  /** The nonce that the account's next call must carry. */
  nonceOf(account: string): bigint;
  /** What the wallet granted to the key: see docs/spec/channel-state.md; 0 for nothing. */
  sessionOf(wallet: string, key: string): bigint;
  /** When the next tick is due; undefined when the channel does not tick. */
  tickDueMs(): number | undefined;
  /** The state at the head, in parts: later records do not show in it. The same state gives the same bytes. */
  snapshot(): AsyncIterable<Uint8Array>;
}

/** A sandbox at the state before record 0. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  return await open(options, { height: BEFORE_GENESIS, changes: [] });
}

/**
 * A sandbox at the state of a snapshot.
 * @throws SprfError `CHANNEL_SNAPSHOT_INVALID` when the bytes are no snapshot, or of another head than `expected`, or do not
 * hash to its root
 */
export async function loadSandbox(
  options: SandboxOptions,
  parts: AsyncIterable<Uint8Array>,
  expected: SnapshotHead,
): Promise<Sandbox> {
  const { height, root, changes } = await readSnapshot(parts, expected);
  const sandbox = await open(options, { height, changes });
  if (Buffer.compare(sandbox.root, root) === 0) return sandbox;
  throw new SprfError("CHANNEL_SNAPSHOT_INVALID", "the snapshot's slots do not hash to its root");
}

async function open(
  options: SandboxOptions,
  from: { readonly height: number; readonly changes: readonly SlotChange[] },
): Promise<Sandbox> {
  const { ticks, undoRecords = DEFAULT_UNDO_RECORDS } = options;
  const store = createSlotStore();
  const tree = createStateTree();
  const runner = await createCallRunner(store, options);
  const pathOf = keepResults((key) => keccak256(slotOf(key)));
  /** What brings each of the last records back, the newest last. */
  const undo: SlotChange[][] = [];
  let height = from.height;
  let last: Promise<unknown> = Promise.resolve();

  const apply = (changes: readonly SlotChange[]): Uint8Array => {
    store.apply(changes);
    for (const [key, value] of changes) tree.set(pathOf(key), value);
    return tree.root();
  };
  let root = apply(from.changes);

  /** One at a time: the EVM has one journal, and a view must not see half a record. */
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    await before;
    try {
      return await work();
    } finally {
      runner.finish();
      resolve();
    }
  };

  const numberAt = (key: string): bigint => numberOf(store.head.get(key) ?? ZERO_WORD);

  return {
    get height() {
      return height;
    },
    get root() {
      return root;
    },
    get slotCount() {
      return store.head.size;
    },
    execute: async (input, context) =>
      await inTurn(async () => {
        if (context.height !== height + 1)
          throw new SprfError("CHANNEL_INPUT_INVALID", `the next record is ${height + 1}, not ${context.height}`);
        const played = await playInput({ store, runner, ticks }, input, context);
        const touched = store.touched();
        const changes = store.changes();
        undo.push(changes.map(([key]) => [key, store.head.get(key)]));
        if (undo.length > undoRecords) undo.shift();
        root = apply(changes);
        height = context.height;
        return { ...played, touched, root };
      }),
    read: async ({ sender, data, gasLimit = READ_GAS, context, before = [] }) =>
      await inTurn(async () => {
        store.recall(before.map(({ slot, before: value }) => [toSlotKey(slot), isZero(value) ? undefined : value]));
        return await runner.run({ data: withContext(data, sender, context), gasLimit });
      }),
    revertLast: async (count) =>
      await inTurn(async () => {
        if (count > undo.length)
          throw new SprfError("CHANNEL_UNDO_MISSING", `only ${undo.length} of ${count} records can be taken back`);
        for (const changes of undo.splice(undo.length - count).reverse()) root = apply(changes);
        height -= count;
      }),
    forgetUndo(upTo) {
      const kept = Math.max(0, height - upTo);
      if (kept < undo.length) undo.splice(0, undo.length - kept);
    },
    slot: (slot) => store.head.get(toSlotKey(slot)) ?? ZERO_WORD,
    prove: (slot) => tree.prove(keccak256(slot)),
    proveWrites(writes) {
      const proofs = writes.map(({ slot, value }) => {
        const path = keccak256(slot);
        const shown = { proof: tree.prove(path), beside: tree.beside(path) };
        tree.set(path, isZero(value) ? undefined : value);
        return shown;
      });
      for (const { slot } of writes) tree.set(keccak256(slot), store.head.get(toSlotKey(slot)));
      return proofs;
    },
    nonceOf: (account) => numberAt(nonceSlotOf(account)),
    sessionOf: (wallet, key) => numberAt(sessionSlotOf(wallet, key)),
    tickDueMs: () => (ticks.tickMs > 0 ? Number(numberAt(CLOCK_SLOT)) : undefined),
    snapshot: () => writeSnapshot({ height, root }, store.head),
  };
}
