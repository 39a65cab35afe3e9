import { candidatesOf } from "../domain/channel/candidates.ts";
import { capacityOf, isInMesh, isRelayed } from "../domain/channel/relays.ts";
import { messageOf } from "../errors.ts";
import { createAlarm } from "../utils/alarm.ts";
import type { Certificate } from "../wire/channel/batch.ts";
import { encodeChannelMessage, type ChannelMessageBody, type ChannelMessageOf } from "../wire/channel/messages.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import { isLeader, membersNow, officeOf, peersOf, send, statusOf, type Core } from "./core.ts";

/** Whoever compares heads is told of them so often at most. */
const TELL_EVERY_MS = 250;
/** A member that has not asked again for so many heartbeats takes records elsewhere, or is dead. */
const LEASE_HEARTBEATS = 4;

/** What a member takes from this node. */
export type Wanted = "records" | "heads";

interface Follower {
  readonly wants: Wanted;
  untilMs: number;
  /** It may have missed something: it is told where this node stands. */
  isBehind: boolean;
}

/** The part of a node that sends records on: a leader's, and a candidate's what it has checked itself. */
export interface Relay {
  /** To all that take records from this node: as the leader to the candidates, or to all where they are few, and to who asked for them. */
  publish(body: ChannelMessageBody): void;
  /** In turn: a batch that this node has played, and the certificate that it holds; only what was checked here is sent on. */
  passOn(batch?: SignedBatch): void;
  /** Whether a member takes something from this node. */
  serves(peer: string): boolean;
  onPath(from: string, message: ChannelMessageOf<"path">): void;
  onLinkDown(peer: string): void;
  /** This node has got records in another way than those who take them from it will. */
  remind(): void;
  run(signal: AbortSignal): Promise<void>;
  readonly followers: ReadonlyMap<string, { readonly wants: Wanted }>;
}

export function createRelay(core: Core, { heartbeatMs }: { readonly heartbeatMs: number }): Relay {
  const { clock, network } = core;
  const followers = new Map<string, Follower>();
  const alarm = createAlarm(clock);
  let isNews = false;
  /** The last certificate that those who take records from this node were sent. */
  let passedOn: Certificate | undefined;
  core.news.add(({ kind }) => {
    if (kind === "final" || kind === "fault") return;
    isNews = true;
    if (followers.size > 0) alarm.ring();
  });

  function mayServe(peer: string): boolean {
    const members = membersNow(core);
    const isUseful = isRelayed(members) && isInMesh(members, network.self, officeOf(core)?.signer);
    return isUseful && peersOf(core).includes(peer);
  }

  function hasRoom(): boolean {
    const served = [...followers.values()].filter(({ wants }) => wants === "records").length;
    return served < capacityOf(membersNow(core));
  }

  function receivers(): Iterable<string> {
    const members = membersNow(core);
    const leads = isLeader(core);
    if (!isRelayed(members)) return leads ? peersOf(core) : [];
    const mesh = leads ? candidatesOf(members).map(({ signer }) => signer) : [];
    const asked = [...followers].filter(([, { wants }]) => wants === "records").map(([peer]) => peer);
    return new Set([...mesh.filter((signer) => signer !== network.self), ...asked]);
  }

  function dropSilent(): void {
    const nowMs = clock.now();
    for (const [peer, { untilMs }] of followers) {
      if (untilMs > nowMs && mayServe(peer)) continue;
      followers.delete(peer);
      send(core, peer, { kind: "path-refused" });
    }
  }

  /** In turn: what is told of is on the disk. */
  function tellFollowers(): void {
    // One that came in another way than those that records come by.
    passOn();
    const { header, hash } = core.player.head;
    const head: ChannelMessageBody = {
      kind: "head",
      term: header.term,
      height: header.height,
      recordHash: hash,
      committed: core.committed,
    };
    for (const [peer, follower] of followers) {
      const isTold = follower.wants === "heads" && isNews;
      if (!isTold && !follower.isBehind) continue;
      // What its queue cannot hold is said again later.
      follower.isBehind = !send(core, peer, follower.wants === "heads" ? head : statusOf(core, false));
    }
    isNews = false;
  }

  function publish(body: ChannelMessageBody): void {
    let message: Uint8Array | undefined;
    for (const peer of receivers()) {
      message ??= encodeChannelMessage(core.info.channel, body);
      const isTaken = network.send(peer, message);
      const follower = followers.get(peer);
      if (!isTaken && follower !== undefined) follower.isBehind = true;
    }
  }

  function passOn(batch?: SignedBatch): void {
    if (isLeader(core)) return;
    const certificate = core.certificate === passedOn ? undefined : core.certificate;
    passedOn = core.certificate;
    if (batch === undefined && certificate === undefined) return;
    publish({ kind: "batch", ...(batch && { batch }), ...(certificate && { certificate }) });
  }

  return {
    followers,
    publish,
    passOn,
    serves: (peer) => followers.has(peer),
    onPath(from, { wants }) {
      const known = followers.get(from);
      if (wants === "nothing") {
        followers.delete(from);
        return;
      }
      const isRefused = wants === "records" && known?.wants !== "records" && !hasRoom();
      if (isRefused || !mayServe(from)) {
        followers.delete(from);
        send(core, from, { kind: "path-refused" });
        return;
      }
      const untilMs = clock.now() + LEASE_HEARTBEATS * heartbeatMs;
      if (known?.wants === wants) {
        known.untilMs = untilMs;
        return;
      }
      followers.set(from, { wants, untilMs, isBehind: true });
      alarm.ring();
    },
    onLinkDown: (peer) => void followers.delete(peer),
    remind() {
      for (const follower of followers.values()) follower.isBehind = true;
      if (followers.size > 0) alarm.ring();
    },
    async run(signal) {
      while (!signal.aborted) {
        alarm.rearm();
        dropSilent();
        if (followers.size > 0) {
          await core
            .inTurn(async () => tellFollowers())
            .catch((error: unknown) => core.logger.error("followers were not told", { reason: messageOf(error) }));
          await clock.sleep(TELL_EVERY_MS, { signal }).catch(() => undefined);
        }
        const isBehind = [...followers.values()].some((follower) => follower.isBehind);
        await alarm.pause(isBehind ? TELL_EVERY_MS : heartbeatMs, signal);
      }
    },
  };
}
