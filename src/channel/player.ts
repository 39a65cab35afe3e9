import { takeEntry, votersBetween, type Membership } from "../domain/channel/membership.ts";
import type { Predecessor } from "../domain/channel/record-rules.ts";
import { SprfError } from "../errors.ts";
import { keccak256 } from "../utils/keccak.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { decodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import {
  hashRecord,
  hashTouched,
  hashWrites,
  RECORD_KINDS,
  ZERO_HASH,
  type RecordHeader,
  type TouchedSlot,
} from "../wire/channel/record.ts";
import type { RecordBody } from "../wire/channel/record-body.ts";
import { effectOf, readCall, readSession } from "./read-input.ts";
import type { ProgramLog } from "./sandbox/call-runner.ts";
import type { ProgramCall, RecordInput } from "./sandbox/record-input.ts";
import type { Execution, Sandbox } from "./sandbox/sandbox.ts";

/** A record that was played, with all that clients are told of it. */
export interface PlayedRecord extends Predecessor {
  readonly body: RecordBody;
  readonly touched: readonly TouchedSlot[];
  readonly returnData: Uint8Array;
  readonly logs: readonly ProgramLog[];
  /** Why its call failed. */
  readonly failure?: string;
  /** With its entry of the inbox. */
  readonly membership: Membership;
}

/** Where a player begins: a record, with what it came to. */
export interface PlayerStart extends Predecessor {
  readonly membership: Membership;
}

/** Plays records on a sandbox and knows the last ones, which can be taken back. */
export interface Player {
  readonly sandbox: Sandbox;
  readonly head: PlayerStart;
  /** The lowest height that {@link Player.at} knows. */
  readonly lowest: number;
  at(height: number): PlayerStart | PlayedRecord | undefined;
  /** The members before the record at `height`, who have a say about it, without one of whom it says that it is absent. */
  votersAt(height: number): Membership | undefined;
  /**
   * Plays an input as the next record. `check` may refuse a call that a record could hold, before anything has changed.
   *
   * @throws SprfError for an input that no valid record can hold here; nothing has changed then
   */
  play(
    kind: number,
    input: Uint8Array,
    at: { readonly term: number; readonly timeMs: number; readonly check?: (call: ProgramCall) => void },
  ): Promise<PlayedRecord>;
  /** Takes back all above `height`; resolves with them, in order. @throws SprfError `CHANNEL_UNDO_MISSING` */
  revertTo(height: number): Promise<readonly PlayedRecord[]>;
  /** Records below `height` will not be asked for nor taken back. */
  forget(height: number): void;
}

export function createPlayer(
  { sandbox, channel, domain }: { readonly sandbox: Sandbox; readonly channel: bigint; readonly domain: ChannelDomain },
  start: PlayerStart,
): Player {
  let known: (PlayerStart | PlayedRecord)[] = [start];
  let head: PlayerStart = start;

  const lowest = (): number => known[0]?.header.height ?? 0;
  const at = (height: number): PlayerStart | PlayedRecord | undefined => known[height - lowest()];

  function read(kind: number, input: Uint8Array, timeMs: number): { effect: RecordInput; membership: Membership } {
    const context = {
      domain,
      channel,
      timeMs,
      sessionOf: (wallet: string, key: string) => sandbox.sessionOf(wallet, key),
    };
    const { membership } = head;
    switch (kind) {
      case RECORD_KINDS.call:
        return { effect: { kind: "call", call: readCall(input, context) }, membership };
      case RECORD_KINDS.tick:
        return { effect: { kind: "tick" }, membership };
      case RECORD_KINDS.term:
        return { effect: { kind: "term" }, membership };
      case RECORD_KINDS.session:
        return { effect: readSession(input, context), membership };
      case RECORD_KINDS.inbox: {
        const entry = decodeInboxEntry(input);
        return {
          effect: { kind: "inbox", effect: effectOf(entry, context) },
          membership: takeEntry(membership, entry),
        };
      }
      default:
        throw new SprfError("CHANNEL_INPUT_INVALID", `a record of kind ${kind}`);
    }
  }

  return {
    sandbox,
    get head() {
      return head;
    },
    get lowest() {
      return lowest();
    },
    at,
    votersAt(height) {
      const before = at(height - 1)?.membership;
      return before === undefined ? undefined : votersBetween(before, at(height)?.membership);
    },
    async play(kind, input, { term, timeMs, check }) {
      const height = head.header.height + 1;
      const { effect, membership } = read(kind, input, timeMs);
      if (effect.kind === "call") check?.(effect.call);
      const execution = await sandbox.execute(effect, { height, timeMs, randomness: head.hash });
      const { header, body } = recordOf(
        { channel, term, height, kind, timeMs, previous: head.hash, input },
        execution,
        membership,
      );
      const played: PlayedRecord = {
        header,
        hash: hashRecord(header),
        body,
        membership,
        touched: execution.touched,
        returnData: execution.returnData,
        logs: execution.logs,
        ...(execution.failure === undefined ? {} : { failure: execution.failure }),
      };
      known.push(played);
      head = played;
      return played;
    },
    async revertTo(height) {
      const target = at(height);
      if (target === undefined) throw new SprfError("CHANNEL_UNDO_MISSING", `height ${height} is no longer known`);
      const count = head.header.height - height;
      if (count <= 0) return [];
      await sandbox.revertLast(count);
      head = target;
      return known.splice(known.length - count) as PlayedRecord[];
    },
    forget(height) {
      const count = Math.min(height, head.header.height) - lowest();
      if (count <= 0) return;
      known = known.slice(count);
      sandbox.forgetUndo(lowest());
    },
  };
}

/** What everybody makes of the chain: record 0, on a sandbox before it. */
export async function playGenesis(
  sandbox: Sandbox,
  {
    channel,
    createdAtMs,
    state,
  }: { readonly channel: bigint; readonly createdAtMs: number; readonly state: Uint8Array },
  membership: Membership,
): Promise<PlayedRecord> {
  const place = {
    channel,
    term: 0,
    height: 0,
    kind: RECORD_KINDS.initialize,
    timeMs: createdAtMs,
    previous: ZERO_HASH,
  };
  const context = { height: 0, timeMs: createdAtMs, randomness: ZERO_HASH };
  const execution = await sandbox.execute({ kind: "initialize", state }, context);
  const { header, body } = recordOf({ ...place, input: state }, execution, membership);
  const { touched, returnData, logs } = execution;
  return { header, hash: hashRecord(header), body, membership, touched, returnData, logs };
}

function recordOf(
  place: Pick<RecordHeader, "channel" | "term" | "height" | "kind" | "timeMs" | "previous"> & {
    readonly input: Uint8Array;
  },
  { status, gasUsed, returnData, touched, root }: Execution,
  { cursor }: Membership,
): { readonly header: RecordHeader; readonly body: RecordBody } {
  const { input, ...rest } = place;
  const result = {
    touchedHash: hashTouched(touched),
    writesHash: hashWrites(touched),
    status,
    gasUsed,
    returnHash: keccak256(returnData),
    stateRoot: root,
    inboxCursor: cursor,
  };
  return {
    header: { ...rest, inputHash: keccak256(input), ...result },
    body: { kind: rest.kind, timeMs: rest.timeMs, input, ...result },
  };
}
