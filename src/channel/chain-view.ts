import { hubElectorate } from "../domain/channel/ballot.ts";
import { NO_MEMBERS, takeEntry, type Membership } from "../domain/channel/membership.ts";
import { termBegunBy, type Term } from "../domain/channel/terms.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { PostedRecords } from "../ports/channel-absence.ts";
import type { ChannelHub, HubEvent, SettledHead } from "../ports/channel-hub.ts";
import type { Logger } from "../ports/logger.ts";
import { equalBytes } from "../utils/bytes.ts";
import { INBOX_KINDS, type InboxEntry } from "../wire/channel/inbox-entry.ts";
import { ZERO_HASH } from "../wire/channel/record.ts";
import type { Settlement } from "../wire/channel/settlement.ts";
import { createChallengeBook, type ChallengeBook } from "./challenge-book.ts";

/** A settlement that waits for its window, or for whoever brings its changes. */
export interface PassedSettlement {
  readonly proposal: bigint;
  readonly settlement: Settlement;
}

/** Records that were published for a member. */
export interface PostedTo extends PostedRecords {
  readonly member: string;
}

/** What is final, as a confirmed block has it. */
export type ConfirmedHead = Pick<SettledHead, "height" | "inboxCursor" | "recordHash">;

/** Publications that are kept: each was paid for, and whoever needed it asks for the next one only after it. */
const MAX_POSTED = 256;
const NOTHING_SETTLED: ConfirmedHead = { height: 0, inboxCursor: 0, recordHash: ZERO_HASH };

/** What the chain says of a channel, as far as it is confirmed. */
export interface ChainView {
  /** Entries of the inbox that are known. */
  readonly inboxLength: number;
  /** By index, from 1. */
  entry(index: number): InboxEntry | undefined;
  /** After the first `cursor` entries; undefined for entries that are not known. */
  membershipAt(cursor: number): Membership | undefined;
  /** The newest; undefined while nobody ever joined. */
  readonly term: Term | undefined;
  termOf(term: number): Term | undefined;
  /** What is final in that block: a newer one may be replaced, and its settlement with it. */
  readonly settled: ConfirmedHead;
  /** The time of the last block that is in this view: an entry that is not known here is of that time or later. */
  readonly seenMs: number;
  /** The settlement that has passed and is not final; one at a time. */
  readonly passed: PassedSettlement | undefined;
  /** Records above what is final that were published for members, oldest first. */
  readonly posted: readonly PostedTo[];
  /** What members do against each other. */
  readonly challenges: Omit<ChallengeBook, "take">;
  /** Whether a record has been made final. */
  isSettled(height: number, recordHash: Uint8Array): boolean;
  /**
   * The members whose votes count for a settlement at `cursor`: they joined before, are not gone by the last one, and were not
   * banned. Each has its own voice, and the delegations are those that hold by now.
   */
  votersOf(cursor: number): Membership;
}

export interface ChainViewInit {
  readonly hub: Pick<ChannelHub, "blockNumber" | "follow">;
  readonly channel: bigint;
  /** The block of the channel's creation, or an earlier one: all is read from there. */
  readonly fromBlock: number;
  readonly confirmations: number;
  readonly logger: Logger;
  /** Something is new; never for what was there when the view began. */
  readonly onNews: (events: readonly HubEvent[]) => void;
}

