import { isLeader, officeOf, type Core } from "./core.ts";

/** For the others' transactions, before this node sends its own. */
const TURN_MS = 3_000;

/** How long members wait for the leader to bring something to the hub, unless the node is told otherwise. */
export const DEFAULT_PATIENCE_MS = 30_000;

/** How long this node lets others bring something that any member may: the leader none, the others by their join numbers. */
export function patienceMs(core: Core, forLeaderMs: number): number {
  if (isLeader(core)) return 0;
  const members = [...(core.chain.membershipAt(core.chain.inboxLength)?.members.values() ?? [])];
  const rank = members
    .filter(({ account }) => account !== officeOf(core)?.leader)
    .sort((a, b) => a.joinNumber - b.joinNumber)
    .findIndex(({ account }) => account === core.account);
  return forLeaderMs + Math.max(0, rank) * TURN_MS;
}
