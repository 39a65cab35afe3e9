import { isSprfError, messageOf } from "../errors.ts";
import type { ChannelCourt, Evidence } from "../ports/channel-court.ts";
import type { HubVote } from "../ports/channel-hub.ts";
import type { ChannelWatch } from "../ports/channel-watch.ts";
import { concatBytes, toHex } from "../utils/bytes.ts";
import { keccak256 } from "../utils/keccak.ts";
import { commitmentOf } from "../domain/channel/evidence.ts";
import { memberOfSigner } from "../domain/channel/membership.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { hashPunishment, recoverVote, signVote, VOTE_OPTIONS, type Punishment } from "../wire/channel/settlement.ts";
import { broadcast, officeOf, tell, type Core } from "./core.ts";
import type { FoundFault } from "./follower.ts";
import { guardTurnMs } from "./turns.ts";

/** Each member lets those who joined before it report first, so that one proposal gathers all votes. */
const TURN_MS = 3_000;
const VOTES_EVERY_MS = 250;
/** Of that length each, for two blocks to be made. */
const BLOCK_ROUNDS = 120;
const VOTE_ROUNDS = 40;
/** Proposals of which a member's votes are kept before this node has seen what they are about. */
const MAX_EARLY = 4;

type FalseResult = Extract<Evidence, { fault: "falseResult" }>;

/** The part of a node that reports a leader's lie. */
export interface Accuser {
  onFault(fault: FoundFault): void;
  onVote(from: string, message: ChannelMessageOf<"vote">): void;
  /** Whether this node has seen the leader of the present term lie: it acks nothing of it any more. */
  readonly distrusts: boolean;
}

export interface AccuserInit {
  readonly core: Core;
  /** Of a node that is no member's: it has no vote, and convicts by itself whom no member has in time. */
  readonly watch: ChannelWatch | undefined;
}

export function createAccuser({ core, watch }: AccuserInit, signal: AbortSignal): Accuser {
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

  const isOut = (account: string): boolean =>
    core.chain.membershipAt(core.chain.inboxLength)?.members.has(account) !== true;

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

  /** Says first that it will show something, and shows it two blocks later, for half of the fine. */
  async function convict({ evidence, leader, recordHash }: FoundFault): Promise<void> {
    const { court, hub, clock, account } = core;
    const rank = accusers().indexOf(account);
    if (court === undefined || evidence === undefined || rank < 0) return;
    await clock.sleep(rank * TURN_MS, { signal });
    // Nobody else can guess it, and it is the same after a new start.
    const salt = keccak256(concatBytes(core.signerKey, recordHash));
    const { fineWei } = core.info.config;
    if (fineWei > 0n) {
      await court.commit(commitmentOf(account, evidence, salt), { signal });
      // Without another block the reward is given up.
      await blockAfter(await hub.blockNumber({ signal }));
    }
    if (isOut(leader) && fineWei === 0n) return;
    if (evidence.fault === "falseResult") await convictByReplay(court, evidence, salt);
    else await court.accuse(evidence, salt, { signal });
  }

  /** Where members are offline, or do not care; the channel's fund pays for it. */
  async function convictForMembers(by: ChannelWatch, { evidence, leader, height }: FoundFault): Promise<void> {
    if (evidence === undefined) return;
    await core.clock.sleep(guardTurnMs(core), { signal });
    if (isOut(leader)) return;
    await by.convict(core.info.channel, leader, evidence, { signal });
    core.logger.warn("a leader was convicted for members that were not there", { leader, height });
  }

  /** Loads what the chain needs, and has it run the record in a later block. After a new start, it finds what was loaded before. */
  async function convictByReplay(court: ChannelCourt, evidence: FalseResult, salt: Uint8Array): Promise<void> {
    const openedIn = await court.openReplay(evidence.before.stateRoot, evidence, { signal });
    const opened = { ...evidence, openedIn };
    await court.accuse(opened, salt, { signal }).catch(async (error: unknown) => {
      // Some nodes try it out in the block that is there, and not in the next one.
      if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      await blockAfter(openedIn);
      await court.accuse(opened, salt, { signal });
    });
  }

  /** Waits until there is a later block, as long as that may take where blocks are made without transactions. */
  async function blockAfter(block: number): Promise<void> {
    for (let round = 0; round < BLOCK_ROUNDS && (await core.hub.blockNumber({ signal })) <= block; round += 1) {
      await core.clock.sleep(VOTES_EVERY_MS, { signal });
    }
  }

  return {
    get distrusts() {
      return distrusted >= core.term && distrusted > 0;
    },
    onFault(fault) {
      const { term, leader, height, recordHash, reason, message } = fault;
      if (term <= distrusted) return;
      distrusted = term;
      core.logger.error("the leader has lied", { height, term, reason: message });
      tell(core, { kind: "fault", height, reason, message });
      const conviction = watch === undefined ? convict(fault) : convictForMembers(watch, fault);
      conviction.catch((error: unknown) => {
        // Somebody else may have been faster.
        if (!signal.aborted)
          core.logger.info("the leader was not convicted by this node", { reason: messageOf(error) });
      });
      if (watch !== undefined) return;
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
