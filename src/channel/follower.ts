import { changesMembers, memberOfSigner } from "../domain/channel/membership.ts";
import { isBeyondSight } from "../domain/channel/inbox-patience.ts";
import { faultOfNext, faultOfResult, forged, type RecordFault } from "../domain/channel/record-rules.ts";
import { isSprfError, messageOf } from "../errors.ts";
import type { Evidence } from "../ports/channel-court.ts";
import { equalBytes } from "../utils/bytes.ts";
import { encodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import { encodeRecordBody } from "../wire/channel/record-body.ts";
import { hashRecord, RECORD_KINDS } from "../wire/channel/record.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import { PUNISHMENT_REASONS } from "../wire/channel/settlement.ts";
import {
  ackOfHead,
  certifiedHeight,
  holdsBase,
  cutTo,
  enterTerm,
  finalHere,
  keep,
  officeOf,
  sendToLeader,
  tell,
  type Core,
} from "./core.ts";
import { findEquivocation, gatherEvidence } from "./gather-evidence.ts";
import type { Logged } from "./log-entries.ts";
import type { PlayedRecord, PlayerStart } from "./player.ts";
import { readBatch, type ReadRecord } from "./read-batch.ts";
import { judgeTermRecord, mayComeFirst } from "./term-record.ts";

/** A leader's lie: the record, and what is wrong with it. */
export interface FoundFault extends RecordFault {
  readonly term: number;
  /** The leader's account. */
  readonly leader: string;
  readonly height: number;
  readonly recordHash: Uint8Array;
  /** What shows it to the chain, where that can be shown. */
  readonly evidence?: Evidence | undefined;
}

/** Records of one term, from the chain. */
export interface ShownRecords {
  readonly records: readonly [ReadRecord, ...(readonly ReadRecord[])];
}

/** Records of one term at their place. */
interface ReadRun {
  readonly term: number;
  readonly first: number;
  readonly records: readonly ReadRecord[];
  /** The record before. */
  readonly parent: PlayerStart;
  /** Undefined where the chain answers for them. */
  readonly signed?: { readonly batch: SignedBatch; readonly signer: string | undefined };
}

/** What came of a batch. */
export type BatchOutcome =
  | { readonly outcome: "kept" }
  /** It was there already. */
  | { readonly outcome: "known" }
  /** Something before it is missing here. */
  | { readonly outcome: "gap" }
  /** Not of a leader, not of this term, or it would undo what is certified. */
  | { readonly outcome: "refused"; readonly why: string }
  /** The chain does not show here yet what it takes. */
  | { readonly outcome: "early" }
  | { readonly outcome: "fault"; readonly fault: FoundFault };

/**
 * Plays a leader's batch, compares every record, and writes it down. In turn; what does not compare is taken back. The same for records of
 * one term that were published on the chain: it has seen that the leader of their term, or of a later one, has signed what follows from
 * them. It does not say the batches, so that nobody is convicted by them here.
 */
export async function playLeadersBatch(core: Core, given: SignedBatch | ShownRecords): Promise<BatchOutcome> {
  const run = "signature" in given ? placeBatch(core, given) : placeShown(core, given);
  if ("outcome" in run) return run;
  const { records, parent, signed } = run;
  const begins = records[0]?.body.kind === RECORD_KINDS.term;
  const begun = begins ? await beginTerm(core, run) : undefined;
  if (begun !== undefined) return begun;
  const term = core.terms.of(run.term);
  if (term === undefined) return { outcome: "early" };
  if (signed !== undefined && signed.signer !== term.signer) {
    return { outcome: "refused", why: "not signed by the term's leader, or of other records before" };
  }
  // Its beginning may be there: what was taken back may have ended within a batch, and other batches of the same records are innocent.
  const known = records.findIndex(({ header, hash }) => {
    const own = core.player.at(header.height)?.hash;
    return own === undefined || !equalBytes(own, hash);
  });
  if (known < 0) return { outcome: "known" };
  const first = run.first + known;
  const inItsPlace = core.player.at(first)?.header.term;
  // Other records of one term would be a leader's second word, of which the first counts.
  if (inItsPlace === run.term) {
    return (signed === undefined ? undefined : await twice(core, signed.batch)) ?? { outcome: "known" };
  }
  // An election shows that what is certified and not committed may go.
  const sure = Math.max(begins ? core.committed : (core.certificate?.height ?? 0), finalHere(core));
  if (inItsPlace !== undefined && first <= sure) return { outcome: "refused", why: "it would undo what is certified" };
  // A new leader goes on from what was certified; what it has not signed takes nothing back.
  await cutTo(core, first - 1);
  const before = core.player.head.header.height;
  const played: PlayedRecord[] = [];
  const takeBack = async (): Promise<void> => {
    await core.player.revertTo(before);
    core.unsettled.revertTo(before);
  };
  for (const record of records.slice(known)) {
    // Published ones may be of several batches.
    const isLast = signed === undefined || record === records.at(-1);
    const place = { sinceEntry: term.sinceEntry, isLast };
    const result = await playRecord(core, record, place).catch(async (error: unknown) => {
      await takeBack();
      throw error;
    });
    if (result === "early" || "reason" in result) {
      const isShown = result === "early" || signed === undefined;
      const evidence = isShown ? undefined : await gatherEvidence(core, signed.batch, parent.hash);
      await takeBack();
      if (result === "early") return { outcome: "early" };
      const { header, hash } = record;
      return {
        outcome: "fault",
        fault: { ...result, term: run.term, leader: term.leader, height: header.height, recordHash: hash, evidence },
      };
    }
    core.unsettled.add(result);
    played.push(result);
  }
  await keep(core, [loggedOf(run)]).catch(async (error: unknown) => {
    // What is not written down must not be the head, which is acked.
    await takeBack();
    throw error;
  });
  tell(core, { kind: "records", records: played });
  return { outcome: "kept" };
}

function placeBatch(core: Core, batch: SignedBatch): ReadRun | BatchOutcome {
  const { domain, info } = core;
  const { term, first } = batch;
  const parent = parentOf(core, batch);
  if ("outcome" in parent) return parent;
  const { records, signer } = readBatch(batch, { domain, channel: info.channel, before: parent.hash });
  return { term, first, records, parent, signed: { batch, signer } };
}

function placeShown(core: Core, { records }: ShownRecords): ReadRun | BatchOutcome {
  const { term, height: first, previous } = records[0].header;
  const parent = parentOf(core, { term, first });
  if ("outcome" in parent) return parent;
  if (!equalBytes(parent.hash, previous)) return { outcome: "refused", why: "of other records before" };
  return { term, first, records, parent };
}

function loggedOf({ term, first, records, signed }: ReadRun): Logged {
  if (signed !== undefined) return { kind: "batch", batch: signed.batch };
  return { kind: "shown", run: { term, first, records: records.map(({ body }) => encodeRecordBody(body)) } };
}

/**
 * Sends the leader an ack of the head, once for each head and certificate unless it is asked for again. In turn: while a batch is being
 * played or written, the head is a record that a crash would take.
 */
export function createAcker(core: Core): (options?: { readonly again?: boolean }) => void {
  let last = { term: 0, height: -1, certified: -1 };
  const ack = async (again: boolean): Promise<void> => {
    // What came without a batch is not written down yet.
    if (core.unwritten !== undefined) await keep(core, []);
    const term = officeOf(core);
    const { header } = core.player.head;
    // Of the head of this term only: what an earlier leader has signed counts with what this one adds.
    if (term === undefined || header.term !== core.term || !holdsBase(core)) return;
    const now = { term: core.term, height: header.height, certified: certifiedHeight(core) };
    if (!again && now.term === last.term && now.height === last.height && now.certified === last.certified) return;
    const { height, recordHash, certified, signature } = ackOfHead(core);
    const acks = [{ height, recordHash, certified, signature }];
    if (sendToLeader(core, { kind: "acks", term: core.term, acks }) !== undefined) last = now;
  };
  /** The one that waits for its turn: it acks the head as it is then. */
  let next: { again: boolean } | undefined;
  return ({ again = false } = {}) => {
    if (next !== undefined) {
      next.again ||= again;
      return;
    }
    const turn = { again };
    next = turn;
    core
      .inTurn(async () => {
        next = undefined;
        await ack(turn.again);
      })
      .catch((error: unknown) => core.logger.error("an ack was not sent", { reason: messageOf(error) }));
  };
}

/** Other records than those of the same leader and term that are here. */
async function twice(core: Core, batch: SignedBatch): Promise<BatchOutcome | undefined> {
  const term = core.terms.of(batch.term);
  const evidence = await findEquivocation(core, batch, term?.signer);
  if (term === undefined || evidence === undefined) return undefined;
  const { header } = evidence.record;
  const { equivocation: reason } = PUNISHMENT_REASONS;
  const fault = {
    reason,
    message: `two records at height ${header.height}`,
    term: batch.term,
    leader: term.leader,
    height: header.height,
    recordHash: hashRecord(header),
    evidence,
  };
  return { outcome: "fault", fault };
}

/** Goes to the term that a batch begins, when its election holds; otherwise what is to be made of the batch. */
async function beginTerm(core: Core, { term, records, parent, signed }: ReadRun): Promise<BatchOutcome | undefined> {
  const { domain, info, chain } = core;
  const [record] = records;
  if (record === undefined) return { outcome: "refused", why: "a batch of nothing" };
  const judged = judgeTermRecord({ domain, channel: info.channel, chain, terms: core.terms }, record, parent);
  if (judged.verdict === "early") return { outcome: "early" };
  if (judged.verdict === "fault") {
    // Nobody who is not a member can be held to it.
    const liar = memberOfSigner(parent.membership, signed?.signer ?? "");
    if (liar === undefined) return { outcome: "refused", why: judged.fault.message };
    const { header, hash } = record;
    const place = { term, leader: liar.account, height: header.height, recordHash: hash };
    return { outcome: "fault", fault: { ...judged.fault, ...place } };
  }
  if (signed !== undefined && signed.signer !== judged.election.signer) {
    return { outcome: "refused", why: "not signed by whom the election names" };
  }
  core.terms.elect(judged.election, judged.kept);
  await enterTerm(core, term, judged.election.leader);
  return undefined;
}

/** The record before; or why what follows it cannot be played now, whoever has signed it. */
function parentOf(core: Core, { term, first }: Pick<SignedBatch, "term" | "first">): PlayerStart | BatchOutcome {
  const { player, terms, network } = core;
  const { header } = player.head;
  if (term < header.term) return { outcome: "refused", why: `of term ${term} after ${header.term}` };
  // Its first record is still to come, and follows what its election names.
  const isElected = terms.baseOf(core.term) !== undefined && terms.of(core.term)?.signer === network.self;
  if (isElected && term < core.term) return { outcome: "refused", why: `this node leads term ${core.term}` };
  if (first > header.height + 1) return { outcome: "gap" };
  return player.at(first - 1) ?? { outcome: "refused", why: "it follows what is no longer known" };
}

async function playRecord(
  core: Core,
  { body, header }: ReadRecord,
  { sinceEntry, isLast }: { readonly sinceEntry: number; readonly isLast: boolean },
): Promise<PlayedRecord | RecordFault | "early"> {
  const { player, clock } = core;
  const tickDueMs = player.sandbox.tickDueMs();
  const { head } = player;
  const waiting = core.chain.entry(head.header.inboxCursor + 1);
  const fault = faultOfNext(head, header, { term: header.term, tickDueMs, nowMs: clock.now(), waiting });
  if (fault !== undefined) return fault;
  if (isBeyondSight(header, core.chain.seenMs)) return "early";
  if (header.kind === RECORD_KINDS.inbox) {
    const entry = core.chain.entry(header.inboxCursor);
    if (entry === undefined) return "early";
    if (!equalBytes(encodeInboxEntry(entry), body.input)) return forged("an entry of the inbox that is none");
    if (changesMembers(entry) && !isLast) return forged("a batch that goes on behind a change of members");
  } else if (!mayComeFirst(header.kind) && head.membership.cursor < sinceEntry) {
    return forged("a term that does not begin with the entries of the inbox that made it");
  }
  let played: PlayedRecord;
  try {
    played = await player.play(body.kind, body.input, { term: header.term, timeMs: header.timeMs });
  } catch (error) {
    if (isSprfError(error) && error.fault !== "internal") return forged(error.message);
    throw error;
  }
  const result = faultOfResult(played.header, header);
  if (result === undefined) return played;
  await player.revertTo(head.header.height);
  return result;
}
