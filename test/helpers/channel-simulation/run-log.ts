import { fromLogEntry, splitHeading, type Run } from "../../../src/channel/log-entries.ts";
import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import { readBatch, readRun, type ReadRecord } from "../../../src/channel/read-batch.ts";
import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import type { HubEvent, HubVote } from "../../../src/ports/channel-hub.ts";
import type { LogEntry } from "../../../src/ports/record-log.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { recoverAck, type Ack, type Certificate } from "../../../src/wire/channel/batch.ts";
import { decodeChannelMessage, type ChannelMessage } from "../../../src/wire/channel/messages.ts";
import { RECORD_KINDS, hashRecord } from "../../../src/wire/channel/record.ts";
import type { SignedBatch } from "../../../src/wire/channel/schemas.ts";
import {
  hashSettlement,
  recoverVote,
  VOTE_OPTIONS,
  type Punishment,
  type Settlement,
} from "../../../src/wire/channel/settlement.ts";
import type { CertificateRef, ChannelEvent, RecordRef } from "../../model/channel/events.ts";
import { createJudge } from "../../model/channel/validate-log.ts";
import type { MemoryHub } from "../memory-channel-hub.ts";
import { createElectorate } from "./electorate.ts";

/** One who is to be judged, or is known to lie. */
export interface Judged {
  readonly name: string;
  readonly account: string;
  readonly signer: string;
  readonly isLiar: boolean;
}

/** Reads what nodes write, send and are told as a log of the model's events, and has each judged as it comes. */
export interface RunLog {
  readonly events: number;
  /** What was told, for somebody who looks for a fault. */
  onEvent: (event: ChannelEvent) => void;
  began(name: string, node: ChannelNode): void;
  /** It has read its disk. */
  started(name: string, node: ChannelNode): void;
  crashed(name: string): void;
  /** On the disk. */
  wrote(name: string, entries: readonly LogEntry[]): void;
  /** A state on the disk. */
  saved(name: string, height: number, bytes: Uint8Array): Promise<void>;
  /** A network that tells of what leaves through it. */
  hearing(name: string, network: ChannelNetwork): ChannelNetwork;
  /** A member's transaction with the votes for a settlement. */
  settles(name: string, settlement: Settlement, votes: readonly HubVote[]): void;
  committed(name: string, height: number): void;
  mined(event: HubEvent): void;
}

interface Mirror {
  /** Hashes by height, as the disk has them; what a snapshot replaced is not there. */
  readonly chain: Map<number, string>;
  head: number;
  term: number;
  leads: boolean;
  certified: CertificateRef | undefined;
  /** What it has proposed itself, and whether its own vote for that counts. */
  proposed: (RecordRef & { isVotedFor: boolean }) | undefined;
  node: ChannelNode | undefined;
}

/** A batch as its place has it. */
interface Known {
  readonly records: readonly ReadRecord[];
  readonly signer: string | undefined;
}

