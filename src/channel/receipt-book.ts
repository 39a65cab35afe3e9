import type { ChannelOutcome } from "../ports/channel-service.ts";
import { equalBytes } from "../utils/bytes.ts";
import { decodeCallInput } from "../wire/channel/call.ts";
import { contentOf, decodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import { RECORD_KINDS, RECORD_STATUS, type TouchedSlot } from "../wire/channel/record.ts";
import type { RecordBody } from "../wire/channel/record-body.ts";
import { decodeSessionInput } from "../wire/channel/session.ts";
import type { PlayedRecord, Player } from "./player.ts";
import { nonceSlotOf } from "./sandbox/protocol-slots.ts";
import { slotOf } from "./sandbox/slot-key.ts";

/** Of the newest records; what is older is dropped at whichever of the two comes first. */
const MAX_OUTCOMES = 16_384;
const MAX_BYTES = 32 * 1024 * 1024;
/** Of an outcome without inputs, logs and changes. */
const FIXED_BYTES = 512;
const CHANGE_BYTES = 96;

const KIND_NAMES = new Map(
  Object.entries(RECORD_KINDS).map(([name, kind]) => [kind as number, name as ChannelOutcome["kind"]]),
);

/** What a record did, and the bytes of what was asked for. */
export interface KeptOutcome extends ChannelOutcome {
  readonly input: Uint8Array;
}

/**
 * Outcomes of records by height and by caller, for much longer than the records can be taken back: a client that was cut off asks for
 * its call again by its number, while others have gone on.
 */
export interface ReceiptBook {
  /** Takes what was played since. A number is spent as soon as its record is played, so each question does this first. */
  catchUp(): void;
  at(height: number): KeptOutcome | undefined;
  /** The height of an account's call, or end of a session, of this number. */
  heightOf(account: string, nonce: bigint): number | undefined;
  /** Whether a snapshot came in the place of what stood there and was not committed: nobody here knows what became of it. */
  isUnsure(height: number): boolean;
}

/**
 * A book of all that `player` knows now and plays from now on; the player may be another one after a snapshot. Then only what was
 * committed before, as `committed` says, is still what the channel has.
 */
export function createReceiptBook(
  player: () => Pick<Player, "head" | "at">,
  committed: () => number = () => player().head.header.height,
): ReceiptBook {
  const outcomes = new Map<number, KeptOutcome>();
  const heights = new Map<string, number>();
  let bytes = 0;
  let top = 0;
  let known: unknown = player();
  let sure = committed();
  let unsure = { above: 0, to: 0 };

  const drop = (height: number): void => {
    const outcome = outcomes.get(height);
    if (outcome === undefined) return;
    outcomes.delete(height);
    bytes -= bytesOf(outcome);
    const key = keyOf(outcome);
    if (key !== undefined && heights.get(key) === height) heights.delete(key);
  };
  const add = (record: PlayedRecord): void => {
    const outcome = outcomeOf(record);
    drop(outcome.height);
    outcomes.set(outcome.height, outcome);
    bytes += bytesOf(outcome);
    const key = keyOf(outcome);
    if (key !== undefined) heights.set(key, outcome.height);
    for (const oldest of outcomes.keys()) {
      if (outcomes.size <= MAX_OUTCOMES && bytes <= MAX_BYTES) break;
      drop(oldest);
    }
  };
  const catchUp = (): void => {
    const now = player();
    const { head, at } = now;
    const { height } = head.header;
    if (now === known) sure = committed();
    else {
      for (; top > sure; top -= 1) drop(top);
      unsure = { above: sure, to: height };
      known = now;
    }
    for (; top > height; top -= 1) drop(top);
    const unseen: PlayedRecord[] = [];
    for (let below = height; below >= 0; below -= 1) {
      const record = at(below);
      // The hash itself, not one that is equal: another record may have had this height.
      if (record === undefined || !("body" in record) || outcomes.get(below)?.recordHash === record.hash) break;
      unseen.push(record);
    }
    for (const record of unseen.toReversed()) add(record);
    top = height;
  };

  return {
    catchUp,
    at(height) {
      catchUp();
      return outcomes.get(height);
    },
    heightOf(account, nonce) {
      catchUp();
      return heights.get(`${account}/${nonce}`);
    },
    isUnsure(height) {
      catchUp();
      return height > unsure.above && height <= unsure.to && !outcomes.has(height);
    },
  };
}

function outcomeOf({ header, body, hash, touched, returnData, logs }: PlayedRecord): KeptOutcome {
  const changes = touched.filter(({ before, after }) => !equalBytes(before, after));
  return {
    height: header.height,
    term: header.term,
    timeMs: header.timeMs,
    kind: KIND_NAMES.get(header.kind) ?? "call",
    ...callerOf(body, changes),
    status:
      header.status === RECORD_STATUS.success
        ? "success"
        : header.status === RECORD_STATUS.failed
          ? "failed"
          : "over-limit",
    gasUsed: BigInt(header.gasUsed),
    returnData,
    logs: logs.map(({ topics, data }) => ({ topics, data })),
    changes,
    recordHash: hash,
    stateRoot: header.stateRoot,
    input: body.input,
  };
}

/** Whose call, or whose end of a session, a record is. */
function callerOf(
  { kind, input }: Pick<RecordBody, "kind" | "input">,
  changes: readonly TouchedSlot[],
): { readonly sender: string; readonly nonce: bigint } | undefined {
  if (kind === RECORD_KINDS.call) {
    const { sender, nonce } = decodeCallInput(input).call;
    return { sender, nonce };
  }
  if (kind === RECORD_KINDS.inbox) return forcedCallerOf(input, changes);
  if (kind !== RECORD_KINDS.session) return undefined;
  const session = decodeSessionInput(input);
  return session.what === "revoke" ? { sender: session.revoke.wallet, nonce: session.revoke.nonce } : undefined;
}

/** Anybody may force what was taken before, or was never signed: only a call that has spent its number is one. */
function forcedCallerOf(
  input: Uint8Array,
  changes: readonly TouchedSlot[],
): { readonly sender: string; readonly nonce: bigint } | undefined {
  const content = contentOf(decodeInboxEntry(input));
  if (content.kind !== "forcedCall") return undefined;
  const { sender, nonce } = content.signedCall.call;
  const slot = slotOf(nonceSlotOf(sender));
  return changes.some((change) => equalBytes(change.slot, slot)) ? { sender, nonce } : undefined;
}

function keyOf({ sender, nonce }: ChannelOutcome): string | undefined {
  return sender === undefined || nonce === undefined ? undefined : `${sender}/${nonce}`;
}

function bytesOf({ input, returnData, logs, changes }: KeptOutcome): number {
  const logged = logs.reduce((sum, { topics, data }) => sum + 32 * topics.length + data.length, 0);
  return FIXED_BYTES + input.length + returnData.length + logged + CHANGE_BYTES * changes.length;
}
