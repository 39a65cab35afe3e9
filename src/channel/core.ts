import { createAckBook, heldByQuorum, type AckBook } from "../domain/channel/acks.ts";
import { isHigher } from "../domain/channel/election.ts";
import { countedWeight, weightOf, type Membership } from "../domain/channel/membership.ts";
import type { Term } from "../domain/channel/terms.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import type { ChannelAbsence } from "../ports/channel-absence.ts";
import type { ChannelNetwork, SendOptions } from "../ports/channel-network.ts";
import type { ChannelCourt } from "../ports/channel-court.ts";
import type { ChannelHub, ChannelInfo } from "../ports/channel-hub.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { RecordLog } from "../ports/record-log.ts";
import { equalBytes } from "../utils/bytes.ts";
import { recoverCertificate, signAck, type Ack, type Certificate } from "../wire/channel/batch.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { encodeChannelMessage, type ChannelMessageBody } from "../wire/channel/messages.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { ChainView } from "./chain-view.ts";
import { toLogEntry, withHeading, type Logged } from "./log-entries.ts";
import type { PlayedRecord, Player } from "./player.ts";
import type { TermBook } from "./term-book.ts";
import type { Unsettled } from "./unsettled.ts";

/** Something that a reader of the channel is told. */
export type ChannelNews =
  | { readonly kind: "records"; readonly records: readonly PlayedRecord[] }
  | { readonly kind: "rollback"; readonly toHeight: number }
  | { readonly kind: "committed"; readonly height: number }
  | { readonly kind: "final"; readonly height: number }
  /** Another state altogether: a snapshot of this height was loaded. */
  | { readonly kind: "snapshot"; readonly height: number }
  | { readonly kind: "fault"; readonly height: number; readonly reason: number; readonly message: string };

/** Records that are kept to be taken back, below those that are committed: for members that have to go back further. */
const KEPT_RECORDS = 2_048;

export interface CoreInit {
  readonly info: ChannelInfo;
  readonly domain: ChannelDomain;
  /** The member's account and signer, lower-case. */
  readonly account: string;
  readonly signerKey: Uint8Array;
  readonly hub: ChannelHub;
  /** Where lies are shown; absent where no court is known. */
  readonly court?: ChannelCourt | undefined;
  /** Where members show that they are there; absent where nobody is accused of anything. */
  readonly absence?: ChannelAbsence | undefined;
  readonly chain: ChainView;
  readonly terms: TermBook;
  readonly network: ChannelNetwork;
  readonly log: RecordLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a node knows of its channel, and the few ways in which that changes. All that changes it waits for its turn. */
export interface Core extends CoreInit {
  player: Player;
  unsettled: Unsettled;
  /** The highest that is held, of any term. */
  certificate: Certificate | undefined;
  /** The last that was given up with its record: what this node shows until it holds what its term stands on. */
  givenUp: Certificate | undefined;
  /** What is held and not written down yet. */
  unwritten: Certificate | undefined;
  committed: number;
  /** No ack of an earlier one. */
  term: number;
  /** Of this term. */
  acks: AckBook;
  /** One after the other, in the order of asking. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  readonly news: Set<(news: ChannelNews) => void>;
  /** Signer of the relay that brings records here; undefined where the leader does. */
  upstream: string | undefined;
}

export function createCore(
  init: CoreInit,
  state: {
    readonly player: Player;
    readonly unsettled: Unsettled;
    readonly certificate: Certificate | undefined;
    readonly givenUp: Certificate | undefined;
    readonly term: number;
  },
): Core {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...init,
    ...state,
    unwritten: undefined,
    upstream: undefined,
    // What is final is committed; of the rest the others will tell.
    committed: finalHere({ chain: init.chain, player: state.player }),
    acks: createAckBook(state.term),
    news: new Set(),
    async inTurn(work) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      try {
        return await work();
      } finally {
        resolve();
      }
    },
  };
}

export function tell(core: Core, news: ChannelNews): void {
  for (const listener of core.news) listener(news);
}

/**
 * The highest record here that the chain has made final. Others may have gone on from below this node's head while it was away: a height
 * is then final, and the record that stands here at that height is not.
 */
