import { proveElection, type ProvenElection } from "../domain/channel/election.ts";
import type { Membership } from "../domain/channel/membership.ts";
import { forged, wrongOrder, type Predecessor, type RecordFault } from "../domain/channel/record-rules.ts";
import { isSprfError } from "../errors.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { decodeElection, type Election } from "../wire/channel/leader-change.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import { decodeRecordBody, type RecordBody } from "../wire/channel/record-body.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import type { ChainView } from "./chain-view.ts";
import type { ReadRecord } from "./read-batch.ts";
import type { TermBook } from "./term-book.ts";

/** So far apart may be the clocks of a leader and of blocks, with what a node waits for behind a block. */
const SIGHT_MS = 60_000;

/** The input of a term's first record, and who voted. */
export interface KeptElection {
  /** The entry of the inbox as of which members voted. */
  readonly cursor: number;
  /** The entry that began the term, 0 where the members did. */
  readonly sinceEntry: number;
  /** Whom the chain took the office from, who has no vote. */
  readonly accused?: string | undefined;
  readonly input: Uint8Array;
}

interface TermRecordInit {
  readonly domain: ChannelDomain;
  readonly channel: bigint;
  readonly chain: Pick<ChainView, "termOf" | "membershipAt" | "inboxLength" | "isSettled" | "seenMs">;
  readonly terms: Pick<TermBook, "of">;
}

/** What a term's first record comes to. */
export type TermVerdict =
  | { readonly verdict: "proven"; readonly election: ProvenElection; readonly kept: KeptElection }
  /** The chain does not show here yet what it takes. */
  | { readonly verdict: "early" }
  | { readonly verdict: "fault"; readonly fault: RecordFault };

/** Whether a batch begins a term. @throws SprfError `MESSAGE_INVALID` */
export function beginsTerm({ records: [first] }: SignedBatch): boolean {
  return first !== undefined && decodeRecordBody(first).kind === RECORD_KINDS.term;
}

/** Whether records of a kind may come before the entries of the inbox that made their term. */
export function mayComeFirst(kind: number): boolean {
  return kind === RECORD_KINDS.tick || kind === RECORD_KINDS.term;
}

/** Whether a quorum stands behind the record that begins a term, and whether it goes on from the record that they show. */
export function judgeTermRecord(init: TermRecordInit, { header, body }: ReadRecord, parent: Predecessor): TermVerdict {
  const { chain } = init;
  let election: Election;
  try {
    election = decodeElection(body.input);
  } catch (error) {
    if (!isSprfError(error, "MESSAGE_INVALID")) throw error;
    return { verdict: "fault", fault: forged(error.message) };
  }
  if (election.term !== header.term) return { verdict: "fault", fault: forged(`an election of term ${election.term}`) };
  const proven = proveElectionIn(init, body);
  if (proven === undefined) {
    // By an entry that is not seen here yet somebody may be absent.
    const isUnseen = chain.termOf(header.term) === undefined || chain.seenMs < header.timeMs + SIGHT_MS;
    if (isUnseen) return { verdict: "early" };
    return { verdict: "fault", fault: forged("a term without the word of a quorum") };
  }
  const { adopted } = proven.election;
  const isBehind = parent.header.height < adopted.height;
  const isOther = parent.header.height === adopted.height && parent.header.term !== adopted.term;
  if (isBehind || isOther) {
    return { verdict: "fault", fault: wrongOrder(`a term that begins below height ${adopted.height}`) };
  }
  const isSettled = chain.isSettled(parent.header.height, parent.hash);
  if (parent.header.height > adopted.height && !isSettled) return { verdict: "early" };
  return { verdict: "proven", ...proven };
}

/** How the chain has begun a term for this leader; undefined where it has not. */
export function begunByChain(
  { chain, terms }: Pick<TermRecordInit, "chain" | "terms">,
  { term, newLeader }: Pick<Election, "term" | "newLeader">,
): Pick<KeptElection, "sinceEntry" | "accused"> | undefined {
  const byChain = chain.termOf(term);
  if (byChain?.leader !== newLeader) return undefined;
  const accused = terms.of(term - 1)?.leader;
  const { sinceEntry } = byChain;
  return { sinceEntry, ...(accused === undefined ? {} : { accused }) };
}

/**
 * What the election in a term's first record proves; undefined when no quorum stands behind it. Members that have elected by themselves
 * stay elected when the chain, which they have not seen yet, begins the same term for the same leader: what it asks for in addition
 * holds where they are too few without it.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function proveElectionIn(
  init: Pick<TermRecordInit, "domain" | "channel" | "chain" | "terms">,
  { inboxCursor, input }: Pick<RecordBody, "inboxCursor" | "input">,
): Omit<Extract<TermVerdict, { readonly verdict: "proven" }>, "verdict"> | undefined {
  const byChain = begunByChain(init, decodeElection(input));
  const own = { cursor: inboxCursor, sinceEntry: 0, input };
  const ways: KeptElection[] = byChain === undefined ? [own] : [own, { cursor: byChain.sinceEntry, ...byChain, input }];
  for (const kept of ways) {
    const election = proveKept(init, kept);
    if (election !== undefined) return { election, kept };
  }
  return undefined;
}

/** What a kept election proves; undefined when it is none, or the chain does not show its members here. */
export function proveKept(
  {
    domain,
    channel,
    chain,
  }: Pick<TermRecordInit, "domain" | "channel"> & { readonly chain: Pick<ChainView, "membershipAt" | "inboxLength"> },
  { cursor, sinceEntry, accused, input }: KeptElection,
): ProvenElection | undefined {
  const voters = chain.membershipAt(cursor);
  if (voters === undefined) return undefined;
  function* later(): Generator<Membership> {
    let before = voters?.members;
    for (let index = cursor + 1; sinceEntry > 0 && index <= chain.inboxLength; index += 1) {
      const membership = chain.membershipAt(index);
      if (membership === undefined || membership.members === before) continue;
      before = membership.members;
      yield membership;
    }
  }
  return proveElection(decodeElection(input), { domain, channel, voters, accused, sinceEntry, later });
}
