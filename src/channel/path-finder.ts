import { choosePaths, delayBy, type Neighbour, type Paths } from "../domain/channel/paths.ts";
import { isInMesh, isRelayed, relaysFor } from "../domain/channel/relays.ts";
import { createAlarm } from "../utils/alarm.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { isLeader, membersNow, officeOf, send, type Core } from "./core.ts";
import type { RoundTrips } from "./round-trips.ts";
import type { Sync } from "./sync.ts";

const LOOK_EVERY_MS = 250;
/** For so long another one may know of records, and the path bring nothing, before they are asked for elsewhere. */
const STALL_MS = 1_000;
/** Certificates come with records; one whose records are here all the same may be withheld. */
const COMMIT_STALL_MS = 3_000;
/** Whoever told of records and has not shown them after so long is doubted. */
const SHOW_WITHIN_MS = 5_000;
/** How much later than the second path's word records come, on average, before the path is left. */
const LATE_MS = 200;
const LEAST_SAMPLES = 4;
const NEW_SHARE = 0.25;
/** Words of the second path that are ahead of this node's head. */
const MAX_WORDS = 64;
/** How long one that failed is the last to be tried; twice as long each time. */
const DOUBT_MS = 30_000;
const MAX_DOUBLINGS = 5;
/** A relay that has no room is asked again after so long. */
const FULL_MS = 10_000;

/** What somebody says that it holds, while this node does not. */
interface Claim {
  readonly height: number;
  readonly committed: number;
  readonly sinceMs: number;
  isAsked: boolean;
  /** When its turn came; whoever was not asked yet is not the one that shows nothing. */
  askedMs?: number | undefined;
}

interface Word {
  readonly term: number;
  readonly height: number;
  readonly recordHash: Uint8Array;
  readonly atMs: number;
}

/** The part of a member's node that is sent to by relays: it finds the best, and sees that what they bring is all there is. */
export interface PathFinder {
  /** Empty where the leader sends to this node itself. */
  readonly paths: Paths;
  /** Those who could bring records, with what is known of them. */
  readonly neighbours: readonly Neighbour[];
  /** How long a record is on its way here, as this node says it to others. */
  delayMs(): number | undefined;
  /** A batch or certificate of `from` is being dealt with; call what it returns when that is over. */
  onPush(from: string): () => void;
  onHead(from: string, message: ChannelMessageOf<"head">): void;
  onHeartbeat(from: string, message: ChannelMessageOf<"heartbeat">): void;
  onRefused(from: string): void;
  onLink(peer: string, isUp: boolean): void;
  /** Members or the leader may have changed. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

export interface PathFinderInit {
  readonly core: Core;
  readonly roundTrips: RoundTrips;
  readonly sync: Pick<Sync, "catchUp" | "askedAtMs">;
  readonly heartbeatMs: number;
  /** Whether a member has been heard lately. */
  readonly hears: (signer: string) => boolean;
  /** This node has seen the leader lie. */
  readonly distrusts: () => boolean;
  /** It is no member's, and asks for what it wants. @default false */
  readonly isWatching?: boolean | undefined;
}

