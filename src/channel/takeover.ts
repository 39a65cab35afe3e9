import { adoptedFrom, type Adopted } from "../domain/channel/election.ts";
import { memberOfSigner } from "../domain/channel/membership.ts";
import { messageOf, SprfError } from "../errors.ts";
import { createAlarm } from "../utils/alarm.ts";
import { encodeElection, recoverLeaderChange, type Election } from "../wire/channel/leader-change.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import { broadcast, cutTo, enterTerm, isLeader, officeOf, send, takeCertificate, type Core } from "./core.ts";
import type { Forwarder } from "./forward.ts";
import type { Leader } from "./leader.ts";
import { isHigher, isProven, isQuorumOfAll, standingOf, type ShownStanding } from "./standing.ts";
import type { Sync } from "./sync.ts";
import { electorateOf } from "./term-record.ts";

const ASK_EVERY_MS = 250;
/** How often the term is looked at when nobody says that it is another one. */
const IDLE_MS = 1_000;
/** How often one that seems to have everything asks all the same. */
const HEARTBEAT_MS = 5_000;
const COMPLAIN_EVERY_MS = 60_000;
const FIRST_TERM = 1;

/** The part of a node that goes from one term to the next. */
export interface Takeover {
  /** Signs where this node stands for one who wants to lead a term, if it went there with it, or now does as `mayFollow` says. */
  onCandidacy(from: string, message: ChannelMessageOf<"candidacy">, mayFollow: () => boolean): void;
  onLeaderChange(from: string, message: ChannelMessageOf<"leader-change">): void;
  /** There may be a new term. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface TakeoverInit {
  readonly core: Core;
  readonly leader: Leader;
  readonly forwarder: Forwarder;
  readonly sync: Sync;
}

/**
 * A new leader needs the word of a quorum: each member signs which certificate it holds, once it has promised to ack nothing of earlier
 * terms. So what these words do not show can never become committed behind the new leader's back. They are the term's first record.
 */
export function createTakeover({ core, leader, forwarder, sync }: TakeoverInit): Takeover {
  /** Of this term, by signer. */
  let standings = new Map<string, ShownStanding>();
  const alarm = createAlarm(core.clock);
  let askAgainAtMs = 0;
  /** What was committed when it was looked at last. */
  let askedAt = 0;
  let seenTerm = core.term;

  /** Nobody waits for the word of the one whom the chain took the office from, who may be a member still. */
  const isAnswered = (): boolean => {
    const { accused } = electorateOf(core, { term: core.term, newLeader: core.account }, 0);
    return isQuorumOfAll(core, new Set([...standings.keys(), core.network.self]), accused);
  };
  const mayLead = (): boolean =>
    core.term === FIRST_TERM ? isLeader(core) : core.terms.promisedIn(core.term) === core.account;

  /**
   * The leader tells once; whoever was in an earlier term then, had no link, or was not a member yet, has to ask, and cannot know that
   * it missed something.
   */
  function askWhereTheLeaderStands(): void {
    const office = officeOf(core);
    const { header, hash } = core.player.head;
    const nowMs = core.clock.now();
    if (office === undefined || isLeader(core) || nowMs < askAgainAtMs) return;
    const isBehind = core.committed < header.height || header.inboxCursor < core.chain.inboxLength;
    const isMoving = core.committed > askedAt;
    askedAt = core.committed;
    askAgainAtMs = nowMs + (isBehind ? IDLE_MS : HEARTBEAT_MS);
    if (isBehind && isMoving) return;
    send(core, office.signer, { kind: "status", term: core.term, height: header.height, recordHash: hash, asks: true });
  }

  /** Gets the records up to where the members stand, from those who say that they have them, in turn. False when the term is over. */
  async function getRecords(adopted: Adopted, term: number, signal: AbortSignal): Promise<boolean> {
    let complainAtMs = core.clock.now() + COMPLAIN_EVERY_MS;
    const isMissing = (): boolean =>
      (adopted.height > 0 && isHigher(adopted, core.certificate)) ||
      core.player.head.header.height < core.chain.settled.height;
    for (let turn = 0; isMissing(); turn += 1) {
      if (signal.aborted || core.term !== term) return false;
      const holders = [...standings].filter(([, { head }]) => head > core.player.head.header.height || turn > 0);
      const [from] = holders[turn % Math.max(1, holders.length)] ?? [];
      if (from !== undefined) sync.catchUp(from);
      await sync.idle;
      await core.inTurn(async () => {
        for (const { certificate } of standings.values())
          if (certificate !== undefined) takeCertificate(core, certificate);
      });
      if (core.clock.now() > complainAtMs) {
        // It may be committed, so that nothing may be put in its place.
        core.logger.error("nobody shows the records that a quorum stands on", { ...adopted });
        complainAtMs += COMPLAIN_EVERY_MS;
      }
      if (isMissing()) await core.clock.sleep(ASK_EVERY_MS, { signal }).catch(() => undefined);
    }
    return core.term === term;
  }

  /** What a quorum has signed; undefined when the term is over before. */
  async function gather(term: number, signal: AbortSignal): Promise<Election | undefined> {
    standings = new Map();
    while (!isAnswered()) {
      broadcast(core, { kind: "candidacy", term });
      await alarm.pause(ASK_EVERY_MS, signal);
      if (signal.aborted || core.term !== term) return undefined;
      alarm.rearm();
    }
    const own = await core.inTurn(async () => await standingOf(core, core.account));
    const shown = [...standings.values(), own].map(({ certifiedTerm, certifiedHeight, head, signature }) => ({
      certifiedTerm,
      certifiedHeight,
      head,
      signature,
    }));
    return core.term === term ? { term, newLeader: core.account, standings: shown } : undefined;
  }

  async function becomeLeader(signal: AbortSignal): Promise<void> {
    const { term } = core;
    let opening: Uint8Array | undefined;
    // Whoever has signed records of this term has been through this, and the first leader has nobody before it.
    if (term !== FIRST_TERM && core.player.head.header.term !== term) {
      const election = await gather(term, signal);
      if (election === undefined) return;
      const adopted = adoptedFrom(election.standings);
      if (!(await getRecords(adopted, term, signal))) return;
      opening = encodeElection(election);
      await core.inTurn(async () => await goOn(adopted));
    }
    await core.inTurn(async () => {
      if (core.term !== term) return;
      if (opening !== undefined) electSelf(opening);
      leader.begin(opening);
      core.logger.info("this node leads", { term });
    });
  }

  function electSelf(input: Uint8Array): void {
    const { term, account, network, player } = core;
    const electorate = electorateOf(core, { term, newLeader: account }, player.head.header.inboxCursor);
    const { sinceEntry } = electorate;
    core.terms.elect({ term, leader: account, signer: network.self, sinceEntry }, { ...electorate, input });
  }

  /** Goes on from what members have shown; what users have signed of the rest is played again. */
  async function goOn({ height }: Adopted): Promise<void> {
    for (const { body } of await cutTo(core, Math.max(height, core.chain.settled.height))) {
      if (body.kind !== RECORD_KINDS.call && body.kind !== RECORD_KINDS.session) continue;
      leader.submit(body.kind, body.input).catch((error: unknown) => {
        core.logger.debug("a call of an earlier term was not taken again", { reason: messageOf(error) });
      });
    }
  }

  async function answer(from: string, term: number, mayFollow: () => boolean): Promise<void> {
    const { chain } = core;
    const candidate = memberOfSigner(chain.membershipAt(chain.inboxLength) ?? core.player.head.membership, from);
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
      if (term !== core.term || !mayLead()) return;
      const standing = { certifiedTerm, certifiedHeight, head };
      const change = { channel: core.info.channel, term, newLeader: core.account, ...standing };
      if (recoverLeaderChange(core.domain, change, signature) !== from) return;
      const isShown =
        certifiedHeight === 0 ||
        (certificate?.term === certifiedTerm && certificate.height === certifiedHeight && isProven(core, certificate));
      // Who names a certificate that it cannot show would send the new leader after records that are not there.
      if (!isShown) return;
      standings.set(from, { ...standing, signature, certificate });
      if (isAnswered()) alarm.ring();
    },
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
