import { candidatesOf } from "../domain/channel/candidates.ts";
import { isCutOff } from "../domain/channel/inbox-patience.ts";
import { countedWeight, memberOfSigner, weightOf, type Member, type Membership } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { messageOf } from "../errors.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { broadcast, enterTerm, isLeader, membersNow, officeOf, peersOf, send, type Core } from "./core.ts";
import type { HeartbeatWords } from "./heartbeat-words.ts";
import { isQuorumOfAll } from "./standing.ts";

/** As the specification of channels has it. */
export const DEFAULT_HEARTBEAT_MS = 5_000;
/** Whoever is silent for so many heartbeats is dead. */
const DEAD_HEARTBEATS = 3;
/** Of one whose link is gone as well, as it is at once where a process dies. */
const GONE_HEARTBEATS = 2;
/** A member that says it is in a later term than that is not believed: terms would run out. */
const MAX_AHEAD = 65_536;
/** A leader waits so many times as long as until one is dead before it takes members along again, and then twice as long each time. */
const ALONG_PAUSES = 4;
const MAX_DOUBLINGS = 6;
/** How often somebody looks, between two heartbeats. */
const LOOKS = 5;

/** The part of a node that notices that nobody leads, and stands for the office. */
export interface Elector {
  onHeartbeat(from: string, message: ChannelMessageOf<"heartbeat">): void;
  onPreVote(from: string, message: ChannelMessageOf<"pre-vote">): void;
  /** This node, too, finds that nobody leads, and that this member may. */
  mayElect(signer: string): boolean;
  /** Whether a member was heard lately. */
  hears(signer: string): boolean;
  /** A link to a member is there, or gone. */
  onLink(peer: string, isUp: boolean): void;
  /** For how long a member was not heard; undefined when it never was. */
  silenceMs(signer: string): number | undefined;
  /** Members that count and were not heard for the time in which a leader is found dead. */
  silent(): readonly Member[];
  /** Those that are heard are no quorum. */
  isStuck(): boolean;
  run(signal: AbortSignal): Promise<void>;
}

export interface ElectorInit {
  readonly core: Core;
  /** @default 5,000 */
  readonly heartbeatMs?: number | undefined;
  /** This node has seen the leader lie. */
  readonly distrusts: () => boolean;
  /** What a heartbeat to a member says besides. */
  readonly tells: (peer: string) => HeartbeatWords;
  /** This node has gone to a term that it wants to lead. */
  readonly onCandidate: () => void;
}

/**
 * Members tell each other that they are there; a leader only while it hears a quorum, so that one that is cut off from them ends to
 * lead. Where it is silent, the first of those that are there asks the others whether they find so too, and only with a quorum's yes
 * goes to another term: whoever comes back from a dead link deposes nobody (the pre-vote of Raft). Where a few have gone to a later term
 * that nobody leads, because the others heard their leader again, it takes them along: it is elected once more, in a term after theirs.
 */