export function createPathFinder(init: PathFinderInit): PathFinder {
  const { core, roundTrips, sync, heartbeatMs, hears, distrusts, isWatching = false } = init;
  const { clock, network } = core;
  const alarm = createAlarm(clock);
  const linked = new Set<string>();
  const told = new Map<string, number>();
  const doubts = new Map<string, { readonly strikes: number; readonly untilMs: number }>();
  const claims = new Map<string, Claim>();
  let words: Word[] = [];
  let held: Paths = {};
  let late = { ms: 0, samples: 0 };
  let renewAtMs = 0;
  /** When the first path's last message was dealt with, and whether one is. */
  let pushedMs = clock.now();
  let isPushing = false;
  /** Since when there is this first path. */
  let heldSinceMs = clock.now();
  let progressMs = clock.now();
  core.news.add(({ kind }) => {
    if (kind === "records" || kind === "committed" || kind === "snapshot") progressMs = clock.now();
    if (kind === "rollback") words = [];
    // What was asked for says nothing about the path.
    if (kind === "records" && !isPushing) compareWords(false);
  });

  function neighboursNow(): Neighbour[] {
    const members = membersNow(core);
    const leader = officeOf(core)?.signer;
    if (isWatching || !isRelayed(members) || isInMesh(members, network.self, leader)) return [];
    const signers = [...relaysFor(members, network.self, leader), ...(leader === undefined ? [] : [leader])];
    return signers
      .filter((signer) => linked.has(signer) && hears(signer))
      .map((signer) => ({
        signer,
        roundTripMs: roundTrips.of(signer),
        toldMs: told.get(signer),
        isDoubted: (doubts.get(signer)?.untilMs ?? 0) > clock.now(),
        isLeader: signer === leader,
      }));
  }

  function update(): void {
    const before = held;
    held = choosePaths(neighboursNow(), before);
    core.upstream = held.first;
    if (held.first !== before.first) {
      // What the one before did not bring is not this one's fault.
      late = { ms: 0, samples: 0 };
      words = [];
      claims.clear();
      heldSinceMs = pushedMs = clock.now();
      core.logger.debug("records come by another path", { from: before.first, to: held.first });
    }
    if (held.second !== before.second) words = [];
    const kept = new Set([held.first, held.second]);
    for (const peer of [before.first, before.second]) {
      if (peer === undefined || kept.has(peer)) continue;
      claims.delete(peer);
      send(core, peer, { kind: "path", wants: "nothing" });
    }
    const isNew = held.first !== before.first || held.second !== before.second;
    if (!isNew && clock.now() < renewAtMs) return;
    renewAtMs = clock.now() + heartbeatMs;
    if (held.first !== undefined) send(core, held.first, { kind: "path", wants: "records" });
    if (held.second !== undefined) send(core, held.second, { kind: "path", wants: "heads" });
  }

  function doubt(peer: string, why: string): void {
    const strikes = 1 + (doubts.get(peer)?.strikes ?? 0);
    const untilMs = clock.now() + DOUBT_MS * 2 ** Math.min(strikes - 1, MAX_DOUBLINGS);
    doubts.set(peer, { strikes, untilMs });
    claims.delete(peer);
    core.logger.info("a path is doubted", { peer, why, strikes });
    update();
  }

  function sample(ms: number): void {
    const { samples } = late;
    late = { ms: samples === 0 ? ms : (1 - NEW_SHARE) * late.ms + NEW_SHARE * ms, samples: samples + 1 };
    if (late.samples < LEAST_SAMPLES || late.ms <= LATE_MS || held.first === undefined) return;
    doubt(held.first, `records come ${Math.round(late.ms)} ms after the other path's word`);
  }

  /** Whether a word is of another record than this node's own; undefined where they cannot be compared. */
  function differs({ term, height, recordHash }: Pick<Word, "term" | "height" | "recordHash">): boolean | undefined {
    const own = core.player.at(height);
    if (own === undefined || own.header.term !== term) return undefined;
    return !equalBytes(own.hash, recordHash);
  }

  /** Two records of one leader, if it is true: what shows it is asked for. */
  function onFork(from: string, height: number): void {
    if (claims.get(from)?.isAsked === true || distrusts()) return;
    core.logger.warn("another path tells of another record", { from, height });
    claims.set(from, { height: Infinity, committed: 0, sinceMs: clock.now(), isAsked: true });
    sync.catchUp(from);
  }

  function claim(from: string, height: number, committed: number): void {
    if (claims.has(from) || isMet({ height, committed })) return;
    claims.set(from, { height, committed, sinceMs: clock.now(), isAsked: false });
  }

  function isMet({ height, committed }: Pick<Claim, "height" | "committed">): boolean {
    return core.player.head.header.height >= height && core.committed >= committed;
  }

  /** What has come meanwhile of what the other path told of. */
  function compareWords(isMeasured: boolean): void {
    const { height } = core.player.head.header;
    const reached = words.filter((word) => word.height <= height);
    words = words.filter((word) => word.height > height);
    for (const word of reached) {
      const isOther = differs(word);
      if (isOther === true && held.second !== undefined) onFork(held.second, word.height);
      else if (isOther === false && isMeasured) sample(clock.now() - word.atMs);
    }
  }

  function checkClaim(from: string, made: Claim): void {
    const nowMs = clock.now();
    const ageMs = nowMs - made.sinceMs;
    if (distrusts()) {
      claims.delete(from);
    } else if (isMet(made)) {
      claims.delete(from);
      // It had to be asked for elsewhere.
      if (made.isAsked && held.first !== undefined && from !== held.first) doubt(held.first, "it brought nothing");
      // This node happened to ask, and the path still has to bring anything.
      else if (ageMs > LATE_MS && isPassedBy(from, made)) sample(ageMs);
    } else if (made.isAsked) {
      const turnMs = sync.askedAtMs(from) ?? 0;
      if (made.askedMs === undefined && turnMs < made.sinceMs) return sync.catchUp(from);
      made.askedMs ??= turnMs;
      if (nowMs - made.askedMs < SHOW_WITHIN_MS) return;
      if (nowMs - progressMs >= SHOW_WITHIN_MS) doubt(from, "it does not show what it told of");
      else if (made.height === Infinity) doubt(from, "it told of a fork that is none");
    } else if (isStalled(made, ageMs)) {
      made.isAsked = true;
      sync.catchUp(from);
    }
  }

  /** Whether the first path, that had time to begin, brought nothing since; who was away for long asks for everything at first. */
  function isPassedBy(from: string, { sinceMs }: Claim): boolean {
    if (held.first === undefined || from === held.first || isPushing) return false;
    return pushedMs < sinceMs && sinceMs - heldSinceMs >= STALL_MS;
  }

  function isStalled({ height }: Claim, ageMs: number): boolean {
    // Records that wait for this node are not late.
    const isQuiet = !isPushing && clock.now() - pushedMs >= STALL_MS;
    if (isQuiet && ageMs >= STALL_MS) return true;
    return core.player.head.header.height >= height && ageMs >= COMMIT_STALL_MS;
  }

  return {
    get paths() {
      return held;
    },
    get neighbours() {
      return neighboursNow();
    },
    delayMs() {
      if (isLeader(core)) return 0;
      const leader = officeOf(core)?.signer ?? "";
      const first = neighboursNow().find(({ signer }) => signer === held.first);
      if (first !== undefined) return first.roundTripMs === undefined ? undefined : Math.round(delayBy(first));
      const roundTripMs = roundTrips.of(leader);
      return roundTripMs === undefined ? undefined : Math.round(roundTripMs / 2);
    },
    onPush(from) {
      if (from !== held.first) return () => undefined;
      const waitedMs = clock.now() - pushedMs;
      isPushing = true;
      return () => {
        isPushing = false;
        pushedMs = clock.now();
        // One that came while another was being played has waited here.
        compareWords(waitedMs > 1);
      };
    },
    onHead(from, { term, height, recordHash, committed }) {
      if (from !== held.second) return;
      const isOther = differs({ term, height, recordHash });
      if (isOther === true) return onFork(from, height);
      if (isOther === false) sample(0);
      if (height > core.player.head.header.height && words.length < MAX_WORDS) {
        words.push({ term, height, recordHash, atMs: clock.now() });
      }
      claim(from, height, committed);
    },
    onHeartbeat(from, { delayMs, height }) {
      if (delayMs === undefined) told.delete(from);
      else told.set(from, delayMs);
      if (height !== undefined && held.first !== undefined && from === officeOf(core)?.signer) claim(from, height, 0);
    },
    onRefused(from) {
      if (from !== held.first && from !== held.second) return;
      const strikes = doubts.get(from)?.strikes ?? 0;
      doubts.set(from, { strikes, untilMs: Math.max(doubts.get(from)?.untilMs ?? 0, clock.now() + FULL_MS) });
      update();
    },
    onLink(peer, isUp) {
      if (isUp) linked.add(peer);
      else {
        linked.delete(peer);
        roundTrips.forget(peer);
        told.delete(peer);
        claims.delete(peer);
      }
      update();
    },
    wake: () => alarm.ring(),
    async run(signal) {
      while (!signal.aborted) {
        alarm.rearm();
        update();
        for (const [from, made] of claims) checkClaim(from, made);
        const isFollowing = held.first !== undefined || isRelayed(membersNow(core));
        await alarm.pause(isFollowing ? LOOK_EVERY_MS : heartbeatMs, signal);
      }
    },
  };
}
