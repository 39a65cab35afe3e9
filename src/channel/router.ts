import { isSprfError, messageOf } from "../errors.ts";
import type { ChannelListener } from "../ports/channel-network.ts";
import { equalBytes } from "../utils/bytes.ts";
import { decodeChannelMessage, type ChannelMessage, type ChannelMessageOf } from "../wire/channel/messages.ts";
import type { Accuser } from "./accuse.ts";
import type { Answers } from "./answers.ts";
import { isLeader, keep, officeOf, send, statusOf, takeCertificate, type Core } from "./core.ts";
import type { Elector } from "./elector.ts";
import { playLeadersBatch } from "./follower.ts";
import type { Forwarder } from "./forward.ts";
import type { Leader } from "./leader.ts";
import type { PathFinder } from "./path-finder.ts";
import type { Relay } from "./relay.ts";
import type { Requests } from "./requests.ts";
import type { RoundTrips } from "./round-trips.ts";
import type { Settler } from "./settler.ts";
import type { Sync } from "./sync.ts";
import type { Takeover } from "./takeover.ts";
import { beginsTerm } from "./term-record.ts";

const MAX_DETAIL_LENGTH = 512;

export interface RouterInit {
  readonly core: Core;
  readonly leader: Leader;
  readonly accuser: Accuser;
  readonly settler: Settler;
  readonly sync: Sync;
  readonly takeover: Takeover;
  readonly elector: Elector;
  readonly forwarder: Forwarder;
  readonly requests: Requests;
  readonly answers: Answers;
  readonly relay: Relay;
  readonly pathFinder: PathFinder;
  readonly roundTrips: RoundTrips;
  readonly acker: (options?: { readonly again?: boolean }) => void;
  readonly onProgress: () => void;
}