export function finalHere({
  chain,
  player,
}: {
  readonly chain: Pick<ChainView, "settled" | "isSettled">;
  readonly player: Pick<Player, "at" | "head" | "lowest">;
}): number {
  const { settled } = chain;
  for (let height = Math.min(settled.height, player.head.header.height); height > player.lowest; height -= 1) {
    const own = player.at(height)?.hash;
    if (own === undefined) continue;
    if (height === settled.height && equalBytes(own, settled.recordHash)) return height;
    if (chain.isSettled(height, own)) return height;
  }
  return player.lowest;
}

/** Who leads the term that this node is in; undefined while nobody is known to. */
export function officeOf({ terms, term }: Core): Term | undefined {
  return terms.of(term);
}

export function isLeader(core: Core): boolean {
  return officeOf(core)?.signer === core.network.self;
}

export function send(core: Core, to: string, body: ChannelMessageBody, options?: SendOptions): boolean {
  return core.network.send(to, encodeChannelMessage(core.info.channel, body), options);
}

/** To the leader itself, or where there is no link by the relay that brings its records; who has taken it. */
export function sendToLeader(core: Core, body: ChannelMessageBody): string | undefined {
  const ways = [officeOf(core)?.signer, core.upstream];
  return ways.find((way) => way !== undefined && send(core, way, body));
}

/** To all members there is a link to. */
export function broadcast(core: Core, body: ChannelMessageBody): void {
  const message = encodeChannelMessage(core.info.channel, body);
  for (const peer of peersOf(core)) core.network.send(peer, message);
}

/** The members, as the chain has them now. */
export function membersNow({ chain, player }: Core): Membership {
  return chain.membershipAt(chain.inboxLength) ?? player.head.membership;
}

/** Signers of the other members, as the chain has them now; one who leaves is one of them until a settlement lets it go. */
export function peersOf({ chain, network }: Core): string[] {
  const now = chain.membershipAt(chain.inboxLength)?.members.values() ?? [];
  const all = [...now, ...chain.votersOf(chain.inboxLength).members.values()];
  return [...new Set(all.map(({ signer }) => signer))].filter((signer) => signer !== network.self);
}

/** Where this node stands, with the highest certificate that it holds. */
export function statusOf(core: Core, asks: boolean): ChannelMessageBody {
  const { header, hash } = core.player.head;
  const { term, certificate } = core;
  const place = { term, height: header.height, recordHash: hash };
  return { kind: "status", ...place, ...(certificate === undefined ? {} : { certificate }), asks };
}

/** Writes things down together with a certificate that was not yet. */
export async function keep(core: Core, logged: readonly Logged[]): Promise<void> {
  const { unwritten } = core;
  const all: Logged[] =
    unwritten === undefined ? [...logged] : [{ kind: "certificate", certificate: unwritten }, ...logged];
  if (all.length === 0) return;
  await core.log.append(all.map(toLogEntry));
  if (core.unwritten === unwritten) core.unwritten = undefined;
}

/** The height of the certificate that is written down, of this term: what one's acks say. */
export function certifiedHeight(core: Core): number {
  const { certificate, unwritten, term } = core;
  return certificate === undefined || unwritten !== undefined || certificate.term !== term ? 0 : certificate.height;
}

/**
 * Whether this node can show, from its disk, the certificate that its term stands on, or a later one. Without, it must not ack: the next
 * election would not learn from it what is committed. The same of another term `of`.
 */
export function holdsBase({ certificate, unwritten, terms, term, chain }: Core, of: number = term): boolean {
  const base = terms.baseOf(of);
  if (base === undefined || base.height <= chain.settled.height) return true;
  if (certificate === undefined || unwritten !== undefined) return false;
  return !isHigher(base, certificate);
}

/** One's own ack of the head, signed; everything before must be written down. */
export function ackOfHead(core: Core): Ack & { readonly signature: Uint8Array } {
  const { header, hash } = core.player.head;
  const ack: Ack = {
    channel: core.info.channel,
    term: core.term,
    height: header.height,
    recordHash: hash,
    certified: certifiedHeight(core),
  };
  return { ...ack, signature: signAck(core.domain, ack, core.signerKey) };
}

/** What a certificate is worth here. */
export type CertificateVerdict = "taken" | "known" | "invalid" | "ahead" | "other-record";

/**
 * Takes a certificate that is higher than the one that is held, if a quorum of those who may has signed it. Of a term that this node has
 * left only the one that its own stands on, or what a new leader was shown: its word of what it holds is given.
 */
