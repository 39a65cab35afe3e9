import { supportersOf } from "../domain/channel/ballot.ts";
import { countedWeight, weightOf, type Membership } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { SprfError } from "../errors.ts";
import type { HubVote } from "../ports/channel-hub.ts";
import { equalBytes } from "../utils/bytes.ts";
import { VOTE_OPTIONS, type Settlement } from "../wire/channel/settlement.ts";
import { certifiedHeight, type Core } from "./core.ts";

const LOOK_EVERY_MS = 20;
const TIMEOUT_MS = 30_000;
/** For those who are slow, where the vote of all saves the window. */
const UNANIMOUS_MS = 500;
const ABSENT_EVERY_MS = 1_000;

/** What is voted on. */
export interface Poll {
  readonly settlement: Settlement;
  /** By account; the others' come in meanwhile. */
  readonly votes: Map<string, HubVote>;
  /** This node's own, which counts once it holds a certificate for the height. */
  readonly vote: HubVote;
}

/**
 * Waits until as many are for a settlement as the hub asks for.
 *
 * @throws SprfError `CHANNEL_SETTLEMENT_FAILED` after 30 s, and when its record is taken back before
 */
export async function gatherVotes(
  core: Core,
  { settlement, votes, vote }: Poll,
  signal: AbortSignal,
): Promise<readonly HubVote[]> {
  const startMs = core.clock.now();
  const voters = core.chain.votersOf(settlement.inboxCursor);
  let absent: ReadonlySet<string> = new Set();
  let lookAtMs = startMs;
  let quorumAtMs: number | undefined;
  for (;;) {
    const own = core.player.at(settlement.toHeight);
    // A certificate of a later term for its height would be of another record, and the vote one for what nobody has any more.
    if (own !== undefined && !equalBytes(own.hash, settlement.head)) {
      throw new SprfError("CHANNEL_SETTLEMENT_FAILED", `the record of height ${settlement.toHeight} was taken back`);
    }
    if (certifiedHeight(core) >= settlement.toHeight) votes.set(vote.member, vote);
    const nowMs = core.clock.now();
    if (nowMs >= lookAtMs) {
      absent = await absentees(core, signal);
      lookAtMs = nowMs + ABSENT_EVERY_MS;
    }
    const counting = withoutSilent(voters, absent, votes);
    const counted = countedWeight(counting) + joinedSince(core, voters, absent);
    const weight = weightFor(voters, counting, votes);
    if (isQuorum(weight, counted)) quorumAtMs ??= nowMs;
    // Owners have to sign themselves for that.
    const isOfAll = [...voters.members.keys()].every((account) => votes.get(account)?.option === VOTE_OPTIONS.for);
    const isEnough = isOfAll || core.info.config.windowSeconds === 0;
    if (quorumAtMs !== undefined && (isEnough || nowMs - quorumAtMs >= UNANIMOUS_MS)) return [...votes.values()];
    if (nowMs - startMs > TIMEOUT_MS) {
      const why = `${weight} of ${counted} have voted for height ${settlement.toHeight}`;
      throw new SprfError("CHANNEL_SETTLEMENT_FAILED", why);
    }
    await core.clock.sleep(LOOK_EVERY_MS, { signal });
  }
}

/** Those who joined after the settlement's cursor have no vote on it, and count: a voice each. */
function joinedSince({ chain }: Core, voters: Membership, absent: ReadonlySet<string>): bigint {
  const now = chain.membershipAt(chain.inboxLength)?.members.keys() ?? [];
  return BigInt([...now].filter((account) => !voters.members.has(account) && !absent.has(account)).length);
}

function weightFor(voters: Membership, counting: Membership, votes: ReadonlyMap<string, HubVote>): bigint {
  const inFavour = [...votes.values()].filter(({ option }) => option === VOTE_OPTIONS.for);
  const supporters = supportersOf(voters, new Set(inFavour.map(({ member }) => member)), new Set(votes.keys()));
  return weightOf(counting, new Set([...supporters].map((account) => counting.members.get(account)?.signer ?? "")));
}

/** Accounts that have not answered an accusation, or of which the chain has not heard where it asks them to show themselves. */
async function absentees({ hub, info, chain }: Core, signal: AbortSignal): Promise<ReadonlySet<string>> {
  if (info.config.aliveSeconds === 0) {
    const members = chain.membershipAt(chain.inboxLength)?.members.values() ?? [];
    return new Set([...members].flatMap(({ account, isAbsent }) => (isAbsent ? [account] : [])));
  }
  const members = await hub.members(info.channel, { signal });
  return new Set(members.flatMap(({ account, isAbsent }) => (isAbsent ? [account] : [])));
}

/** The hub does not count those who are absent and have not voted. */
function withoutSilent(
  voters: Membership,
  absent: ReadonlySet<string>,
  votes: ReadonlyMap<string, HubVote>,
): Membership {
  if (absent.size === 0) return voters;
  const isHeard = (account: string): boolean => !absent.has(account) || votes.has(account);
  return { ...voters, members: new Map([...voters.members].filter(([account]) => isHeard(account))) };
}
