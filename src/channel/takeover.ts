import { adoptedFrom, isHigher, type Adopted } from "../domain/channel/election.ts";
import { memberOfSigner } from "../domain/channel/membership.ts";
import { messageOf, SprfError } from "../errors.ts";
import { createAlarm } from "../utils/alarm.ts";
import { encodeElection, recoverLeaderChange, type Election } from "../wire/channel/leader-change.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import {
  broadcast,
  cutTo,
  enterTerm,
  isLeader,
  membersNow,
  officeOf,
  send,
  sendToLeader,
  statusOf,
  takeCertificate,
  type Core,
} from "./core.ts";
import type { Forwarder } from "./forward.ts";
import type { Leader } from "./leader.ts";
import { isProven, isQuorumOfAll, standingOf, type ShownStanding } from "./standing.ts";
import type { Sync } from "./sync.ts";
import { begunByChain, proveElectionIn } from "./term-record.ts";

const ASK_EVERY_MS = 250;
/** How often the term is looked at when nobody says that it is another one. */
const IDLE_MS = 1_000;
/** How often one that seems to have everything asks all the same. */
const HEARTBEAT_MS = 5_000;
/** For records that a quorum does not have: whoever has them is left behind when they are given up. */
const DEFAULT_RECORDS_PATIENCE_MS = 60_000;
/** How often it is said that a new leader waits for records. */
const TELL_EVERY_MS = 10_000;
const FIRST_TERM = 1;
const NOTHING = { term: 0, height: 0 };

/** The part of a node that goes from one term to the next. */
export interface Takeover {
  /** Signs where this node stands for one who wants to lead a term, if it went there with it, or now does as `mayFollow` says. */
  onCandidacy(from: string, message: ChannelMessageOf<"candidacy">, mayFollow: () => boolean): void;
  onLeaderChange(from: string, message: ChannelMessageOf<"leader-change">): void;
  /** Whether this node wants to lead and has no word of a member for that. */
  waitsFor(signer: string): boolean;
  /** There may be a new term. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface TakeoverInit {
  readonly core: Core;
  readonly leader: Leader;
  readonly forwarder: Forwarder;
  readonly sync: Sync;
  /** For records of a certificate of which it is sure that nobody was told that it is committed. @default 60,000 */
  readonly recordsPatienceMs?: number | undefined;
}

/**
 * A new leader needs the word of a quorum: each member signs which certificate it holds, once it has promised to ack nothing of earlier
 * terms. So what these words do not show can never become committed behind the new leader's back. They are the term's first record.
 */