/** Brings each message to the part of the node that it is for. */
export function createRouter(init: RouterInit): ChannelListener {
  const { core, leader, accuser, settler, sync, takeover, elector, forwarder, requests, answers, acker, onProgress } =
    init;
  const { relay, pathFinder, roundTrips } = init;
  /** Those who will be told where this node stands; asked again meanwhile, it tells them once. */
  const untold = new Map<string, boolean>();

  /** In turn: within one the head is of a batch that nobody was sent yet, and whoever hears of it would ask for what is on its way. */
  function tellStatus(to: string, asks: boolean): void {
    const isUntold = untold.has(to);
    untold.set(to, asks || untold.get(to) === true);
    if (isUntold) return;
    const tell = async (): Promise<void> => {
      const isAsking = untold.get(to) === true;
      untold.delete(to);
      send(core, to, statusOf(core, isAsking));
    };
    core
      .inTurn(tell)
      .catch((error: unknown) => core.logger.error("a member was not told", { to, reason: messageOf(error) }));
  }

  function onStatus(from: string, status: ChannelMessageOf<"status">): void {
    if (status.asks) tellStatus(from, false);
    if (status.certificate !== undefined) takeCertificate(core, status.certificate);
    // Somebody has gone to another term, which its records say; the leader of this one leads no more.
    if (status.term > core.term) return sync.catchUp(from);
    if (accuser.distrusts || isLeader(core)) {
      // A leader follows nobody, but for what it had signed itself and lost sight of nothing.
      return;
    }
    const { header, hash } = core.player.head;
    const isOfLeader = from === officeOf(core)?.signer || from === core.upstream;
    if (status.height > header.height) return sync.catchUp(from);
    if (!isOfLeader) return;
    // A new leader's head may be lower than what is here of an earlier term.
    const own = status.height === header.height ? hash : core.player.at(status.height)?.hash;
    if (own !== undefined && !equalBytes(status.recordHash, own)) sync.catchUp(from);
    else acker({ again: true });
  }

  async function onBatch(from: string, message: ChannelMessageOf<"batch">): Promise<void> {
    if (accuser.distrusts) return;
    const onPushed = pathFinder.onPush(from);
    try {
      await takeBatch(from, message);
    } finally {
      onPushed();
    }
    onProgress();
  }

  async function takeBatch(from: string, { batch, certificate }: ChannelMessageOf<"batch">): Promise<void> {
    await core.inTurn(async () => {
      if (certificate !== undefined) {
        const verdict = takeCertificate(core, certificate);
        if (verdict === "ahead" && batch === undefined) sync.catchUp(from);
        if (verdict === "invalid") core.logger.debug("a certificate that is none", { from });
      }
      if (batch === undefined) {
        await keep(core, []);
        relay.passOn();
        return;
      }
      if (batch.term < core.term) return;
      const { term } = core;
      const result = await playLeadersBatch(core, batch);
      if (core.term !== term) takeover.wake();
      // What a new term goes on from is certified by what was no certificate of this node's records before.
      if (certificate !== undefined && beginsTerm(batch)) {
        takeCertificate(core, certificate);
        await keep(core, []);
      }
      // What its leader has signed, true or not: whoever is not shown a lie could not vote on it.
      if (result.outcome === "kept" || result.outcome === "fault") relay.passOn(batch);
      if (result.outcome === "fault") accuser.onFault(result.fault);
      if (result.outcome === "gap") sync.catchUp(from);
      if (result.outcome === "refused") {
        core.logger.debug("a batch was refused", { from, why: result.why });
        // What stands here may be another leader's.
        if (from === officeOf(core)?.signer || from === core.upstream) sync.catchUp(from);
      }
    });
  }

  function onInput(from: string, { id, recordKind, input }: ChannelMessageOf<"input">): void {
    const refuse = (refusal: string, detail: string): void => {
      send(core, from, { kind: "receipt", id, refusal, detail: detail.slice(0, MAX_DETAIL_LENGTH) });
    };
    const isServed = relay.serves(from);
    if (!isLeader(core) && !isServed) return refuse("CHANNEL_NO_LEADER", "this member does not lead");
    const taken = isLeader(core)
      ? leader.submit(recordKind, input, { peer: from })
      : forwarder.forward(recordKind, input, { peer: from });
    taken.then(
      (height) => send(core, from, { kind: "receipt", id, height }),
      (error: unknown) => refuse(isSprfError(error) ? error.code : "INTERNAL", messageOf(error)),
    );
  }

  function onHeartbeat(from: string, message: ChannelMessageOf<"heartbeat">): void {
    elector.onHeartbeat(from, message);
    pathFinder.onHeartbeat(from, message);
    if (message.id !== undefined) send(core, from, { kind: "echo", id: message.id }, { isUrgent: true });
    if (message.term > core.term) tellStatus(from, true);
  }

  /** Those of a member that has no link to the leader go on to it; each is signed. */
  async function onAcks(from: string, message: ChannelMessageOf<"acks">): Promise<void> {
    const { signer } = officeOf(core) ?? {};
    if (isLeader(core)) await leader.onAcks(from, message);
    else if (signer !== undefined && relay.serves(from)) send(core, signer, message);
  }

  async function route(from: string, message: ChannelMessage): Promise<void> {
    switch (message.kind) {
      case "status":
        return onStatus(from, message);
      case "heartbeat":
        return onHeartbeat(from, message);
      case "echo":
        return roundTrips.onEcho(from, message.id);
      case "path":
        return relay.onPath(from, message);
      case "path-refused":
        return pathFinder.onRefused(from);
      case "head":
        return pathFinder.onHead(from, message);
      case "pre-vote":
        return elector.onPreVote(from, message);
      case "candidacy":
        return takeover.onCandidacy(from, message, () => elector.mayElect(from));
      case "leader-change":
        return takeover.onLeaderChange(from, message);
      case "input":
        return onInput(from, message);
      case "receipt":
        return forwarder.onReceipt(from, message);
      case "batch":
        return await onBatch(from, message);
      case "acks":
        return await onAcks(from, message);
      case "sync":
      case "part-request":
        return answers.ask(from, message);
      case "history":
      case "snapshot":
      case "part":
        requests.take(from, message);
        return;
      case "proposal":
        if (message.settlement !== undefined) await settler.onProposal(from, message.settlement);
        return;
      case "vote":
        settler.onVote(from, message);
        accuser.onVote(from, message);
    }
  }

  return {
    async onMessage(from, bytes) {
      let message: ChannelMessage;
      try {
        message = decodeChannelMessage(bytes);
      } catch (error) {
        core.logger.debug("a message was dropped", { from, reason: messageOf(error) });
        return;
      }
      if (message.channel !== core.info.channel) return;
      await route(from, message);
    },
    onLink(peer, isUp) {
      if (isUp) tellStatus(peer, true);
      else {
        forwarder.onLinkDown(peer);
        relay.onLinkDown(peer);
      }
      elector.onLink(peer, isUp);
      pathFinder.onLink(peer, isUp);
    },
  };
}
