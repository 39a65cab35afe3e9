import { countedWeight, memberOfSigner, weightOf, type Member } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { isLeader, membersNow, officeOf, type Core } from "./core.ts";

/** A leader that says that it is there, and takes nothing of what the chain has for it. */
export interface IdleLeader {
  /**
   * The leader, when nobody has certified for long that it took an entry of the inbox that is seen here. To be asked again and again.
   * Where its record is here already, others may be slow, and where nothing is certified without this node, its links may be bad: then
   * the leader has first the time to accuse of that, and whoever it accuses the time to answer.
   */
  find(turn: { readonly rank: number; readonly answerMs: number }): readonly Member[];
}

export interface IdleLeaderInit {
  readonly core: Core;
  readonly deadMs: number;
  readonly patienceMs: number;
}

export function createIdleLeader({ core, deadMs, patienceMs }: IdleLeaderInit): IdleLeader {
  let lookedAtMs = 0;
  let since: { readonly term: number; readonly entry: number; readonly atMs: number } | undefined;

  return {
    find({ rank, answerMs }) {
      const { clock, chain, player, certificate, term } = core;
      const nowMs = clock.now();
      // What it did meanwhile is not known.
      if (nowMs - lookedAtMs > deadMs) since = undefined;
      lookedAtMs = nowMs;
      const certified = player.at(certificate?.height ?? 0)?.header.inboxCursor ?? 0;
      const taken = Math.max(chain.settled.inboxCursor, certified);
      const members = membersNow(core);
      const leader = memberOfSigner(members, officeOf(core)?.signer ?? "");
      const isWaiting = leader !== undefined && !isLeader(core) && taken < chain.inboxLength;
      if (!isWaiting) since = undefined;
      else if (since?.term !== term || since.entry <= taken) since = { term, entry: chain.inboxLength, atMs: nowMs };
      if (leader === undefined || since === undefined) return [];
      const isProposed = player.head.header.inboxCursor >= since.entry;
      const others = new Set([...members.members.values()].map(({ signer }) => signer));
      others.delete(core.network.self);
      const isNeeded = !isQuorum(weightOf(members, others), countedWeight(members));
      const othersMs = isProposed || isNeeded ? patienceMs + answerMs : 0;
      return nowMs - since.atMs < patienceMs + rank * deadMs + othersMs ? [] : [leader];
    },
  };
}