/** Follows the chain until `signal` aborts; resolves with the view once all that is confirmed now is in it, and the life of it. */
export async function followChain(
  { hub, channel, fromBlock, confirmations, logger, onNews }: ChainViewInit,
  signal: AbortSignal,
): Promise<{ readonly view: ChainView; readonly life: Promise<void> }> {
  const entries: InboxEntry[] = [];
  const memberships: Membership[] = [NO_MEMBERS];
  const terms = new Map<number, Term>();
  let term: Term | undefined;
  let settled = NOTHING_SETTLED;
  const banned = new Set<number>();
  const finals = new Map<number, Uint8Array>();
  const proposed = new Map<bigint, Settlement>();
  let passed: PassedSettlement | undefined;
  let posted: PostedTo[] = [];
  let seenMs = 0;
  /** By cursor, until something is new: every batch that is sent asks for them. */
  let voters = new Map<number, Membership>();

  function take(event: HubEvent): void {
    if (event.kind === "settled") {
      const { height, inboxCursor, head: recordHash } = event;
      settled = { height, inboxCursor, recordHash };
      finals.set(height, recordHash);
      posted = posted.filter(({ headers }) => (headers.at(-1)?.height ?? 0) > height);
      // All others began at an older height: they are void.
      proposed.clear();
      passed = undefined;
    }
    if (event.kind === "proposed" && event.settlement !== undefined) proposed.set(event.proposal, event.settlement);
    challenges.take(event);
    if (event.kind === "records-posted") {
      const { member, headers, inputs } = event;
      posted = [...posted, { member, headers, inputs }].slice(-MAX_POSTED);
    }
    if (event.kind === "voided") {
      proposed.delete(event.proposal);
      if (passed?.proposal === event.proposal) passed = undefined;
    }
    // A frozen channel goes on with nothing that has passed.
    if (event.kind === "frozen") passed = undefined;
    if (event.kind === "passed") {
      const settlement = proposed.get(event.proposal);
      if (settlement !== undefined) passed = { proposal: event.proposal, settlement };
    }
    if (event.kind !== "inbox") return;
    const { entry } = event;
    // Told again after a reorganisation that changed nothing that is confirmed.
    if (entry.index <= entries.length) return;
    const membership = takeEntry(memberships.at(-1) ?? NO_MEMBERS, entry);
    entries.push(entry);
    memberships.push(membership);
    if (entry.kind === INBOX_KINDS.ban) banned.add(entry.index);
    const begun = termBegunBy(entry, membership);
    if (begun !== undefined && begun.term > (term?.term ?? 0)) {
      term = begun;
      terms.set(begun.term, begun);
    }
  }

  const challenges = createChallengeBook();
  const view: ChainView = {
    challenges,
    get inboxLength() {
      return entries.length;
    },
    entry: (index) => entries[index - 1],
    membershipAt: (cursor) => memberships[cursor],
    get term() {
      return term;
    },
    termOf: (number) => terms.get(number),
    get settled() {
      return settled;
    },
    get seenMs() {
      return seenMs;
    },
    get posted() {
      return posted;
    },
    get passed() {
      return passed;
    },
    isSettled(height, recordHash) {
      const final = finals.get(height);
      return final !== undefined && equalBytes(final, recordHash);
    },
    votersOf(cursor) {
      const known = voters.get(cursor);
      if (known !== undefined) return known;
      const found = findVoters(cursor);
      voters.set(cursor, found);
      return found;
    },
  };

  function findVoters(cursor: number): Membership {
    const members = new Map(memberships[settled.inboxCursor]?.members ?? []);
    for (const entry of entries.slice(settled.inboxCursor, cursor)) {
      const joined = memberships[entry.index]?.members.get(entry.account);
      if (entry.kind === INBOX_KINDS.join && joined !== undefined) members.set(entry.account, joined);
    }
    for (const index of banned) {
      const account = entries[index - 1]?.account;
      const cameBack = entries
        .slice(index, cursor)
        .some((entry) => entry.account === account && entry.kind === INBOX_KINDS.join);
      if (account !== undefined && !cameBack) members.delete(account);
    }
    return hubElectorate(cursor, members.values(), memberships.at(-1) ?? NO_MEMBERS);
  }

  const started = Promise.withResolvers<void>();
  const target = (await hub.blockNumber({ signal })) - confirmations;
  const life = (async () => {
    let isCaughtUp = target < fromBlock;
    if (isCaughtUp) started.resolve();
    try {
      for await (const { toBlock, timeMs, events } of hub.follow(channel, { fromBlock, confirmations, signal })) {
        for (const event of events) take(event);
        seenMs = Math.max(seenMs, timeMs);
        if (events.length > 0) voters = new Map();
        if (isCaughtUp && events.length > 0) onNews(events);
        if (!isCaughtUp && toBlock >= target) {
          isCaughtUp = true;
          started.resolve();
        }
      }
    } catch (error) {
      if (!signal.aborted) logger.error("the chain is not followed any more", { reason: messageOf(error) });
    }
    started.reject(new SprfError("CHAIN_UNREACHABLE", "the chain's past could not be read"));
  })();
  await started.promise;
  return { view, life };
}
