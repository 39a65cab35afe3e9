import { faultOfNext } from "../domain/channel/record-rules.ts";
import { changesFault, headFault, isSkipped, type OwnSettlement } from "../domain/channel/settlement-faults.ts";
import type { DataRange, RecordData, SettlementProof } from "../ports/channel-challenges.ts";
import type { Evidence, SettledOpening, SlotValue } from "../ports/channel-court.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import { equalBytes } from "../utils/bytes.ts";
import { WORD_BYTES } from "../utils/keccak.ts";
import { encodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import { hashRecord, RECORD_KINDS } from "../wire/channel/record.ts";
import type { RecordBody } from "../wire/channel/record-body.ts";
import { hashSettlement, type Settlement } from "../wire/channel/settlement.ts";
import type { InFlight, Shown } from "./challenge-book.ts";
import type { Core } from "./core.ts";
import { evidenceAgainst, replayAgainst } from "./gather-evidence.ts";
import { genesisAgainst } from "./genesis-evidence.ts";
import { hubProofOf } from "./hub-proof.ts";
import type { OpenLog } from "./open-state.ts";
import { playOrNothing } from "./play-or-nothing.ts";
import type { PlayedRecord } from "./player.ts";
import { isOwn, ownSettlementTo, proveBetween, scratchAt } from "./scratch.ts";

/** Records that one demand is for, at most (contracts/libraries/ChannelDemands.sol). */
const MAX_DEMANDED = 256;

/** What is to be done about a settlement. */
export type JudgedStep =
  /** It is what this node would have it, or comes to the same. */
  | { readonly step: "none" }
  | { readonly step: "prove"; readonly proof: SettlementProof; readonly why: string }
  /** Only its data can say. */
  | { readonly step: "demand"; readonly range: DataRange; readonly why: string }
  /** It is false, or cannot be looked at, and this node can show nothing. */
  | { readonly step: "stuck"; readonly why: string };

/**
 * Holds a settlement against what this node has, and what answers to demands have shown of it. Plays the node's own log again where it
 * has to, beside what the node does.
 */
export async function judgeSettlement(
  core: Core,
  { proposal, settlement }: InFlight,
  shown: Shown,
  signal: AbortSignal,
): Promise<JudgedStep> {
  const entry = core.chain.entry(settlement.inboxCursor + 1);
  if (entry !== undefined && isSkipped(settlement, entry)) {
    return { step: "prove", proof: { kind: "skipped", entry }, why: `it leaves entry ${entry.index} of the inbox out` };
  }
  if (isOwn(core, settlement) === true) return { step: "none" };
  const isThere = core.player.head.header.height >= settlement.toHeight;
  const own = isThere ? await ownSettlementTo(core, settlement, signal) : undefined;
  if (own !== undefined) {
    if (equalBytes(hashSettlement(own.settlement), hashSettlement(settlement))) return { step: "none" };
    const proof = headFault(settlement, own);
    if (proof !== undefined)
      return { step: "prove", proof, why: "it says something else than the record it ends with" };
    if (equalBytes(own.settlement.head, settlement.head)) {
      return await judgeChanges(settlement, own, shown, (slot) => proveBetween(core, settlement, slot, signal));
    }
  }
  return await judgeRecords(core, { proposal, settlement }, shown, signal);
}

async function judgeChanges(
  { changesRoot }: Settlement,
  own: OwnSettlement,
  shown: Shown,
  prove: (slot: Uint8Array) => Promise<{ readonly before: HubSlotProof; readonly after: HubSlotProof }>,
): Promise<JudgedStep> {
  // Its records are said to be others, which takes nothing from anybody: head, state and changes are right.
  if (equalBytes(changesRoot, own.settlement.changesRoot)) return { step: "none" };
  const fault = changesFault(changesRoot, own.changes, shown);
  // The same changes in another order.
  if (fault === undefined) return { step: "none" };
  if (fault.kind === "unseen") {
    const range = { kind: "changes", first: fault.chunk, last: fault.chunk } as const;
    return { step: "demand", range, why: "its changes are others than this node's" };
  }
  const proofs = await prove(fault.slot);
  const { part, slot } = fault;
  if (fault.kind === "omission") {
    return { step: "prove", proof: { kind: "omission", part, slot, ...proofs }, why: "it leaves a change out" };
  }
  return {
    step: "prove",
    proof: { kind: "change", part, index: fault.index, ...proofs },
    why: "a change of it is wrong",
  };
}

/** Of a settlement that has other records than this node, or more. */
async function judgeRecords(core: Core, flight: InFlight, shown: Shown, signal: AbortSignal): Promise<JudgedStep> {
  const { fromHeight, toHeight } = flight.settlement;
  const hashes = new Map<number, Uint8Array>();
  let genesis: PlayedRecord | undefined;
  const { player } = await scratchAt(core, toHeight, signal, (record) => {
    hashes.set(record.header.height, record.hash);
    if (record.header.height === 0) genesis = record;
  });
  const start = player.at(player.lowest);
  if (start !== undefined) hashes.set(start.header.height, start.hash);
  const ownHead = player.head.header.height;
  let first = ownHead >= toHeight ? Math.max(fromHeight + 1, toHeight - MAX_DEMANDED + 1) : ownHead + 1;
  for (;;) {
    const range = unseenFrom(first, toHeight, shown);
    if (range !== undefined) return { step: "demand", range, why: "its records are not here" };
    const data = shown.records.get(first);
    const parent = hashes.get(first - 1);
    if (data === undefined) return { step: "stuck", why: "its records are not here" };
    if (parent !== undefined && equalBytes(data.header.previous, parent)) break;
    if (first === fromHeight + 1) {
      if (fromHeight === 0) return await judgeGenesis(core, flight, shown, genesis, signal);
      const proof = { kind: "head", header: data.header, siblings: data.proof } as const;
      return { step: "prove", proof, why: "it does not follow what is final" };
    }
    first = Math.max(fromHeight + 1, first - MAX_DEMANDED);
  }
  return await playShown(core, flight, shown, { first, hashes }, signal);
}

/** Of a first settlement that begins behind another record 0 than this node's. */
async function judgeGenesis(
  core: Core,
  { proposal }: InFlight,
  { records }: Shown,
  genesis: PlayedRecord | undefined,
  signal: AbortSignal,
): Promise<JudgedStep> {
  const why = "it begins with another record 0";
  const [data, next] = [records.get(0), records.get(1)];
  if (data === undefined) return { step: "demand", range: { kind: "records", first: 0, last: 1 }, why };
  if (genesis === undefined || next === undefined) return { step: "stuck", why };
  const { player } = await scratchAt(core, 0, signal);
  // The state before it.
  await player.sandbox.revertLast(1);
  const record = { header: next.header, proof: next.proof, proposal };
  const evidence = genesisAgainst({ record, shown: { ...data, touched: touchedIn(data) }, genesis }, player.sandbox);
  return { step: "prove", proof: { kind: "record", evidence }, why };
}

function unseenFrom(first: number, toHeight: number, { records }: Shown): DataRange | undefined {
  let begin = first;
  while (begin <= toHeight && records.has(begin)) begin += 1;
  if (begin > toHeight) return undefined;
  let last = begin;
  while (last < toHeight && !records.has(last + 1) && last - begin + 1 < MAX_DEMANDED) last += 1;
  return { kind: "records", first: begin, last };
}

/** Plays what was shown behind what this node has of the same, up to the first record that is false. */
async function playShown(
  core: Core,
  { proposal, settlement }: InFlight,
  { records, ...shown }: Shown,
  { first, hashes }: { readonly first: number; readonly hashes: ReadonlyMap<number, Uint8Array> },
  signal: AbortSignal,
): Promise<JudgedStep> {
  const { fromHeight, toHeight } = settlement;
  const scratch = await scratchAt(core, first - 1, signal);
  if (scratch.unsettled.fromHeight < fromHeight) scratch.unsettled.settled(fromHeight);
  const recordHashes = Array.from({ length: first - 1 - fromHeight }, (_, index) => hashes.get(fromHeight + 1 + index));
  const opened = (data: RecordData): SettledOpening => ({ header: data.header, proof: data.proof, proposal });
  for (let height = first; height <= toHeight; height += 1) {
    const data = records.get(height);
    const before = records.get(height - 1);
    if (data === undefined) return { step: "stuck", why: `record ${height} of it is not here` };
    const played = await playAs(core, scratch, data);
    if (played === undefined) {
      const isLinked = equalBytes(data.header.previous, scratch.player.head.hash);
      const evidence: Evidence | undefined =
        isLinked || before === undefined
          ? await falseRecord({ ...core, player: scratch.player }, data, opened(data))
          : { fault: "unlinked", record: opened(data), signedBefore: opened(before) };
      const why = `record ${height} of it is false`;
      if (evidence === undefined) return { step: "stuck", why: `${why}, in a way that nothing shows` };
      return { step: "prove", proof: { kind: "record", evidence }, why };
    }
    scratch.unsettled.add(played);
    recordHashes.push(played.hash);
  }
  const made = scratch.unsettled.settlementTo(toHeight, settlement.mode);
  if (made === undefined) return { step: "stuck", why: "what its records come to is not known" };
  const { header } = scratch.player.head;
  const own = { ...made, header, recordHashes: recordHashes.filter((hash) => hash !== undefined) };
  const proof = headFault(settlement, own);
  if (proof !== undefined) return { step: "prove", proof, why: "it says something else than the record it ends with" };
  return await judgeChanges(settlement, own, { records, ...shown }, async (slot) => ({
    ...(await proveBetween(core, { fromHeight, toHeight: first - 1 }, slot, signal)),
    after: hubProofOf(scratch.player.sandbox.prove(slot)),
  }));
}

async function falseRecord(core: Core, data: RecordData, record: SettledOpening): Promise<Evidence | undefined> {
  const evidence = await evidenceAgainst(core, record, bodyOf(data));
  if (evidence !== undefined) return evidence;
  const touched = touchedIn(data);
  const before = core.player.head.header;
  return (
    falseValue(core, touched, { record, before }) ?? (await replayAgainst(core, record, { input: data.input, touched }))
  );
}

/** A slot of which the record says that it held something else. */
function falseValue(
  { player: { sandbox } }: Core,
  touched: readonly SlotValue[],
  place: Pick<Extract<Evidence, { readonly fault: "falseValue" }>, "record" | "before">,
): Evidence | undefined {
  const index = touched.findIndex(({ slot, value }) => !equalBytes(sandbox.slot(slot), value));
  const wrong = touched[index];
  if (wrong === undefined) return undefined;
  return { fault: "falseValue", ...place, touched, index, proof: hubProofOf(sandbox.prove(wrong.slot)) };
}

function touchedIn({ touched: packed }: RecordData): SlotValue[] {
  const touched: SlotValue[] = [];
  for (let at = 0; at < packed.length; at += 2 * WORD_BYTES) {
    touched.push({
      slot: packed.slice(at, at + WORD_BYTES),
      value: packed.slice(at + WORD_BYTES, at + 2 * WORD_BYTES),
    });
  }
  return touched;
}

/** The record as this node plays it; undefined when it comes to another one, or must not be there. */
async function playAs(
  { chain }: Core,
  { player }: OpenLog,
  { header, input }: RecordData,
): Promise<PlayedRecord | undefined> {
  const { head } = player;
  const waiting = chain.entry(head.header.inboxCursor + 1);
  const tickDueMs = player.sandbox.tickDueMs();
  // When it was made is not known, nor in which term nodes were then.
  const context = { term: header.term, tickDueMs, nowMs: header.timeMs, waiting };
  const entry = header.kind === RECORD_KINDS.inbox ? chain.entry(header.inboxCursor) : undefined;
  const isForeign = entry !== undefined && !equalBytes(encodeInboxEntry(entry), input);
  if (faultOfNext(head, header, context) !== undefined || isForeign) return undefined;
  const played = await playOrNothing(player, header, input);
  if (played === undefined || equalBytes(played.hash, hashRecord(header))) return played;
  await player.revertTo(head.header.height);
  return undefined;
}

function bodyOf({ header, input }: RecordData): RecordBody {
  const { kind, status, timeMs, gasUsed, inboxCursor, touchedHash, writesHash, returnHash, stateRoot } = header;
  return { kind, status, timeMs, gasUsed, inboxCursor, touchedHash, writesHash, returnHash, stateRoot, input };
}