export function createTakeover(init: TakeoverInit): Takeover {
  const { core, leader, forwarder, sync, recordsPatienceMs = DEFAULT_RECORDS_PATIENCE_MS } = init;
  /** Of this term, by signer. */
  let standings = new Map<string, ShownStanding>();
  /** Whose words are not used in this term. */
  const doubted = new Set<string>();
  const alarm = createAlarm(core.clock);
  let askAgainAtMs = 0;
  /** What was committed when it was looked at last. */
  let askedAt = 0;
  let seenTerm = core.term;
  let isPreparing = false;

  /** Nobody waits for the word of the one whom the chain took the office from, who may be a member still. */
  const begun = (): { readonly accused?: string | undefined; readonly isByChain: boolean } => {
    const byChain = begunByChain(core, { term: core.term, newLeader: core.account });
    return { accused: byChain?.accused, isByChain: byChain !== undefined };
  };
  const mayLead = (): boolean =>
    core.term === FIRST_TERM ? isLeader(core) : core.terms.promisedIn(core.term) === core.account;

  /**
   * The leader tells once; whoever was in an earlier term then, had no link, or was not a member yet, has to ask, and cannot know that
   * it missed something.
   */
  function askWhereTheLeaderStands(): void {
    const office = officeOf(core);
    const { header } = core.player.head;
    const nowMs = core.clock.now();
    if (office === undefined || isLeader(core) || nowMs < askAgainAtMs) return;
    const isBehind = core.committed < header.height || header.inboxCursor < core.chain.inboxLength;
    const isMoving = core.committed > askedAt;
    askedAt = core.committed;
    askAgainAtMs = nowMs + (isBehind ? IDLE_MS : HEARTBEAT_MS);
    if (isBehind && isMoving) return;
    // The relay that brings its records, unless that may be why it misses some.
    if (!isBehind && core.upstream !== undefined) send(core, core.upstream, statusOf(core, true));
    else sendToLeader(core, statusOf(core, true));
  }

  const isMissing = (adopted: Adopted): boolean =>
    (adopted.height > 0 && isHigher(adopted, core.certificate)) ||
    core.player.head.header.height < core.chain.settled.height;

  /** A quorum's words, with the records that they stand on here; undefined when the term is over before. */
  async function prepare(
    term: number,
    signal: AbortSignal,
  ): Promise<{ readonly election: Election; readonly adopted: Adopted } | undefined> {
    standings = new Map();
    doubted.clear();
    const patientUntilMs = core.clock.now() + recordsPatienceMs;
    let tellAtMs = core.clock.now() + IDLE_MS;
    for (let turn = 0; !signal.aborted && core.term === term; turn += 1) {
      alarm.rearm();
      const own = await core.inTurn(async () => await standingOf(core, core.account));
      const words = new Map([...standings, [core.network.self, own]]);
      const adopted = adoptedFrom(words.values());
      if (isQuorumOfAll(core, new Set(words.keys()), begun())) {
        if (!isMissing(adopted)) return { election: electionOf(term, words), adopted };
        const nowMs = core.clock.now();
        if (nowMs >= patientUntilMs && giveUp(words, adopted)) continue;
        const holders = holdersOf(words, adopted);
        if (nowMs >= tellAtMs) {
          core.logger.warn("a new leader waits for records that may be committed", { ...adopted, holders });
          tellAtMs = nowMs + TELL_EVERY_MS;
        }
        const from = holders[turn % holders.length];
        if (from !== undefined) sync.catchUp(from);
        await sync.idle;
        await core.inTurn(async () => takeCertificates(words.values()));
        if (!isMissing(adopted)) continue;
      }
      // Also when a quorum has answered: who was away may have what is missing.
      broadcast(core, { kind: "candidacy", term });
      await alarm.pause(ASK_EVERY_MS, signal);
    }
    return undefined;
  }

  function takeCertificates(shown: Iterable<ShownStanding>): void {
    for (const { certificate } of shown) {
      if (certificate !== undefined) takeCertificate(core, certificate, { isShown: true });
    }
  }

  /** Who holds the certificate first, then who has signed as much. */
  function holdersOf(words: ReadonlyMap<string, ShownStanding>, adopted: Adopted): string[] {
    const others = [...words].filter(([signer]) => signer !== core.network.self);
    const holds = ([, { certificate }]: readonly [string, ShownStanding]): boolean =>
      certificate !== undefined && !isHigher(adopted, certificate);
    const played = others.filter((word) => !holds(word) && word[1].head >= adopted.height);
    return [...others.filter(holds), ...played].map(([signer]) => signer);
  }

  /**
   * Leaves the words out that name a certificate whose records nobody shows, where the others are a quorum still: a committed record's
   * certificate is held by a quorum, of which somebody honest would be among them. True when that is so.
   */
  function giveUp(words: ReadonlyMap<string, ShownStanding>, adopted: Adopted): boolean {
    const rest = [...words].filter(
      ([, { certifiedTerm, certifiedHeight }]) => certifiedTerm !== adopted.term || certifiedHeight !== adopted.height,
    );
    if (!isQuorumOfAll(core, new Set(rest.map(([signer]) => signer)), begun())) return false;
    core.logger.error("nobody shows the records of a certificate, and a quorum never held it", { ...adopted });
    standings = new Map(rest);
    for (const signer of words.keys()) if (!standings.has(signer)) doubted.add(signer);
    standings.delete(core.network.self);
    return true;
  }

  function electionOf(term: number, words: ReadonlyMap<string, ShownStanding>): Election {
    const plain = [...words.values()].map(({ certifiedTerm, certifiedHeight, head, signature }) => ({
      certifiedTerm,
      certifiedHeight,
      head,
      signature,
    }));
    return { term, newLeader: core.account, standings: plain };
  }

  async function becomeLeader(signal: AbortSignal): Promise<void> {
    const { term } = core;
    let prepared: Awaited<ReturnType<typeof prepare>>;
    // Whoever has signed records of this term has been through this, and the first leader has nobody before it.
    if (term !== FIRST_TERM && core.player.head.header.term !== term) {
      isPreparing = true;
      try {
        prepared = await prepare(term, signal);
      } finally {
        isPreparing = false;
      }
      if (prepared === undefined) return;
    }
    // In one turn: what is given up could come again from somebody in between.
    await core.inTurn(async () => {
      if (core.term !== term) return;
      let opening: Uint8Array | undefined;
      if (prepared !== undefined) {
        const { adopted, election } = prepared;
        // The chain may have moved on meanwhile.
        if (isMissing(adopted)) return;
        await goOn(adopted);
        opening = encodeElection(election);
        if (!electSelf(opening)) {
          core.logger.warn("the words for a new leader are not those of a quorum here", { ...adopted });
          return;
        }
      }
      leader.begin(opening);
      core.logger.info("this node leads", { term });
    });
  }

  /** False when those who have signed are no quorum of the members as of the record that this node goes on from. */
  function electSelf(input: Uint8Array): boolean {
    const { domain, info, chain, terms, player } = core;
    const { inboxCursor } = player.head.header;
    const proven = proveElectionIn({ domain, channel: info.channel, chain, terms }, { inboxCursor, input });
    if (proven !== undefined) terms.elect(proven.election, proven.kept);
    return proven !== undefined;
  }

  /** Goes on from what members have shown; what users have signed of the rest is played again. */
  async function goOn({ height }: Adopted): Promise<void> {
    for (const { body } of await cutTo(core, Math.max(height, core.chain.settled.height))) {
      if (body.kind !== RECORD_KINDS.call && body.kind !== RECORD_KINDS.session) continue;
      leader.submit(body.kind, body.input, { isOwed: true }).catch((error: unknown) => {
        core.logger.debug("a call of an earlier term was not taken again", { reason: messageOf(error) });
      });
    }
  }

  async function answer(from: string, term: number, mayFollow: () => boolean): Promise<void> {
    const candidate = memberOfSigner(membersNow(core), from);
    if (candidate === undefined) return;
    if (term > core.term && mayFollow()) await enterTerm(core, term, candidate.account);
    if (term !== core.term || core.terms.promisedIn(term) !== candidate.account) return;
    const { certificate, ...standing } = await standingOf(core, candidate.account);
    send(core, from, {
      kind: "leader-change",
      term,
      ...standing,
      ...(certificate === undefined ? {} : { certificate }),
    });
    alarm.ring();
  }

  return {
    onCandidacy(from, { term }, mayFollow) {
      core
        .inTurn(async () => await answer(from, term, mayFollow))
        .catch((error: unknown) => core.logger.error("a candidate got no answer", { reason: messageOf(error) }));
    },
    onLeaderChange(from, { term, certifiedTerm, certifiedHeight, head, signature, certificate }) {
      if (term !== core.term || !mayLead() || doubted.has(from)) return;
      const standing = { certifiedTerm, certifiedHeight, head };
      const change = { channel: core.info.channel, term, newLeader: core.account, ...standing };
      if (recoverLeaderChange(core.domain, change, signature) !== from) return;
      const isShown =
        // Nobody has to go after what this node has itself; who was to sign it then may be fewer than those who are members now.
        !isHigher({ term: certifiedTerm, height: certifiedHeight }, core.certificate ?? NOTHING) ||
        (certificate?.term === certifiedTerm && certificate.height === certifiedHeight && isProven(core, certificate));
      // Who names a certificate that it cannot show would send the new leader after records that are not there.
      if (!isShown) return;
      const isFirst = !standings.has(from);
      standings.set(from, { ...standing, signature, certificate });
      // Once for each: every ring asks them all again.
      if (isFirst) alarm.ring();
    },
    waitsFor: (signer) => isPreparing && !standings.has(signer),
    wake: () => alarm.ring(),
    async run(signal) {
      while (!signal.aborted) {
        alarm.rearm();
        try {
          const { newest } = core.terms;
          if (newest !== undefined && newest.term > core.term) {
            await core.inTurn(async () => await enterTerm(core, newest.term, newest.leader));
          }
          if (core.term !== seenTerm) {
            seenTerm = core.term;
            const error = new SprfError("CHANNEL_NO_LEADER", "another member leads now");
            leader.end();
            if (!isLeader(core)) leader.refuseAll(error);
            forwarder.refuseAll(error);
          }
          if (mayLead() && !leader.isReady) await becomeLeader(signal);
        } catch (error) {
          if (!signal.aborted) core.logger.error("the term was not taken over", { reason: messageOf(error) });
        }
        const isBehind = mayLead() !== leader.isReady || (core.terms.newest?.term ?? 0) > core.term;
        askWhereTheLeaderStands();
        await alarm.pause(isBehind ? ASK_EVERY_MS : IDLE_MS, signal);
      }
    },
  };
}
