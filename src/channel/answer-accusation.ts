import { memberOfSigner } from "../domain/channel/membership.ts";
import type { Accusation, ChannelAbsence, OfMember } from "../ports/channel-absence.ts";
import { equalBytes } from "../utils/bytes.ts";
import { recoverAck, signAck, type Certificate, type SignedAck } from "../wire/channel/batch.ts";
import { contentOf } from "../wire/channel/inbox-entry.ts";
import { decodeElection, recoverLeaderChange, type SignedStanding } from "../wire/channel/leader-change.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import { ackOfHead, isLeader, keep, membersNow, type Core } from "./core.ts";
import { openingOf } from "./opening-of.ts";
import { standingOf } from "./standing.ts";
import type { OpenAccusation, Withheld } from "./withheld.ts";

/** A leader waits for a certificate for that part of its time, and then shows a record of its own. */
const PATIENT_PART = 2;

/** Sends something about a member that may be refused because somebody else was faster, unless it was tried just now. */
export type Attempt = (what: string, member: string, send: () => Promise<void>) => Promise<void>;

/** The part of a node that says on the chain that its member is there. */
export interface AccusationAnswers {
  /** To what this member is accused of. */
  answer(absence: ChannelAbsence, accusation: OpenAccusation, signal: AbortSignal): Promise<void>;
  /** Where this member was called absent. */
  comeBack(absence: ChannelAbsence, signal: AbortSignal): Promise<void>;
  /** Tells the hub of the term that members have elected, where it is theirs and not the chain's. */
  reportElection(absence: ChannelAbsence, signal: AbortSignal): Promise<void>;
}

export interface AccusationAnswersInit {
  readonly core: Core;
  readonly attempt: Attempt;
  readonly withheld: Pick<Withheld, "missing">;
}

export function createAccusationAnswers({ core, attempt, withheld }: AccusationAnswersInit): AccusationAnswers {
  const { clock, info, account } = core;
  const { channel } = info;

  async function answer(absence: ChannelAbsence, accusation: OpenAccusation, signal: AbortSignal): Promise<void> {
    if (accusation.of === "leader") return await answerAsLeader(absence, accusation, signal);
    // The hub does not know where this node went: with that it has nothing to answer for.
    if (core.term > accusation.term) return await reportElection(absence, signal);
    if (core.term < accusation.term) return;
    if (accusation.of === "word") {
      if (core.terms.promisedIn(core.term) !== accusation.accuser) return;
      const word = await core.inTurn(async () => await standingOf(core, accusation.accuser));
      await attempt("an accusation was answered by a word", account, async () => {
        await absence.answerByWord(channel, { member: account, ...word }, { signal });
      });
      return;
    }
    const ack = await core.inTurn(async () => await ackOf(accusation));
    if (ack === undefined) return await demand(absence, accusation, signal);
    await attempt("an accusation was answered by an ack", account, async () => {
      await absence.answerByAck(channel, account, ack, { signal });
    });
  }

  async function demand(absence: ChannelAbsence, accusation: OpenAccusation, signal: AbortSignal): Promise<void> {
    const first = await withheld.missing(accusation);
    if (first === undefined) return;
    await attempt("records that nobody gives to this member were demanded", account, async () => {
      await absence.demandRecords(channel, first, { signal });
    });
  }

  /** In turn: what it acks is written down. */
  async function ackOf({ term, height, recordHash }: Accusation): Promise<SignedAck | undefined> {
    const own = core.player.at(height);
    if (term !== core.term || own === undefined || !equalBytes(own.hash, recordHash)) return undefined;
    await keep(core, []);
    const ack = { channel, term, height, recordHash, certified: 0 };
    return { certified: 0, signature: signAck(core.domain, ack, core.signerKey) };
  }

  async function answerAsLeader(
    absence: ChannelAbsence,
    accusation: OpenAccusation,
    signal: AbortSignal,
  ): Promise<void> {
    const { certificate, player } = core;
    const certified = certificate === undefined ? undefined : player.at(certificate.height);
    const isNewer = certified !== undefined && certified.header.inboxCursor >= accusation.entry;
    if (certificate !== undefined && isNewer && equalBytes(certified.hash, certificate.recordHash)) {
      const acks = acksOf(certificate);
      await attempt("an accusation was answered by a certificate", account, async () => {
        await absence.answerByCertificate(channel, account, certified.header, acks, { signal });
      });
      return;
    }
    const isPatient = clock.now() < accusation.seenMs + accusation.answerMs / PATIENT_PART;
    if (isPatient || accusation.isThere || !isLeader(core)) return;
    const record = await core.inTurn(async () => {
      const { header } = player.head;
      const isOwn = header.term === core.term && header.inboxCursor >= accusation.entry;
      return isOwn ? await openingOf(core, header.height) : undefined;
    });
    if (record === undefined) return;
    await attempt("an accusation was answered by a record", account, async () => {
      await absence.answerByRecord(channel, account, record, { signal });
    });
  }

  /** With the accounts of those who signed. */
  function acksOf({ term, height, recordHash, acks }: Certificate): OfMember<SignedAck>[] {
    return acks.flatMap((ack) => {
      const { certified, signature } = ack;
      const signer = recoverAck(core.domain, { channel, term, height, recordHash, certified }, signature);
      const member = memberOfSigner(membersNow(core), signer ?? "");
      return member === undefined ? [] : [{ ...ack, member: member.account }];
    });
  }

  async function comeBack(absence: ChannelAbsence, signal: AbortSignal): Promise<void> {
    const since = absentSince();
    const shown = await core.inTurn(async (): Promise<{ header: RecordHeader; ack: SignedAck } | undefined> => {
      const { header } = core.player.head;
      if (header.term !== core.term || header.inboxCursor < since) return undefined;
      await keep(core, []);
      const { certified, signature } = ackOfHead(core);
      return { header, ack: { certified, signature } };
    });
    if (shown === undefined) return;
    await attempt("this member is back", account, async () => {
      await absence.comeBack(channel, shown.header, shown.ack, { signal });
    });
  }

  function absentSince(): number {
    for (let index = core.chain.inboxLength; index > 0; index -= 1) {
      const entry = core.chain.entry(index);
      if (entry === undefined || entry.account !== account) continue;
      const content = contentOf(entry);
      if (content.kind === "presence" && content.isAbsent) return index;
    }
    return 0;
  }

  async function reportElection(absence: ChannelAbsence, signal: AbortSignal): Promise<void> {
    const { election } = core.terms;
    if (election === undefined || election.sinceEntry > 0) return;
    const { term, newLeader, standings } = decodeElection(election.input);
    const known: OfMember<SignedStanding>[] = standings.flatMap((standing) => {
      const signer = recoverLeaderChange(core.domain, { channel, term, newLeader, ...standing }, standing.signature);
      const member = memberOfSigner(membersNow(core), signer ?? "");
      return member === undefined ? [] : [{ ...standing, member: member.account }];
    });
    await attempt("an election was reported", newLeader, async () => {
      await absence.reportElection(channel, term, newLeader, known, { signal });
    });
  }

  return { answer, comeBack, reportElection };
}