export function takeCertificate(
  core: Core,
  certificate: Certificate,
  { isShown = false }: { readonly isShown?: boolean } = {},
): CertificateVerdict {
  const { player, info, domain } = core;
  if (!isNewer(core.certificate, certificate) || (!isShown && isLate(core, certificate))) return "known";
  if (certificate.height > player.head.header.height) return "ahead";
  const own = player.at(certificate.height);
  const voters = player.votersAt(certificate.height);
  if (own === undefined || voters === undefined) return "known";
  const signers = recoverCertificate(domain, info.channel, certificate);
  if (signers === undefined || !isQuorum(weightOf(voters, new Set(signers.keys())), countedWeight(voters)))
    return "invalid";
  if (!equalBytes(own.hash, certificate.recordHash)) return "other-record";
  holdCertificate(core, certificate);
  commit(core, heldByQuorum(signers, voters));
  return "taken";
}

/** A certificate that was checked, or made of acks that were. */
export function holdCertificate(core: Core, certificate: Certificate): void {
  const isOther = certificate.height !== core.certificate?.height || certificate.term !== core.certificate.term;
  core.certificate = certificate;
  // One of the same record with newer acks need not be written: it proves nothing that the first did not.
  if (isOther) core.unwritten = certificate;
}

/** All up to this height will stay. */
export function commit(core: Core, height: number): void {
  if (height <= core.committed) return;
  core.committed = height;
  const folded = height - KEPT_RECORDS;
  core.unsettled.fold(folded);
  core.player.forget(folded);
  tell(core, { kind: "committed", height });
}

/** Takes back what nobody committed, above `height`; resolves with it. */
export async function cutTo(core: Core, height: number): Promise<readonly PlayedRecord[]> {
  const removed = await core.player.revertTo(height);
  core.unsettled.revertTo(height);
  if (core.certificate !== undefined && core.certificate.height > height) {
    // The highest counts: what was given up before may still be all that shows it.
    if (isHigher(core.certificate, core.givenUp)) core.givenUp = core.certificate;
    core.certificate = core.unwritten = undefined;
  }
  if (removed.length === 0) return removed;
  await keep(core, [{ kind: "cut", height, from: height + removed.length }]);
  tell(core, { kind: "rollback", toHeight: height });
  return removed;
}

/** Promises, for good, to ack nothing of earlier terms, and in this one nobody but that leader. */
export async function enterTerm(core: Core, term: number, leader: string): Promise<void> {
  if (term <= core.term) return;
  await keep(core, [{ kind: "term", term, leader, height: core.player.head.header.height }]);
  core.terms.promise(term, leader);
  core.term = term;
  core.acks = createAckBook(term);
}

/**
 * Saves the state at a height. A log is read from its newest snapshot on, so what stands below it of terms is written down again
 * before: a node that dies in between must not forget what it has promised.
 */
export async function saveSnapshot(
  core: Pick<Core, "log" | "term" | "terms">,
  header: RecordHeader,
  state: AsyncIterable<Uint8Array>,
): Promise<void> {
  await keepTerm(core, header.height);
  await core.log.saveSnapshot(header.height, withHeading(header, state));
}

/** Writes down again what a log that is read from `height` on would forget of terms. */
export async function keepTerm(
  { log, term, terms }: Pick<Core, "log" | "term" | "terms">,
  height: number,
): Promise<void> {
  const leader = terms.promisedIn(term);
  const kept: Logged[] = leader === undefined ? [] : [{ kind: "term", term, leader, height }];
  if (terms.election !== undefined) kept.push({ kind: "election", election: terms.election, height });
  if (kept.length > 0) await log.append(kept.map(toLogEntry));
}

function isLate({ term, terms }: Core, certificate: Certificate): boolean {
  if (certificate.term >= term) return false;
  const base = terms.baseOf(term);
  return base === undefined || isHigher(certificate, base);
}

function isNewer(held: Certificate | undefined, given: Certificate): boolean {
  if (held === undefined || given.term !== held.term) return given.term > (held?.term ?? 0);
  if (given.height !== held.height) return given.height > held.height;
  const sum = ({ acks }: Certificate): number => acks.reduce((total, { certified }) => total + certified, 0);
  return sum(given) > sum(held);
}
