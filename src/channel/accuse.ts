import { messageOf } from "../errors.ts";
import type { HubVote } from "../ports/channel-hub.ts";
import { toHex } from "../utils/bytes.ts";
import { memberOfSigner } from "../domain/channel/membership.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { hashPunishment, recoverVote, signVote, VOTE_OPTIONS, type Punishment } from "../wire/channel/settlement.ts";
import { broadcast, officeOf, tell, type Core } from "./core.ts";
import type { FoundFault } from "./follower.ts";

/** Each member lets those who joined before it report first, so that one proposal gathers all votes. */
const TURN_MS = 3_000;
const VOTES_EVERY_MS = 250;
const VOTE_ROUNDS = 40;
/** Proposals of which a member's votes are kept before this node has seen what they are about. */
const MAX_EARLY = 4;

/** The part of a node that reports a leader's lie. */
export interface Accuser {
  onFault(fault: FoundFault): void;
  onVote(from: string, message: ChannelMessageOf<"vote">): void;
  /** Whether this node has seen the leader of the present term lie: it acks nothing of it any more. */
  readonly distrusts: boolean;
}

export function createAccuser(core: Core, signal: AbortSignal): Accuser {
  let distrusted = 0;
  /** Votes by proposal and member; bounded by members and by the lies that this node has seen itself. */
  const votes = new Map<string, Map<string, HubVote>>();
  const seen = new Set<string>();
  /** The newest proposals that a member voted on too early; it can push out its own votes only. */
  const early = new Map<string, string[]>();

  function keepEarly(account: string, key: string): void {
    const keys = early.get(account) ?? [];
    early.set(account, keys);
    if (keys.includes(key)) return;
    keys.push(key);
    const oldest = keys.length > MAX_EARLY ? keys.shift() : undefined;
    if (oldest === undefined || seen.has(oldest)) return;
    votes.get(oldest)?.delete(account);
    if (votes.get(oldest)?.size === 0) votes.delete(oldest);
  }

  const isOver = (term: number): boolean => signal.aborted || (core.chain.term?.term ?? 0) > term;

  function accusers(): string[] {
    const members = [...(core.chain.membershipAt(core.chain.inboxLength)?.members.values() ?? [])];
    const leader = officeOf(core)?.leader;
    return members
      .filter(({ account }) => account !== leader)
      .sort((a, b) => a.joinNumber - b.joinNumber)
      .map(({ account }) => account);
  }

  async function report(punishment: Punishment, key: string): Promise<void> {
    const rank = accusers().indexOf(core.account);
    if (rank < 0) return;
    await core.clock.sleep(rank * TURN_MS, { signal });
    if (isOver(punishment.term)) return;
    const { channel, config } = core.info;
    const proposal = await core.hub.proposePunishment(punishment, { signal });
    const brought = new Set([core.account]);
    for (let round = 0; round < VOTE_ROUNDS && !signal.aborted; round += 1) {
      const { state } = (await core.hub.proposal(channel, proposal, { signal })) ?? { state: "rejected" };
      if (state === "final" || state === "rejected") return;
      // Two accusers take the office; where votes are proof, more of them ban and fine afterwards.
      if (state === "passed") await core.hub.executePunishment(channel, proposal, { signal });
      else if (isOver(punishment.term) && !config.votesAreProof) return;
      const fresh = [...(votes.get(key)?.values() ?? [])].filter(({ member }) => !brought.has(member));
      if (fresh.length > 0) {
        await core.hub.voteBySignatures(channel, proposal, fresh, { signal });
        for (const { member } of fresh) brought.add(member);
      } else if (state !== "passed") await core.clock.sleep(VOTES_EVERY_MS, { signal });
    }
  }

  return {
    get distrusts() {
      return distrusted >= core.term && distrusted > 0;
    },
    onFault({ term, leader, height, recordHash, reason, message }) {
      if (term <= distrusted) return;
      distrusted = term;
      core.logger.error("the leader has lied", { height, term, reason: message });
      tell(core, { kind: "fault", height, reason, message });
      const { channel } = core.info;
      const punishment: Punishment = { channel, term, target: leader, height, recordHash, reason };
      const proposalHash = hashPunishment(punishment);
      const key = toHex(proposalHash);
      seen.add(key);
      if (!votes.has(key)) votes.set(key, new Map());
      const vote = { channel, proposalHash, option: VOTE_OPTIONS.for };
      const signature = signVote(core.domain, vote, core.signerKey);
      broadcast(core, { kind: "proposal", punishment });
      broadcast(core, { kind: "vote", proposalHash, option: vote.option, signature });
      report(punishment, key).catch((error: unknown) => {
        if (!signal.aborted) core.logger.warn("the leader's lie was not reported", { reason: messageOf(error) });
      });
    },
    onVote(from, { proposalHash, option, signature }) {
      const { channel } = core.info;
      const members = core.chain.membershipAt(core.chain.inboxLength);
      const member = members === undefined ? undefined : memberOfSigner(members, from);
      if (member === undefined || option !== VOTE_OPTIONS.for) return;
      if (recoverVote(core.domain, { channel, proposalHash, option }, signature) !== from) return;
      const key = toHex(proposalHash);
      // Votes may come before this node has seen the lie; a few are kept.
      if (!seen.has(key)) keepEarly(member.account, key);
      const known = votes.get(key) ?? new Map<string, HubVote>();
      votes.set(key, known);
      known.set(member.account, { member: member.account, option, signature });
    },
  };
}