export function createRunLog(init: {
  readonly members: readonly Judged[];
  readonly hub: () => MemoryHub;
  readonly complain: (what: string) => void;
}): RunLog {
  const { members, hub, complain } = init;
  const names = members.map(({ name }) => name);
  const liars = members.flatMap(({ name, isLiar }) => (isLiar ? [name] : []));
  const nameOfSigner = new Map(members.map(({ signer, name }) => [signer, name]));
  const nameOfAccount = new Map(members.map(({ account, name }) => [account, name]));
  const signerOf = new Map(members.map(({ signer, name }) => [name, signer]));
  const electorate = createElectorate({ hub, nameOfSigner, signerOf });
  const judge = createJudge({ members: names, liars, handover: "published in records" });
  const mirrors = new Map<string, Mirror>();
  const batches = new Map<string, Known>();
  /** Of every record: how many entries of the inbox it takes with those before it. */
  const cursorOf = new Map<string, number>();
  const decoded = new WeakMap<Uint8Array, ChannelMessage>();
  const proposals = new Map<string, RecordRef>();
  const acked = new Map<string, Map<string, number>>();
  /** Names of those who signed acks. */
  const ackers = new Map<string, string>();
  /** By height, in whichever block it came: a settlement is voted on by the members of the one that it begins at. */
  const settledCursors = new Map([[0, 0]]);
  /** Where the settlement to a record begins. */
  const beginsAt = new Map<string, number>();
  let settledHeight = 0;
  let genesis = "";
  let events = 0;
  let isOver = false;

  const log: RunLog = {
    get events() {
      return events;
    },
    onEvent: () => undefined,
    began(name, node) {
      const mirror = mirrorOf(name);
      mirror.node = node;
      mirror.leads = false;
      if (mirror.term > 0) say({ kind: "back", member: name });
      mirror.term = Math.max(1, mirror.term);
    },
    started(name, { term }) {
      if (mirrorOf(name).node !== undefined) say({ kind: "stands", member: name, term });
    },
    crashed(name) {
      mirrorOf(name).node = undefined;
      say({ kind: "crash", member: name });
    },
    wrote(name, entries) {
      for (const entry of entries) wroteOne(name, fromLogEntry(entry));
    },
    async saved(name, height, bytes) {
      const mirror = mirrorOf(name);
      if (height <= mirror.head) return;
      const { header } = await splitHeading(once(bytes));
      const hash = toHex(hashRecord(header));
      mirror.chain.clear();
      mirror.chain.set(height, hash);
      mirror.head = height;
      cursorOf.set(hash, header.inboxCursor);
      say({ kind: "loaded", member: name, height, hash, term: header.term });
    },
    hearing: (name, network) => ({
      ...network,
      self: network.self,
      send(to, bytes) {
        if (liars.includes(name) || mirrorOf(name).node !== undefined) sent(name, to, bytes);
        return network.send(to, bytes);
      },
    }),
    settles(name, settlement, votes) {
      const record = propose(settlement);
      if (liars.includes(name)) return;
      const own = votes.find(({ member }) => nameOfAccount.get(member) === name);
      const { proposed } = mirrorOf(name);
      if (own?.option !== VOTE_OPTIONS.for || (proposed?.hash === record.hash && proposed.isVotedFor)) return;
      say({ kind: "voted", member: name, ...record });
    },
    committed(name, height) {
      const hash = mirrorOf(name).chain.get(height);
      if (hash !== undefined) say({ kind: "committed", member: name, height, hash });
    },
    mined(event) {
      if (event.kind !== "settled") return;
      const { height, head, inboxCursor } = event;
      // A block that was replaced has it again.
      if (height <= settledHeight) return;
      settledHeight = height;
      settledCursors.set(height, inboxCursor);
      const hash = toHex(head);
      // Not the last that was seen: its block may have been replaced.
      const before = settledCursors.get(beginsAt.get(hash) ?? 0) ?? 0;
      say({ kind: "settled", height, hash, voters: electorate.votersOf(inboxCursor, before) });
    },
  };

  function say(event: ChannelEvent): void {
    if (isOver) return;
    events += 1;
    log.onEvent(event);
    const what = judge(event);
    if (what === undefined) return;
    isOver = true;
    const plain = JSON.stringify(event, (key, value: unknown) => (key === "voters" ? undefined : value));
    complain(`model: ${what}: ${plain}`);
  }

  function mirrorOf(name: string): Mirror {
    const mirror = mirrors.get(name) ?? {
      chain: new Map<number, string>(),
      head: 0,
      term: 0,
      leads: false,
      certified: undefined,
      proposed: undefined,
      node: undefined,
    };
    mirrors.set(name, mirror);
    return mirror;
  }

  function wroteOne(name: string, logged: ReturnType<typeof fromLogEntry>): void {
    const mirror = mirrorOf(name);
    switch (logged.kind) {
      case "batch":
        return wroteBatch(name, mirror, logged.batch);
      case "shown":
        return wroteShown(name, mirror, logged.run);
      case "cut":
        for (let height = mirror.head; height > logged.height; height -= 1) mirror.chain.delete(height);
        mirror.head = Math.min(mirror.head, logged.height);
        return say({ kind: "cut", member: name, height: logged.height });
      case "certificate": {
        const { certificate } = logged;
        sayOwn(name, certificate);
        mirror.certified = refOf(certificate);
        say({ kind: "certificate", member: name, ...mirror.certified });
        voteOwn(name, mirror);
        return ackOwn(name, mirror);
      }
      case "term":
        mirror.term = Math.max(mirror.term, logged.term);
        mirror.leads = false;
        return say({
          kind: "promised",
          member: name,
          term: logged.term,
          newLeader: nameOfAccount.get(logged.leader) ?? "?",
        });
      default:
        return;
    }
  }

  function wroteBatch(name: string, mirror: Mirror, batch: SignedBatch): void {
    const before = beforeOf(mirror, batch.first);
    const { records, signer } = read(batch, before);
    const leader = nameOfSigner.get(signer ?? "") ?? "?";
    wroteRecords(name, mirror, { records, before, leader });
    if (leader !== name) return;
    mirror.leads = true;
    mirror.term = Math.max(mirror.term, batch.term);
    ackOwn(name, mirror);
  }

  /** What was published on the chain: who leads has signed what follows it. */
  function wroteShown(name: string, mirror: Mirror, run: Run): void {
    const before = beforeOf(mirror, run.first);
    const records = readRun(run, { channel: 1n, before: Buffer.from(before, "hex") });
    const leader = nameOfAccount.get(mirror.node?.leader ?? "") ?? "?";
    wroteRecords(name, mirror, { records, before, leader });
  }

  function beforeOf(mirror: Mirror, first: number): string {
    genesis ||= toHex(mirror.node?.record(0)?.hash ?? new Uint8Array());
    return first === 1 ? genesis : (mirror.chain.get(first - 1) ?? "");
  }

  function wroteRecords(
    name: string,
    mirror: Mirror,
    { records, before, leader }: Pick<Known, "records"> & { readonly before: string; readonly leader: string },
  ): void {
    let previous = before;
    for (const { header, hash, body } of records) {
      const { height, term, kind, inboxCursor } = header;
      const id = toHex(hash);
      const cursor = height === 1 ? 0 : (cursorOf.get(previous) ?? 0);
      // Whoever leads writes its own first; later it may get them again from others.
      const isMade = !cursorOf.has(id);
      cursorOf.set(id, inboxCursor);
      // A node plays on from what it has of a batch.
      if (mirror.chain.get(height) === id) {
        previous = id;
        continue;
      }
      const election =
        kind === RECORD_KINDS.term ? electorate.electionIn(body.input, { cursor: inboxCursor, term }) : undefined;
      const own = election?.answers.find(({ member }) => member === name);
      if (isMade && own !== undefined && leader === name && election !== undefined) {
        const certificate = { term: own.term, height: own.height };
        say({ kind: "named", member: name, term, newLeader: name, certificate });
      }
      const voters = electorate.at(cursor, inboxCursor);
      say({ kind: "played", member: name, height, hash: id, term, previous, voters, leader, election });
      mirror.chain.set(height, id);
      mirror.head = height;
      previous = id;
    }
  }

  function read(batch: SignedBatch, before: string): Known {
    const key = `${before} ${toHex(batch.signature)}`;
    const known = batches.get(key);
    if (known !== undefined) return known;
    const found = readBatch(batch, { domain: hub().domain, channel: 1n, before: Buffer.from(before, "hex") });
    batches.set(key, found);
    return found;
  }

  /** A leader counts its own ack of what is on its disk, and sends it in certificates only. */
  function ackOwn(name: string, mirror: Mirror): void {
    const { head, chain, certified, term } = mirror;
    if (!mirror.leads) return;
    const hash = chain.get(head) ?? "";
    ack(name, { height: head, hash, term, certified: certified?.term === term ? certified.height : 0 });
  }

  /** Who proposes counts its own vote as soon as it may, whatever term it is in when the others have theirs. */
  function voteOwn(name: string, { proposed, certified, term, chain }: Mirror): void {
    if (proposed !== undefined && chain.get(proposed.height) !== proposed.hash) return;
    if (proposed === undefined || proposed.isVotedFor || certified === undefined) return;
    if (certified.term !== term || certified.height < proposed.height) return;
    proposed.isVotedFor = true;
    say({ kind: "voted", member: name, height: proposed.height, hash: proposed.hash });
  }

  function ack(member: string, said: CertificateRef & { readonly certified: number }): void {
    const byMember = acked.get(member) ?? new Map<string, number>();
    acked.set(member, byMember);
    if ((byMember.get(said.hash) ?? -1) >= said.certified) return;
    byMember.set(said.hash, said.certified);
    say({ kind: "acked", member, ...said });
  }

  /** The ack of its maker in a certificate. */
  function sayOwn(name: string, certificate: Certificate): void {
    for (const { certified, signature } of certificate.acks) {
      if (ackedIn({ ...certificate, certified }, signature) === name) ack(name, { ...refOf(certificate), certified });
    }
  }

  /** Whose ack it is. The same ones go to many. */
  function ackedIn({ term, height, recordHash, certified }: Omit<Ack, "channel">, signature: Uint8Array): string {
    const key = [term, height, toHex(recordHash), certified, toHex(signature)].join();
    const known = ackers.get(key);
    if (known !== undefined) return known;
    const by = recoverAck(hub().domain, { channel: 1n, term, height, recordHash, certified }, signature);
    const name = nameOfSigner.get(by ?? "") ?? "?";
    ackers.set(key, name);
    return name;
  }

  /** Whatever others have made of what somebody signed, nobody may take it for a liar. */
  function accuses(name: string, { target, height }: Punishment): void {
    const accused = nameOfAccount.get(target) ?? "?";
    if (!liars.includes(accused)) complain(`C3: ${name} accuses ${accused}, who is honest, of its record ${height}`);
  }

  function propose(settlement: Settlement): RecordRef {
    const record = { height: settlement.toHeight, hash: toHex(settlement.head) };
    proposals.set(toHex(hashSettlement(settlement)), record);
    beginsAt.set(record.hash, settlement.fromHeight);
    return record;
  }

  function sent(name: string, to: string, bytes: Uint8Array): void {
    const known = decoded.get(bytes);
    const message = known ?? decodeChannelMessage(bytes);
    decoded.set(bytes, message);
    if (liars.includes(name)) {
      if (message.kind === "proposal" && message.settlement !== undefined) propose(message.settlement);
      return;
    }
    switch (message.kind) {
      case "acks":
        for (const { height, recordHash, certified, signature } of message.acks) {
          const { term } = message;
          // A relay sends those of others on.
          const by = ackedIn({ term, height, recordHash, certified }, signature);
          if (by === name) ack(name, { term, height, hash: toHex(recordHash), certified });
        }
        return;
      case "leader-change": {
        const { term, certifiedTerm, certifiedHeight } = message;
        const certificate = { term: certifiedTerm, height: certifiedHeight };
        const newLeader = nameOfSigner.get(to) ?? "?";
        return say({ kind: "named", member: name, term, newLeader, certificate });
      }
      case "batch":
        // One that goes to all is looked at once.
        if (known === undefined && message.certificate !== undefined) sayOwn(name, message.certificate);
        return;
      case "proposal":
        if (known !== undefined) return;
        if (message.punishment !== undefined) accuses(name, message.punishment);
        if (message.settlement === undefined) return;
        mirrorOf(name).proposed = { ...propose(message.settlement), isVotedFor: false };
        return voteOwn(name, mirrorOf(name));
      case "vote": {
        const { proposalHash, option, signature } = message;
        const record = proposals.get(toHex(proposalHash));
        if (record === undefined || option !== VOTE_OPTIONS.for) return;
        const by = recoverVote(hub().domain, { channel: 1n, proposalHash, option }, signature);
        if (nameOfSigner.get(by ?? "") === name) say({ kind: "voted", member: name, ...record });
        return;
      }
      default:
        return;
    }
  }

  return log;
}

function refOf({ term, height, recordHash }: Certificate): CertificateRef {
  return { term, height, hash: toHex(recordHash) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