export function createElector({
  core,
  heartbeatMs = DEFAULT_HEARTBEAT_MS,
  distrusts,
  tells,
  onCandidate,
}: ElectorInit): Elector {
  const { clock } = core;
  const deadMs = DEAD_HEARTBEATS * heartbeatMs;
  /** When each member was heard last, and in which term it was. */
  const heard = new Map<string, { readonly atMs: number; readonly term: number }>();
  /** Those that this node had a link to, and has none now. */
  const gone = new Set<string>();
  /** While this node could not do anything, others may have spoken: that time is not theirs to have been silent in. */
  let sleptMs = 0;
  const awakeMs = (): number => clock.now() - sleptMs;
  const startedMs = awakeMs();
  let since = { term: core.term, atMs: startedMs };
  let leaderHeardMs = startedMs;
  /** Since when this node finds, without a break, that nobody leads. */
  let suspectsSinceMs: number | undefined;
  let agreed = { term: 0, signers: new Set<string>() };
  /** Since when some are in a later term than the one that this node leads, and when it may ask for one after that. */
  let aheadSinceMs: number | undefined;
  let along = { times: 0, notBeforeMs: 0 };

  const members = (): Membership => membersNow(core);
  const hears = (signer: string): boolean => awakeMs() - (heard.get(signer)?.atMs ?? startedMs) < deadMs;
  const isAlive = ({ signer }: Member): boolean => signer === core.network.self || hears(signer);

  /** One that has gone to a later term acks nothing of this one: with too few others left, its leader has to make way. */
  const isWithUs = ({ signer }: Member): boolean => (heard.get(signer)?.term ?? 0) <= core.term;

  /** Of a term that nobody was elected for yet: time runs from when this node went there. */
  function silentMs(): number {
    if (since.term !== core.term) since = { term: core.term, atMs: awakeMs() };
    const isLed = core.term === 1 || core.terms.baseOf(core.term) !== undefined;
    return awakeMs() - Math.max(since.atMs, isLed ? leaderHeardMs : 0);
  }

  function suspects(): boolean {
    if (isLeader(core) && mayLead() && hearsQuorum()) return false;
    const office = officeOf(core);
    // Without a first member there is nobody to elect.
    if (office === undefined && core.term === 1) return false;
    const hasLeft = office !== undefined && !members().members.has(office.leader);
    // From a leader that the chain knows, the chain takes the office, and says who is next.
    const isLiar = distrusts() && core.chain.term?.term !== core.term;
    const isGone = office !== undefined && gone.has(office.signer);
    return hasLeft || isLiar || silentMs() >= (isGone ? GONE_HEARTBEATS * heartbeatMs : deadMs);
  }

  function hearsQuorum(): boolean {
    const all = members();
    const alive = [...all.members.values()].filter((member) => isAlive(member) && isWithUs(member));
    return isQuorum(weightOf(all, new Set(alive.map(({ signer }) => signer))), countedWeight(all));
  }

  /** Not for long without the chain: an entry of the inbox that this node cannot see would convict it. */
  const mayLead = (): boolean => !isCutOff(clock.now(), core.chain.seenMs);

  /**
   * A term goes on from what is certified, and is proven by who was a member there, its leader among them: one that joined above it
   * would lead nobody, and before anything is certified nobody can be elected.
   */
  function isOfBase(): boolean {
    const { certificate, chain, player } = core;
    const base = player.at(Math.max(certificate?.height ?? 0, chain.settled.height));
    return base === undefined || base.membership.members.has(core.account);
  }

  /** The candidates of those that are there, without the one that leads no more: who is dead loses its seat to the next. */
  function others(isThere = isAlive): readonly Member[] {
    const gone = core.terms.promisedIn(core.term) ?? officeOf(core)?.leader;
    return candidatesOf(members(), (member) => member.account !== gone && isThere(member));
  }

  function mayElect(signer: string): boolean {
    const isIt = (member: Member): boolean => member.signer === signer;
    // It is heard just now, whatever became of its heartbeats; and one that led another term may stand again.
    const isThere = (member: Member): boolean => isIt(member) || isAlive(member);
    // The leader itself wants to go on in another term.
    if (officeOf(core)?.signer === signer && !distrusts()) return candidatesOf(members(), isThere).some(isIt);
    return suspects() && (others(isThere).some(isIt) || candidatesOf(members(), isThere).some(isIt));
  }

  /**
   * Whose turn it is: the first of these; when it does nothing, as one that may not lead or does not want to, the next, each after
   * the time in which a leader is found dead.
   */
  function isItsTurn(): boolean {
    if (!mayLead() || !isOfBase() || suspectsSinceMs === undefined) return false;
    const rank = others()
      .toSorted((a, b) => a.joinNumber - b.joinNumber)
      .findIndex(({ signer }) => signer === core.network.self);
    return rank >= 0 && awakeMs() - suspectsSinceMs >= rank * deadMs;
  }

  function look(): void {
    if (!suspects()) suspectsSinceMs = undefined;
    else suspectsSinceMs ??= awakeMs();
    if (isItsTurn() || takesAlong()) askForVotes();
  }

  /** Nobody can go back to an earlier term, and what is ahead acks nothing of this one. */
  function takesAlong(): boolean {
    const isAhead = (member: Member): boolean => member.weight > 0n && isAlive(member) && !isWithUs(member);
    const leads = isLeader(core) && mayLead() && hearsQuorum();
    if (!leads || ![...members().members.values()].some(isAhead)) {
      aheadSinceMs = undefined;
      return false;
    }
    const nowMs = awakeMs();
    aheadSinceMs ??= nowMs;
    if (nowMs - aheadSinceMs < deadMs || nowMs < along.notBeforeMs) return false;
    // Not as often as one that lies about its term would like.
    const pauseMs = ALONG_PAUSES * deadMs * 2 ** Math.min(along.times, MAX_DOUBLINGS);
    along = { times: along.times + 1, notBeforeMs: nowMs + pauseMs };
    return true;
  }

  function askForVotes(): void {
    const heardTerms = [...heard.values()].map(({ term: of }) => of).filter((of) => of <= core.term + MAX_AHEAD);
    const term = 1 + Math.max(core.term, ...heardTerms);
    if (agreed.term !== term) agreed = { term, signers: new Set() };
    broadcast(core, { kind: "pre-vote", term });
  }

  async function stand(term: number): Promise<void> {
    await core.inTurn(async () => {
      if (term <= core.term || !(suspects() || isLeader(core))) return;
      core.logger.info("this node stands for the office", { term });
      await enterTerm(core, term, core.account);
    });
    onCandidate();
  }

  /** Past the batches on their way: a busy link is no dead one. */
  function beat(): void {
    // One that leads nobody is there all the same: what it says of the term before holds nobody up.
    const isIdle = isLeader(core) && !(mayLead() && hearsQuorum());
    const term = isIdle ? core.term - 1 : core.term;
    for (const peer of peersOf(core)) send(core, peer, { kind: "heartbeat", term, ...tells(peer) }, { isUrgent: true });
  }

  const silent = (): readonly Member[] =>
    [...members().members.values()].filter((member) => !member.isAbsent && member.weight > 0n && !isAlive(member));

  return {
    mayElect,
    hears,
    silenceMs(signer) {
      const atMs = heard.get(signer)?.atMs;
      return atMs === undefined ? undefined : awakeMs() - atMs;
    },
    silent,
    isStuck() {
      const all = members();
      const alive = new Set([...all.members.values()].filter(isAlive).map(({ signer }) => signer));
      if (!isQuorum(weightOf(all, alive), countedWeight(all))) return true;
      // An absence that no record has taken for sure does not help them to elect anybody.
      return suspects() && !isQuorumOfAll(core, alive);
    },
    onLink(peer, isUp) {
      if (isUp) gone.delete(peer);
      else gone.add(peer);
    },
    onHeartbeat(from, { term }) {
      heard.set(from, { atMs: awakeMs(), term });
      if (term === core.term && officeOf(core)?.signer === from) leaderHeardMs = awakeMs();
    },
    onPreVote(from, { term, agrees }) {
      if (agrees === undefined) {
        send(core, from, { kind: "pre-vote", term, agrees: term > core.term && mayElect(from) });
        return;
      }
      if (!agrees || term !== agreed.term || memberOfSigner(members(), from) === undefined) return;
      agreed.signers.add(from);
      if (!isQuorumOfAll(core, new Set([...agreed.signers, core.network.self]))) return;
      agreed = { term: 0, signers: new Set() };
      stand(term).catch((error: unknown) =>
        core.logger.error("this node could not stand for the office", { reason: messageOf(error) }),
      );
    },
    async run(signal) {
      let beatAtMs = 0;
      while (!signal.aborted) {
        const nowMs = clock.now();
        if (nowMs >= beatAtMs) {
          beatAtMs = nowMs + heartbeatMs;
          beat();
        }
        look();
        const lookMs = heartbeatMs / LOOKS;
        await clock.sleep(lookMs, { signal }).catch(() => undefined);
        const lateMs = clock.now() - nowMs - lookMs;
        if (lateMs > lookMs) sleptMs += lateMs;
      }
    },
  };
}
