import { candidatesOf } from "../../src/domain/channel/candidates.ts";
import { NO_MEMBERS, takeEntry, type Membership } from "../../src/domain/channel/membership.ts";
import { isQuorum } from "../../src/domain/channel/quorum.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type { SignedOpening } from "../../src/ports/channel-court.ts";
import type { HubEvent } from "../../src/ports/channel-hub.ts";
import { equalBytes } from "../../src/utils/bytes.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { recoverAck, recoverBatch, type Certificate, type SignedAck } from "../../src/wire/channel/batch.ts";
import type { ChannelDomain } from "../../src/wire/channel/domain.ts";
import { contentOf, type InboxEntry } from "../../src/wire/channel/inbox-entry.ts";
import { recoverLeaderChange } from "../../src/wire/channel/leader-change.ts";
import { rootByProof } from "../../src/wire/channel/merkle.ts";
import { hashRecord, ZERO_HASH, type RecordHeader } from "../../src/wire/channel/record.ts";

const MS = 1_000;
/** Terms that a hub believes to be there, after its own. */
const AHEAD = 65_536;
const LEAST_PRESENT = 2;
/** Of a bond, so much is paid for an answer; what gas costs is not there. */
const [BOND, ANSWER] = [2n, 1n];
/** Of a demand, which is bonded by one coin, and pays all of it for what was asked for. */
const [DEMAND, MAX_RECORDS] = [1n, 16];
const ENOUGH_BYTES = 64 * 1024;
const NOW = Number.MAX_SAFE_INTEGER;

/** What the contract of absences needs of its hub. */
export interface AbsenceHub {
  readonly channel: bigint;
  readonly domain: ChannelDomain;
  readonly answerSeconds: number;
  /** Of the newest block. */
  nowMs(): number;
  readonly office: { readonly term: number; readonly leader: string };
  readonly settled: { readonly height: number; readonly inboxCursor: number };
  readonly entries: readonly InboxEntry[];
  /** Where heartbeats are on chain, it has none. */
  isWithoutHeartbeat(account: string): boolean;
  setPresence(account: string, isAbsent: boolean): HubEvent;
  /** To nobody where no leader is named. */
  startTermAfter(term: number, leader: string): readonly HubEvent[];
  elect(term: number, leader: string): HubEvent;
  mine(...events: readonly HubEvent[]): void;
  refuse(why: string): never;
}

interface Accusation {
  readonly accuser: string;
  readonly isOfLeader: boolean;
  readonly term: number;
  readonly entry: number;
  readonly officeTerm: number;
  height: number;
  recordHash: Uint8Array;
  isThere: boolean;
  bond: bigint;
  deadline: number;
  /** What the accused asks for; `first` is 0 once that is there, and both where it asked for nothing. */
  first: number;
  last: number;
  demandBond: bigint;
}

/** A member as the hub has it. */
interface Seat {
  readonly account: string;
  readonly signer: string;
  readonly joinNumber: number;
  readonly joinedAt: number;
  readonly leftAt: number | undefined;
  /** Its last absence: the entries that began and ended it. */
  readonly absence: { readonly from: number; readonly to: number | undefined } | undefined;
}

