import { isLeader, officeOf, type Core } from "./core.ts";

/** For the others' transactions, before this node sends its own. */
const TURN_MS = 3_000;
const WINDOW_MS = 1_000;
/** Of a window, for others to act. */
const WINDOW_PARTS = 4;

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

/** Whether this node's account is a member as the chain has it now, or leaves and is not gone. */
export function isMemberNow({ chain, account }: Pick<Core, "chain" | "account">): boolean {
  const now = chain.membershipAt(chain.inboxLength)?.members;
  return now?.has(account) === true || chain.votersOf(chain.inboxLength).members.has(account);
}

/**
 * How long this node lets others guard the channel first, who would all do the same: members by their join numbers, then those who
 * watch. At most a quarter of the window, in which it has to be done.
 */
export function guardTurnMs(core: Core): number {
  const { chain, info, account } = core;
  const members = [...chain.votersOf(chain.inboxLength).members.values()].sort((a, b) => a.joinNumber - b.joinNumber);
  const rank = members.findIndex((member) => member.account === account);
  const turns = rank < 0 ? members.length : rank;
  const windowMs = info.config.windowSeconds * WINDOW_MS;
  return Math.min(turns * TURN_MS, windowMs === 0 ? Number.POSITIVE_INFINITY : windowMs / WINDOW_PARTS);
}
