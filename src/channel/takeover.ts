import { countedWeight, weightOf, type Membership } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { SprfError, messageOf } from "../errors.ts";
import { createAlarm } from "../utils/alarm.ts";
import { toHex } from "../utils/bytes.ts";
import { recoverCertificate, type Certificate } from "../wire/channel/batch.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import { broadcast, cutTo, dropCertificate, enterTerm, isLeader, send, sureHeight, type Core } from "./core.ts";
import type { Leader } from "./leader.ts";
import type { Sync } from "./sync.ts";

const ASK_EVERY_MS = 250;
/** How often the chain's term is looked at when nobody says that it is another one. */
const IDLE_MS = 1_000;
/** How often one that seems to have everything asks all the same. */
const HEARTBEAT_MS = 5_000;
/** How often the others are asked whether something was committed. */
const MAX_ASKED = 20;
/** For the records of a certificate, which may be committed: long enough that one slow member does not lose them. */
const SYNC_MS = 60_000;

/** The part of a node that goes from one term to the next. */
export interface Takeover {
  onStatus(from: string, status: ChannelMessageOf<"status">): void;
  /** What the leader has signed would undo what is certified here. */
  onUndoing(): void;
  /** The chain may have a new term. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * A new leader asks the members for the highest certificate that they hold. A member answers for a term once it has promised to ack
 * nothing of earlier ones, so that what a quorum's answers do not show can never become certified behind the new leader's back.
 */
export function createTakeover(core: Core, leader: Leader, sync: Sync): Takeover {
  let statuses = new Map<string, ChannelMessageOf<"status">>();
  const alarm = createAlarm(core.clock);
  let askAgainAtMs = 0;
  /** What was committed when it was looked at last. */
  let askedAt = 0;
  let isUndone = false;

  const isAnswered = (): boolean => {
    const answered = [...statuses].filter(([, { term }]) => term >= core.term).map(([signer]) => signer);
    return isEnough(new Set(isLeader(core) ? [...answered, core.network.self] : answered));
  };

  /** Whether what these members do not hold was never committed. */
  const isEnough = (signers: ReadonlySet<string>): boolean => {
    // Nobody waits for the word of the one that this term is about, who may be a member still.
    const before = core.chain.termOf(core.term - 1)?.leader;
    return electorates().every((members) => {
      const counted = countedWeight(members, before);
      return counted === 0n || isQuorum(weightOf(members, signers, before), counted);
    });
  };

  /** All who may have certified what this node has not seen: the members as of what it holds, and after each change since. */
  function electorates(): Membership[] {
    const { chain, player, certificate } = core;
    const floor = player.at(Math.max(certificate?.height ?? 0, chain.settled.height))?.membership.cursor;
    const all: Membership[] = [];
    for (let cursor = floor ?? chain.settled.inboxCursor; cursor <= chain.inboxLength; cursor += 1) {
      const membership = chain.membershipAt(cursor);
      if (membership !== undefined && membership.members !== all.at(-1)?.members) all.push(membership);
    }
    return all;
  }

  /** A quorum has signed it, or nobody needs to look for its records. */
  function isProven(certificate: Certificate): boolean {
    const signers = recoverCertificate(core.domain, core.info.channel, certificate);
    if (signers === undefined) return false;
    const names = new Set(signers.keys());
    return electorates().some((members) => isQuorum(weightOf(members, names), countedWeight(members)));
  }

  function ask(): void {
    const { header, hash } = core.player.head;
    broadcast(core, { kind: "status", term: core.term, height: header.height, recordHash: hash, asks: true });
  }

  /**
   * The leader tells once; whoever was in an earlier term then, had no link, or was not a member yet, has to ask, and cannot know that
   * it missed something.
   */
  function askWhereTheLeaderStands(): void {
    const { term } = core.chain;
    const { header, hash } = core.player.head;
    const nowMs = core.clock.now();
    if (term === undefined || isLeader(core) || nowMs < askAgainAtMs) return;
    const isBehind = core.committed < header.height || header.inboxCursor < core.chain.inboxLength;
    const isMoving = core.committed > askedAt;
    askedAt = core.committed;
    askAgainAtMs = nowMs + (isBehind ? IDLE_MS : HEARTBEAT_MS);
    if (isBehind && isMoving) return;
    send(core, term.signer, { kind: "status", term: core.term, height: header.height, recordHash: hash, asks: true });
  }

  /** The highest certificate that somebody holds, when it is higher than this node's. */
  function better(doubted: ReadonlySet<string>): Certificate | undefined {
    let best: Certificate | undefined;
    for (const { certificate, term } of statuses.values()) {
      if (certificate === undefined || term < core.term || doubted.has(toHex(certificate.recordHash))) continue;
      if (isHigher(certificate, best ?? core.certificate) && isProven(certificate)) best = certificate;
    }
    return best;
  }

  /** Gets the records of a certificate from those who say that they have them, in turn. False when nobody shows them. */
  async function getRecords(wanted: Certificate, term: number, signal: AbortSignal): Promise<boolean> {
    const untilMs = core.clock.now() + SYNC_MS;
    const isMissing = (): boolean => isHigher(wanted, core.certificate);
    for (let turn = 0; isMissing() && core.clock.now() < untilMs; turn += 1) {
      if (signal.aborted || core.chain.term?.term !== term) return false;
      const holders = [...statuses].filter(
        ([, { certificate }]) => certificate !== undefined && !isHigher(wanted, certificate),
      );
      const [from] = holders[turn % holders.length] ?? [];
      if (from !== undefined) sync.catchUp(from);
      await sync.idle;
      if (isMissing()) await core.clock.sleep(ASK_EVERY_MS, { signal }).catch(() => undefined);
    }
    return !isMissing();
  }

  async function becomeLeader(signal: AbortSignal): Promise<void> {
    const { term } = core;
    // Whoever has signed records of this term has been through this, and the first leader has nobody before it.
    if (term !== 1 && core.player.head.header.term !== term) {
      statuses = new Map();
      while (!isAnswered()) {
        ask();
        await alarm.pause(ASK_EVERY_MS, signal);
        if (signal.aborted || core.chain.term?.term !== term) return;
        alarm.rearm();
      }
      const doubted = new Set<string>();
      for (let wanted = better(doubted); wanted !== undefined; wanted = better(doubted)) {
        // What this node has of terms after it is certified by nobody, and stands in its way.
        if (core.player.head.header.term > wanted.term) await core.inTurn(goOn);
        const isFetched = await getRecords(wanted, term, signal);
        if (signal.aborted || core.chain.term?.term !== term) return;
        if (isFetched) continue;
        core.logger.error("nobody shows the records of a certificate", { height: wanted.height });
        doubted.add(toHex(wanted.recordHash));
      }
      await core.inTurn(goOn);
    }
    await core.inTurn(async () => leader.begin());
    core.logger.info("this node leads", { term });
  }

  /**
   * A new leader goes on without what was certified here when nobody else had heard of that, so that it was never committed. Whoever
   * holds such a certificate gives it up once as many of the others as a leader has to ask say that they have no part in it.
   */
  async function giveWay(signal: AbortSignal): Promise<void> {
    const { term, certificate } = core;
    const own = certificate === undefined ? undefined : core.player.at(certificate.height);
    if (certificate === undefined || own === undefined || certificate.term >= term) return;
    statuses = new Map();
    for (let turn = 0; turn < MAX_ASKED && !isAnswered(); turn += 1) {
      ask();
      await alarm.pause(ASK_EVERY_MS, signal);
      if (signal.aborted || core.chain.term?.term !== term) return;
      alarm.rearm();
    }
    const without = new Set<string>();
    for (const [signer, status] of statuses) {
      if (status.term < term) continue;
      const isLower = (status.certificate?.height ?? 0) < certificate.height;
      if (isLower || (await sync.hasOther(signer, own))) without.add(signer);
    }
    if (!isEnough(without)) return;
    await core.inTurn(async () => {
      if (core.certificate !== certificate || core.term !== term || core.committed >= certificate.height) return;
      core.logger.warn("what was certified is given up: the others go on without it", { height: certificate.height });
      dropCertificate(core);
      await cutTo(core, Math.max(sureHeight(core), Math.min(core.committed, core.player.head.header.height)));
    });
    const leading = core.chain.term?.signer;
    if (leading !== undefined) sync.catchUp(leading);
  }

  /** Goes on from what is certified; what users have signed of the rest is played again. */
  async function goOn(): Promise<void> {
    const floor = sureHeight(core);
    for (const { body } of await cutTo(core, floor)) {
      if (body.kind !== RECORD_KINDS.call && body.kind !== RECORD_KINDS.session) continue;
      leader.submit(body.kind, body.input).catch((error: unknown) => {
        core.logger.debug("a call of an earlier term was not taken again", { reason: messageOf(error) });
      });
    }
  }

  return {
    onStatus(from, status) {
      statuses.set(from, status);
      if (isAnswered()) alarm.ring();
    },
    onUndoing() {
      isUndone = true;
      alarm.ring();
    },
    wake: () => alarm.ring(),
    async run(signal) {
      while (!signal.aborted) {
        alarm.rearm();
        try {
          const { term } = core.chain;
          if (term !== undefined && term.term > core.term) {
            leader.end();
            await core.inTurn(async () => await enterTerm(core, term.term));
            if (!isLeader(core)) leader.refuseAll(new SprfError("CHANNEL_NO_LEADER", "another member leads now"));
          }
          if (isLeader(core) && !leader.isReady) await becomeLeader(signal);
          else if (isUndone && !isLeader(core)) await giveWay(signal);
          isUndone = false;
        } catch (error) {
          if (!signal.aborted) core.logger.error("the term was not taken over", { reason: messageOf(error) });
        }
        const isBehind = isLeader(core) !== leader.isReady || (core.chain.term?.term ?? 0) > core.term;
        if (isBehind && !isLeader(core)) leader.end();
        askWhereTheLeaderStands();
        await alarm.pause(isBehind ? ASK_EVERY_MS : IDLE_MS, signal);
      }
    },
  };
}

function isHigher(given: Certificate, held: Certificate | undefined): boolean {
  if (held === undefined) return true;
  return given.term > held.term || (given.term === held.term && given.height > held.height);
}
