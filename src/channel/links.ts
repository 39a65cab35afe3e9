import { memberOfSigner } from "../domain/channel/membership.ts";
import type { ChannelLinks } from "../ports/channel-service.ts";
import { membersNow, type Core } from "./core.ts";
import type { Elector } from "./elector.ts";
import type { PathFinder } from "./path-finder.ts";
import type { Relay } from "./relay.ts";
import type { RoundTrips } from "./round-trips.ts";

/** How far members are from this node, one way, as far as that was measured; by their accounts. */
export function delaysOf(core: Core, roundTrips: RoundTrips): ReadonlyMap<string, number> {
  const members = membersNow(core);
  return new Map(
    [...roundTrips.all].flatMap(([signer, ms]) => {
      const account = memberOfSigner(members, signer)?.account;
      return account === undefined ? [] : [[account, Math.round(ms / 2)] as const];
    }),
  );
}

/** How records come to a node and go on from it, by members' accounts. */
export function linksOf(
  core: Core,
  {
    pathFinder,
    relay,
    roundTrips,
    elector,
  }: {
    readonly pathFinder: PathFinder;
    readonly relay: Relay;
    readonly roundTrips: RoundTrips;
    readonly elector: Pick<Elector, "silenceMs">;
  },
): ChannelLinks {
  const members = membersNow(core);
  // One who has left has no name any more but its signer's.
  const nameOf = (signer: string): string => memberOfSigner(members, signer)?.account ?? signer;
  const { first, second } = pathFinder.paths;
  const delayMs = pathFinder.delayMs();
  return {
    ...(first !== undefined && { first: nameOf(first) }),
    ...(second !== undefined && { second: nameOf(second) }),
    ...(delayMs !== undefined && { delayMs }),
    roundTrips: [...roundTrips.all].map(([signer, ms]) => ({ account: nameOf(signer), ms: Math.round(ms) })),
    serves: [...relay.followers].flatMap(([signer, { wants }]) => (wants === "records" ? [nameOf(signer)] : [])),
    heard: [...members.members.values()].flatMap(({ account, signer }) => {
      const agoMs = elector.silenceMs(signer);
      return agoMs === undefined ? [] : [{ account, agoMs: Math.max(0, Math.round(agoMs)) }];
    }),
  };
}