/** Who is there and who is not, with the rules of contracts/channels/ChannelAbsence.sol; bonds are two coins, and gas costs nothing. */
export function createMemoryAbsence(hub: AbsenceHub): (account: string) => ChannelAbsence {
  const { channel, domain, answerSeconds } = hub;
  const accusations = new Map<string, Accusation>();
  const quietUntil = new Map<string, number>();
  const credits = new Map<string, bigint>();

  const nowSeconds = (): number => Math.floor(hub.nowMs() / MS);
  const credit = (account: string, amount: bigint): void =>
    void credits.set(account, (credits.get(account) ?? 0n) + amount);

  function seats(): ReadonlyMap<string, Seat> {
    const found = new Map<string, Seat>();
    for (const entry of hub.entries) {
      const { account, index } = entry;
      const content = contentOf(entry);
      const known = found.get(account);
      if (content.kind === "join") {
        const { signer, joinNumber } = content;
        found.set(account, { account, signer, joinNumber, joinedAt: index, leftAt: undefined, absence: undefined });
      } else if (known === undefined) continue;
      else if (content.kind === "leave" || content.kind === "ban") found.set(account, { ...known, leftAt: index });
      else if (content.kind === "presence" && content.isAbsent)
        found.set(account, { ...known, absence: { from: index, to: undefined } });
      else if (content.kind === "presence" && known.absence !== undefined && known.absence.to === undefined)
        found.set(account, { ...known, absence: { ...known.absence, to: index } });
    }
    return found;
  }

  const membershipAt = (cursor: number): Membership => hub.entries.slice(0, cursor).reduce(takeEntry, NO_MEMBERS);
  const isActive = (seat: Seat | undefined): seat is Seat => seat !== undefined && seat.leftAt === undefined;
  const isOut = ({ absence }: Seat): boolean => absence !== undefined && absence.to === undefined;
  const isGone = ({ leftAt }: Seat): boolean => leftAt !== undefined && leftAt <= hub.settled.inboxCursor;
  const present = (): readonly Seat[] => [...seats().values()].filter((seat) => isActive(seat) && !isOut(seat));

  function isQuorumAt(cursor: number, accounts: readonly string[]): boolean {
    const counted = [...seats().values()].filter((seat) => {
      const { joinedAt, leftAt, absence } = seat;
      if (isGone(seat) || joinedAt > cursor || (leftAt !== undefined && leftAt <= cursor)) return false;
      return absence === undefined || absence.from > cursor || (absence.to !== undefined && cursor > absence.to);
    });
    const { members } = membershipAt(Math.min(cursor, hub.entries.length));
    const weightOf = ({ account }: Seat): bigint => members.get(account)?.weight ?? 1n;
    const sum = (of: readonly Seat[]): bigint => of.reduce((total, seat) => total + weightOf(seat), 0n);
    return isQuorum(sum(counted.filter(({ account }) => accounts.includes(account))), sum(counted));
  }

  function requireMember(account: string): Seat {
    const seat = seats().get(account);
    return isActive(seat) ? seat : hub.refuse("not a member");
  }

  function requireNear(term: number): void {
    if (term < hub.office.term || term - hub.office.term > AHEAD) hub.refuse("a term");
  }

  function requireAccusable(by: string, member: string): Seat {
    const seat = seats().get(member);
    if (member === by || !isActive(seat) || isOut(seat) || present().length < LEAST_PRESENT) hub.refuse("whom");
    return seat;
  }

  function requireOpen(member: string, isOfLeader: boolean): Accusation {
    const found = accusations.get(member);
    return found?.isOfLeader === isOfLeader ? found : hub.refuse("no accusation");
  }

  function begin(accuser: string, member: string, of: Partial<Accusation>, ...events: readonly HubEvent[]): void {
    if (accusations.has(member) || nowSeconds() < (quietUntil.get(member) ?? 0)) hub.refuse("too early");
    const none = { isOfLeader: false, term: 0, entry: 0, officeTerm: 0, height: 0, recordHash: ZERO_HASH };
    const nothing = { isThere: false, first: 0, last: 0, demandBond: 0n };
    const deadline = nowSeconds() + answerSeconds;
    accusations.set(member, { ...none, ...nothing, accuser, deadline, bond: BOND, ...of });
    hub.mine(...events, { kind: "accusation", member });
  }

  function pay(accusation: Accusation, to: string): void {
    const paid = accusation.bond < ANSWER ? accusation.bond : ANSWER;
    accusation.bond -= paid;
    credit(to, paid);
  }

  function end(member: string, { accuser, bond, first, demandBond }: Accusation): void {
    if (bond > 0n) credit(first === 0 ? accuser : member, bond);
    if (demandBond > 0n) credit(member, demandBond);
    accusations.delete(member);
  }

  function fall(member: string, accusation: Accusation, by: string): void {
    pay(accusation, by);
    // What it asked for and has got elsewhere nobody owes it.
    end(member, { ...accusation, first: 0 });
    quietUntil.set(member, nowSeconds() + answerSeconds);
    hub.mine({ kind: "accusation", member });
  }

  function isMoot(member: string, accusation: Accusation): boolean {
    const seat = seats().get(member);
    if (present().length < LEAST_PRESENT || !isActive(seat) || isOut(seat)) return true;
    const { term, leader } = hub.office;
    if (!accusation.isOfLeader) return term !== accusation.term || leader === member;
    return term !== accusation.officeTerm || leader !== member;
  }

  function openedBy({ header, proof, first, last, signature }: SignedOpening): string | undefined {
    if (header.height < first || header.height > last) return undefined;
    const recordsRoot = rootByProof(hashRecord(header), proof);
    return recoverBatch(domain, { channel: header.channel, term: header.term, first, last, recordsRoot }, signature);
  }

  function signerOfAck(header: Pick<RecordHeader, "term" | "height">, recordHash: Uint8Array, ack: SignedAck): string {
    const { term, height } = header;
    const said = { channel, term, height, recordHash, certified: ack.certified };
    return recoverAck(domain, said, ack.signature) ?? hub.refuse("an ack");
  }

  /** The candidate that joined first, but the one that leads. */
  function successor(): string {
    const candidates = candidatesOf(membershipAt(hub.entries.length));
    const others = candidates.filter(({ account }) => account !== hub.office.leader);
    return others.toSorted((a, b) => a.joinNumber - b.joinNumber)[0]?.account ?? "";
  }

  return (account) => {
    const absence: ChannelAbsence = {
      answerSeconds: async () => answerSeconds,
      async accusation(_channel, member) {
        const found = accusations.get(member);
        if (found === undefined) return undefined;
        const { accuser, deadline: deadlineSeconds, isThere, term, height, recordHash, entry, first, last } = found;
        const of = found.isOfLeader ? "leader" : equalBytes(recordHash, ZERO_HASH) ? "word" : "record";
        const demanded = first === 0 ? {} : { demanded: { first, last } };
        return { accuser, deadlineSeconds, of, isThere, term, height, recordHash, entry, ...demanded };
      },
      async accuseLeader(_channel, term) {
        requireMember(account);
        const { leader, term: officeTerm } = hub.office;
        requireAccusable(account, leader);
        requireNear(term);
        const entry = hub.entries.length + 1;
        if (accusations.has(leader) || nowSeconds() < (quietUntil.get(leader) ?? 0)) hub.refuse("too early");
        begin(account, leader, { isOfLeader: true, term, officeTerm, entry }, hub.setPresence(leader, false));
      },
      async accuse(_channel, member, head) {
        requireMember(account);
        const { leader, term } = hub.office;
        if (member === leader) hub.refuse("whom");
        const { joinedAt } = requireAccusable(account, member);
        const { header } = head;
        const isOfPlace = header.channel === channel && header.term === term && header.height >= hub.settled.height;
        const signer = openedBy(head);
        const isOfLeader = signer !== undefined && signer === seats().get(leader)?.signer;
        if (!isOfLeader || !isOfPlace || header.inboxCursor < joinedAt) hub.refuse("a head");
        begin(account, member, { term, height: header.height, recordHash: hashRecord(header) });
      },
      async accuseOfSilence(_channel, member) {
        const { leader, term } = hub.office;
        if (account !== leader || term === 1) hub.refuse("who");
        requireAccusable(account, member);
        begin(account, member, { term });
      },
      async answerByAck(_channel, member, ack) {
        const found = requireOpen(member, false);
        if (signerOfAck(found, found.recordHash, ack) !== seats().get(member)?.signer) hub.refuse("an answer");
        fall(member, found, account);
      },
      async answerByWord(_channel, { member, signature, ...standing }) {
        const found = requireOpen(member, false);
        const change = { channel, term: found.term, newLeader: found.accuser, ...standing };
        const isOfWord = equalBytes(found.recordHash, ZERO_HASH);
        const signer = recoverLeaderChange(domain, change, signature);
        if (!isOfWord || signer !== seats().get(member)?.signer) hub.refuse("an answer");
        fall(member, found, account);
      },
      async answerByCertificate(_channel, leader, header, acks) {
        const found = requireOpen(leader, true);
        if (header.channel !== channel || header.inboxCursor < found.entry) hub.refuse("an answer");
        requireAcks(header, acks);
        if (
          !isQuorumAt(
            header.inboxCursor,
            acks.map(({ member }) => member),
          )
        )
          hub.refuse("no quorum");
        fall(leader, found, account);
      },
      async answerByRecord(_channel, leader, record) {
        const found = requireOpen(leader, true);
        const { header } = record;
        const isOfPlace = header.channel === channel && header.inboxCursor >= found.entry;
        if (found.isThere || !isOfPlace || openedBy(record) !== seats().get(leader)?.signer) hub.refuse("an answer");
        found.isThere = true;
        pay(found, account);
        hub.mine({ kind: "accusation", member: leader });
      },
      async demandRecords(_channel, first) {
        const found = requireOpen(account, false);
        const isOpen = found.last === 0 && nowSeconds() <= found.deadline;
        if (!isOpen || first <= hub.settled.height || first > found.height) hub.refuse("a demand");
        found.first = first;
        found.last = Math.min(found.height, first + MAX_RECORDS - 1);
        found.demandBond = DEMAND;
        found.deadline = nowSeconds() + answerSeconds;
        hub.mine({ kind: "accusation", member: account });
      },
      async postRecords(_channel, member, { headers, inputs, signed }) {
        const found = requireOpen(member, false);
        const { first, last } = found;
        const count = inputs.length;
        const end = first + count;
        const inputBytes = inputs.reduce((sum, { length }) => sum + length, 0);
        const isEnough = end === last + 1 || (end <= last && inputBytes >= ENOUGH_BYTES);
        if (first === 0 || !isEnough || headers.length < count) hub.refuse("a demand");
        const hashes = headers.map(hashRecord);
        for (const [index, { channel: of, height, inputHash, previous }] of headers.entries()) {
          const input = inputs[index];
          const isInput = input === undefined || equalBytes(inputHash, keccak256(input));
          const isNext = index === 0 || equalBytes(previous, hashes[index - 1] ?? ZERO_HASH);
          if (of !== channel || height !== first + index || !isInput || !isNext) hub.refuse("a head");
        }
        const lastHash = hashes.at(-1) ?? ZERO_HASH;
        if (!equalBytes(lastHash, found.recordHash)) {
          const isLast = equalBytes(hashRecord(signed.header), lastHash) && signed.header.term === found.term;
          const signer = openedBy(signed);
          if (!isLast || signer === undefined || signer !== seats().get(hub.office.leader)?.signer)
            hub.refuse("a head");
        }
        credit(account, found.demandBond);
        found.demandBond = 0n;
        found.height = end - 1;
        found.recordHash = hashes[count - 1] ?? ZERO_HASH;
        found.first = 0;
        found.deadline = nowSeconds() + answerSeconds;
        hub.mine({ kind: "records-posted", member, headers, inputs }, { kind: "accusation", member });
      },
      async resolve(_channel, member) {
        const found = accusations.get(member) ?? hub.refuse("no accusation");
        if (nowSeconds() <= found.deadline) hub.refuse("too early");
        const isVoid = found.first !== 0 || isMoot(member, found);
        end(member, found);
        const events: HubEvent[] = [];
        if (!isVoid && !found.isThere) events.push(hub.setPresence(member, true));
        if (!isVoid && found.isOfLeader) events.push(...hub.startTermAfter(found.term, successor()));
        hub.mine(...events, { kind: "accusation", member });
      },
      async comeBack(_channel, header, ack) {
        const seat = seats().get(account);
        const since = seat !== undefined && isOut(seat) ? seat.absence?.from : undefined;
        if (since === undefined || header.channel !== channel || header.inboxCursor < since) hub.refuse("not back");
        if (signerOfAck(header, hashRecord(header), ack) !== seat?.signer) hub.refuse("an answer");
        hub.mine(hub.setPresence(account, false));
      },
      async applyAbsence(_channel, member) {
        requireMember(account);
        if (hub.isWithoutHeartbeat(account) || member === hub.office.leader) hub.refuse("who");
        requireAccusable(account, member);
        if (!hub.isWithoutHeartbeat(member)) hub.refuse("it is there");
        hub.mine(hub.setPresence(member, true));
      },
      async applyLeader(_channel, term) {
        requireMember(account);
        if (isOut(requireMember(account)) || hub.isWithoutHeartbeat(account)) hub.refuse("who");
        requireNear(term);
        const { leader } = hub.office;
        const seat = seats().get(leader);
        if (seat === undefined || !(isOut(seat) || hub.isWithoutHeartbeat(leader))) hub.refuse("it is there");
        const events = isOut(seat) ? [] : [hub.setPresence(leader, true)];
        hub.mine(...events, ...hub.startTermAfter(term, account));
      },
      async reportElection(_channel, term, newLeader, standings) {
        requireNear(term);
        if (term === hub.office.term) hub.refuse("a term");
        if (isOut(requireMember(newLeader))) hub.refuse("not a member");
        const known = seats();
        for (const { member, signature, ...standing } of standings) {
          const signer = recoverLeaderChange(domain, { channel, term, newLeader, ...standing }, signature);
          if (signer === undefined || signer !== known.get(member)?.signer) hub.refuse("an answer");
        }
        const members = standings.map(({ member }) => member);
        if (!isQuorumAt(NOW, members)) hub.refuse("no quorum");
        hub.mine(hub.elect(term, newLeader));
      },
      async withdraw() {
        const owed = credits.get(account) ?? 0n;
        if (owed === 0n) hub.refuse("no credit");
        credits.delete(account);
        return owed;
      },
    };
    return absence;
  };

  function requireAcks(
    header: RecordHeader,
    acks: readonly (Certificate["acks"][number] & { readonly member: string })[],
  ): void {
    const recordHash = hashRecord(header);
    const known = seats();
    for (const { member, ...ack } of acks) {
      if (signerOfAck(header, recordHash, ack) !== known.get(member)?.signer) hub.refuse("an answer");
    }
  }
}
