import type { Member } from "../domain/channel/membership.ts";
import { messageOf } from "../errors.ts";
import type { Accusation, ChannelAbsence } from "../ports/channel-absence.ts";
import type { ChannelInfo, HubEvent } from "../ports/channel-hub.ts";
import { createAlarm } from "../utils/alarm.ts";
import { createAccusationAnswers } from "./answer-accusation.ts";
import { membersNow } from "./core.ts";
import type { Elector } from "./elector.ts";
import { createIdleLeader } from "./idle-leader.ts";
import { createLaggards } from "./laggards.ts";
import { openingOf } from "./opening-of.ts";
import type { Takeover } from "./takeover.ts";
import { createWithheld, type WithheldInit } from "./withheld.ts";

const MS = 1_000;
const DEFAULT_HEARTBEAT_MS = 5_000;
const DEAD_HEARTBEATS = 3;
/** Of those that are there, for that many times the time in which a member is found dead: who is slow is far from it. */
const PATIENCE = 8;
/** How often somebody looks, between two heartbeats. */
const LOOKS = 2;
/** Before the same transaction is tried again. */
const RETRY_MS = 2_000;
/** The others publish for whoever was accused at the latest after that part of the time to do so. */
const PATIENT_PART = 2;

/** The part of a node that asks the chain who is there where members are no quorum, and says there that this member is. */
export interface AbsenceKeeper {
  onEvents(events: readonly HubEvent[]): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface AbsenceKeeperInit extends WithheldInit {
  readonly elector: Pick<Elector, "silent" | "isStuck">;
  readonly takeover: Pick<Takeover, "waitsFor">;
  /** @default 5,000 */
  readonly heartbeatMs?: number | undefined;
}

/** An accusation, and since when this node knows how it stands. */
interface Open extends Accusation {
  readonly seenMs: number;
}

/**
 * Whoever is accused answers by itself, which costs it nothing, so that a member that was only slow stays. The first of those that are
 * there accuses; the others do so after it, each after the time in which a member is found dead.
 */
export function createAbsenceKeeper(init: AbsenceKeeperInit): AbsenceKeeper {
  const { core, elector, takeover, heartbeatMs = DEFAULT_HEARTBEAT_MS } = init;
  const { clock, logger, info, hub, account } = core;
  const { channel } = info;
  const deadMs = DEAD_HEARTBEATS * heartbeatMs;
  const alarm = createAlarm(clock);
  const withheld = createWithheld(init);
  const answers = createAccusationAnswers({ core, attempt, withheld });
  const patienceMs = PATIENCE * deadMs;
  const laggards = createLaggards({ core, deadMs, patienceMs, waitsFor: (signer) => takeover.waitsFor(signer) });
  const idleLeader = createIdleLeader({ core, deadMs, patienceMs });
  const open = new Map<string, Open>();
  /** Whose accusations are to be looked up. */
  const unknown = new Set<string>();
  /** Not before then, by what is tried. */
  const retryAtMs = new Map<string, number>();
  let stuckSinceMs: number | undefined;
  let answerMs = 0;
  let isOwed = false;

  /** Sends something that may be refused because somebody else was faster. */
  async function attempt(what: string, member: string, send: () => Promise<void>): Promise<void> {
    const key = `${what} ${member}`;
    if (clock.now() < (retryAtMs.get(key) ?? 0)) return;
    retryAtMs.set(key, clock.now() + RETRY_MS);
    try {
      await send();
      logger.info(what, { member });
    } catch (error) {
      logger.info(`not taken: ${what}`, { member, reason: messageOf(error) });
    }
    unknown.add(member);
  }

  async function refresh(absence: ChannelAbsence, signal: AbortSignal): Promise<void> {
    for (const member of unknown) {
      const now = await absence.accusation(channel, member, { signal });
      unknown.delete(member);
      const before = open.get(member);
      // What is left of its bond is the accuser's, what an answer is paid the one's who brings it.
      if (before !== undefined && now === undefined) isOwed ||= before.accuser === account || member === account;
      if (now === undefined) open.delete(member);
      else {
        const isSame = before?.deadlineSeconds === now.deadlineSeconds;
        open.set(member, { ...now, seenMs: isSame ? before.seenMs : clock.now() });
      }
    }
  }

  /** The first of those that are there is 0; undefined for who does not count. */
  function rankOf(): number | undefined {
    const silent = new Set(elector.silent().map((member) => member.account));
    const there = [...membersNow(core).members.values()]
      .filter((member) => !member.isAbsent && !silent.has(member.account))
      .sort((a, b) => a.joinNumber - b.joinNumber);
    const rank = there.findIndex((member) => member.account === account);
    return rank < 0 ? undefined : rank;
  }

  /** Who accuses has to, or loses its bond; the others help who has asked for something that they have. */
  async function publish(absence: ChannelAbsence, rank: number, signal: AbortSignal): Promise<void> {
    for (const [member, accusation] of open) {
      if (accusation.demanded === undefined || member === account || !withheld.has(accusation)) continue;
      const turnMs = accusation.accuser === account ? 0 : Math.min((rank + 1) * deadMs, answerMs / PATIENT_PART);
      if (clock.now() < accusation.seenMs + turnMs) continue;
      await attempt("records were published for a member that asks for them", member, async () => {
        await withheld.publish(absence, member, accusation, signal);
        isOwed = true;
      });
    }
  }

  /** Those who follow first: who leads next must not need their word. Who has accused comes before the others. */
  async function resolve(absence: ChannelAbsence, rank: number, signal: AbortSignal): Promise<void> {
    const all = [...open].sort(([, a], [, b]) => Number(a.of === "leader") - Number(b.of === "leader"));
    for (const [member, accusation] of all) {
      const { accuser, demanded } = accusation;
      // With records that nobody has published it falls, and the accuser's bond is the accused's.
      if (demanded !== undefined && accuser === account) continue;
      const gains = demanded === undefined ? accuser : member;
      const turnMs = gains === account ? 0 : (rank + 1) * deadMs;
      const nowMs = clock.now();
      const isDue =
        nowMs > accusation.seenMs + answerMs + turnMs || nowMs - turnMs > (accusation.deadlineSeconds + 1) * MS;
      if (!isDue) continue;
      await attempt("an accusation was resolved", member, async () => {
        await absence.resolve(channel, member, { signal });
      });
    }
  }

  /** Those who are silent, where the others are no quorum; else those who say that they are there, and do nothing without which there is none. */
  function suspected(rank: number): { readonly members: readonly Member[]; readonly areSilent: boolean } {
    const idle = [...laggards.find(), ...idleLeader.find({ rank, answerMs })];
    if (!elector.isStuck()) {
      stuckSinceMs = undefined;
      return { members: idle, areSilent: false };
    }
    stuckSinceMs ??= clock.now();
    const isTurn = clock.now() - stuckSinceMs >= rank * deadMs;
    return { members: isTurn ? elector.silent().filter((member) => !member.isAbsent) : [], areSilent: true };
  }

  async function accuse(absence: ChannelAbsence, rank: number, signal: AbortSignal): Promise<void> {
    const { members, areSilent } = suspected(rank);
    const suspects = members.filter((member) => !open.has(member.account));
    if (suspects.length === 0 || clock.now() < (retryAtMs.get("all") ?? 0)) return;
    // Who has answered just now is left alone for a while.
    retryAtMs.set("all", clock.now() + (areSilent ? RETRY_MS : deadMs));
    const office = await hub.channel(channel, { signal });
    if (office === undefined) return;
    if (office.term < core.term) await answers.reportElection(absence, signal);
    for (const member of suspects) {
      // Heartbeats on the chain show that one is there, and not that it acks.
      if (areSilent && info.config.aliveSeconds > 0) await apply(absence, office, member, signal);
      else await accuseOne(absence, office, member, signal);
    }
  }

  async function accuseOne(
    absence: ChannelAbsence,
    office: ChannelInfo,
    { account: member }: Member,
    signal: AbortSignal,
  ): Promise<void> {
    if (member === office.leader) {
      const term = Math.max(core.term, office.term);
      await attempt("the leader was accused of its silence", member, async () => {
        await absence.accuseLeader(channel, term, { signal });
      });
      return;
    }
    const { header } = core.player.head;
    if (header.term < core.term && office.leader === account) {
      await attempt("a member was accused of its silence", member, async () => {
        await absence.accuseOfSilence(channel, member, { signal });
      });
      return;
    }
    const head = await core.inTurn(async () => await openingOf(core, core.player.head.header.height));
    if (head === undefined) return;
    await attempt("a member was accused of acking nothing", member, async () => {
      await absence.accuse(channel, member, head, { signal });
    });
  }

  /** Where members show on the chain that they are there. */
  async function apply(
    absence: ChannelAbsence,
    office: ChannelInfo,
    { account: member }: Member,
    signal: AbortSignal,
  ): Promise<void> {
    if ((await hub.member(channel, member, { signal }))?.isAbsent !== true) return;
    await attempt("a member without a heartbeat on chain was said to be absent", member, async () => {
      if (member !== office.leader) await absence.applyAbsence(channel, member, { signal });
      else await absence.applyLeader(channel, Math.max(core.term, office.term), { signal });
    });
  }

  async function look(absence: ChannelAbsence, signal: AbortSignal): Promise<void> {
    await refresh(absence, signal);
    if (isOwed) {
      isOwed = false;
      await attempt("bonds were taken back", account, async () => {
        await absence.withdraw({ signal });
      });
    }
    const self = membersNow(core).members.get(account);
    if (self === undefined) return;
    if (core.chain.posted.length > 0) await withheld.take();
    const accusation = open.get(account);
    if (accusation !== undefined) await answers.answer(absence, { ...accusation, answerMs }, signal);
    if (self.isAbsent) return await answers.comeBack(absence, signal);
    const rank = rankOf();
    if (rank === undefined) return;
    if ([...open.values()].some(({ demanded }) => demanded !== undefined)) await publish(absence, rank, signal);
    await resolve(absence, rank, signal);
    await accuse(absence, rank, signal);
  }

  return {
    onEvents(events) {
      for (const event of events) if (event.kind === "accusation") unknown.add(event.member);
      if (unknown.size > 0) alarm.ring();
    },
    async run(signal) {
      const { absence } = core;
      if (absence === undefined) return;
      // Somebody may have accused before this node was started.
      for (const member of membersNow(core).members.keys()) unknown.add(member);
      while (!signal.aborted) {
        alarm.rearm();
        try {
          if (answerMs === 0) answerMs = MS * (await absence.answerSeconds(channel, { signal }));
          await look(absence, signal);
        } catch (error) {
          if (!signal.aborted) logger.warn("who is there was not looked after", { reason: messageOf(error) });
        }
        await alarm.pause(heartbeatMs / LOOKS, signal);
      }
    },
  };
}
