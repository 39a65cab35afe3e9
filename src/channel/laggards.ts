import type { Member } from "../domain/channel/membership.ts";
import { isLeader, membersNow, type Core } from "./core.ts";

/** Members that say that they are there, and do nothing else. */
export interface Laggards {
  /** Those without whom nothing that this node leads was certified for long, now. To be asked again and again. */
  find(): readonly Member[];
}

export interface LaggardsInit {
  readonly core: Core;
  /** Whether a new term waits for a member's word. */
  readonly waitsFor: (signer: string) => boolean;
  readonly deadMs: number;
  readonly patienceMs: number;
}

export function createLaggards({ core, waitsFor, deadMs, patienceMs }: LaggardsInit): Laggards {
  let lookedAtMs = 0;
  let since: { readonly term: number; readonly certified: number; readonly atMs: number } | undefined;

  /** There are records of this node's term, which want acks; before, it wants words for the term. */
  const hasBegun = (): boolean => core.player.head.header.term === core.term;

  return {
    find() {
      const nowMs = core.clock.now();
      // What others did meanwhile is not known.
      if (nowMs - lookedAtMs > deadMs) since = undefined;
      lookedAtMs = nowMs;
      const certified = core.certificate?.height ?? 0;
      const others = [...membersNow(core).members.values()].filter(
        ({ account, isAbsent, weight }) => account !== core.account && !isAbsent && weight > 0n,
      );
      const behind = others.filter(({ signer }) =>
        hasBegun() ? core.acks.ackedBy(signer) <= certified : waitsFor(signer),
      );
      const isUncertified = !hasBegun() || core.player.head.header.height > certified;
      const isWaiting = isLeader(core) && isUncertified && behind.length > 0;
      if (!isWaiting) since = undefined;
      else if (since?.term !== core.term || since.certified !== certified) {
        since = { term: core.term, certified, atMs: nowMs };
      }
      return since === undefined || nowMs - since.atMs < patienceMs ? [] : behind;
    },
  };
}
