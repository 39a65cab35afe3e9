import { CLOSE_REQUEST, requestSlotOf } from "../../src/channel/sandbox/protocol-slots.ts";
import { verifyStateProof } from "../../src/channel/sandbox/verify-state-proof.ts";
import { hubElectorate, supportersOf } from "../../src/domain/channel/ballot.ts";
import { countedWeight, NO_MEMBERS, takeEntry, type Membership } from "../../src/domain/channel/membership.ts";
import { isQuorum } from "../../src/domain/channel/quorum.ts";
import { SprfError } from "../../src/errors.ts";
import type { ChannelAbsence } from "../../src/ports/channel-absence.ts";
import type {
  ChannelConfig,
  ChannelHub,
  ChannelInfo,
  HubEvent,
  HubMember,
  HubProposal,
  HubSlotProof,
  HubVote,
  SettledHead,
} from "../../src/ports/channel-hub.ts";
import { equalBytes, toHex } from "../../src/utils/bytes.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { encodeAbi } from "../../src/wire/channel/abi.ts";
import { channelDomain } from "../../src/wire/channel/domain.ts";
import {
  encodeBan,
  encodeDelegation,
  encodeJoin,
  encodeTerm,
  INBOX_KINDS,
  type Asset,
  type InboxEntry,
} from "../../src/wire/channel/inbox-entry.ts";
import { ZERO_HASH } from "../../src/wire/channel/record.ts";
import {
  changesRootOf,
  hashPunishment,
  hashSettlement,
  recoverVote,
  type Change,
  type Punishment,
  type Settlement,
} from "../../src/wire/channel/settlement.ts";
import { createMemoryAbsence } from "./memory-channel-absence.ts";

const CHANNEL = 1n;
const MS = 1_000;
const CHAIN_ID = 31_337n;
const HUB = `0x${"c0".repeat(20)}`;
const BAN_MS = 300_000;

/** A hub of one channel in memory, with the rules of membership, settlements and punishments that nodes build on. */
export interface MemoryHub {
  /** As an account sees it. */
  as(account: string): ChannelHub;
  /** Who is there and who is not; in channels with `answerSeconds` or `aliveSeconds`. */
  absenceAs(account: string): ChannelAbsence;
  /** With what the account brings; nobody holds it. */
  join(account: string, signer: string, assets?: readonly Asset[]): void;
  leave(account: string): void;
  /** To nobody where no candidate is named. What the hub would refuse has to be known to the test. */
  delegate(account: string, candidate: string | undefined): void;
  /** As the court does it to a follower. */
  ban(account: string): void;
  close(): void;
  /** An empty block. */
  pass(): void;
  /** Accounts whose transactions about what programs ask for are refused. */
  readonly deaf: Set<string>;
  readonly settled: SettledHead;
  /** What settlements have written. */
  readonly slots: ReadonlyMap<string, Uint8Array>;
  readonly punishments: readonly Punishment[];
  readonly entries: readonly InboxEntry[];
  readonly domain: ReturnType<typeof channelDomain>;
  /** What happened, block by block. */
  readonly blocks: readonly (readonly HubEvent[])[];
  /** Accounts of those that count in no quorum until they are back. */
  readonly absent: readonly string[];
  /** Those that have not said on chain for too long that they are there; nobody where heartbeats are not on chain. */
  readonly silent: readonly string[];
  /** As of now. */
  readonly office: { readonly term: number; readonly leader: string; readonly members: readonly string[] };
}

export function createMemoryHub(init: {
  readonly code: Uint8Array;
  readonly nowMs: () => number;
  readonly createdAtMs: number;
  readonly initialState?: Uint8Array;
  readonly config?: Partial<ChannelConfig>;
}): MemoryHub {
  const { code, nowMs, createdAtMs, initialState = new Uint8Array() } = init;
  const domain = channelDomain(CHAIN_ID, HUB);
  const entries: InboxEntry[] = [];
  const blocks: (readonly HubEvent[])[] = [[]];
  let blockMs = nowMs();
  const members = new Map<string, string>();
  const slots = new Map<string, Uint8Array>();
  const punishments: Punishment[] = [];
  const deaf = new Set<string>();
  const aliveAtMs = new Map<string, number>();
  const accusations = new Map<
    string,
    { readonly punishment: Punishment; readonly by: Set<string>; readonly reporter: string }
  >();
  let term = 0;
  let leader = "";
  let changed = Promise.withResolvers<void>();
  let settled: SettledHead = {
    height: 0,
    timeMs: createdAtMs,
    inboxCursor: 0,
    isLocked: false,
    recordHash: ZERO_HASH,
    stateRoot: ZERO_HASH,
  };
  const config: ChannelConfig = {
    mode: 0,
    readAccess: "anyone",
    votesAreProof: false,
    maxMembers: 64,
    tickMs: 0,
    maxCatchUpTicks: 3,
    windowSeconds: 0,
    aliveSeconds: 0,
    answerSeconds: 0,
    stakeWei: 0n,
    fineWei: 0n,
    ...init.config,
  };

  function mine(...events: readonly HubEvent[]): void {
    blocks.push(events);
    blockMs = nowMs();
    changed.resolve();
    changed = Promise.withResolvers();
  }

  function entryOf(kind: number, account: string, data: Uint8Array = new Uint8Array()): HubEvent {
    const entry = { index: entries.length + 1, kind, account, timeMs: Math.floor(nowMs() / 1_000) * 1_000, data };
    entries.push(entry);
    return { kind: "inbox", entry };
  }

  function termOf(next: string): HubEvent[] {
    leader = next;
    if (next === "") return [];
    term += 1;
    return term === 1 ? [] : [entryOf(INBOX_KINDS.term, next, encodeTerm(term, next))];
  }

  function isWithoutHeartbeat(account: string): boolean {
    const { aliveSeconds } = config;
    return aliveSeconds !== 0 && (aliveAtMs.get(account) ?? 0) + aliveSeconds * MS < nowMs();
  }

  const absenceAs = createMemoryAbsence({
    channel: CHANNEL,
    domain,
    answerSeconds: config.answerSeconds,
    entries,
    nowMs,
    get office() {
      return { term, leader };
    },
    get settled() {
      return settled;
    },
    isWithoutHeartbeat,
    setPresence: (account, isAbsent) => entryOf(INBOX_KINDS.presence, account, encodeAbi(["bool"], [isAbsent])),
    startTermAfter(after, next) {
      if (after > term && next !== "") term = after;
      return termOf(next);
    },
    elect(elected, next) {
      term = elected;
      leader = next;
      return { kind: "term", term, leader };
    },
    mine,
    refuse,
  });

  function membersAt(cursor: number, settledCursor: number): Membership {
    const before = entries.slice(0, settledCursor).reduce(takeEntry, NO_MEMBERS);
    const all = entries.slice(settledCursor, cursor).reduce((membership, entry) => {
      const after = takeEntry(membership, entry);
      return entry.kind === INBOX_KINDS.leave ? { ...after, members: membership.members } : after;
    }, before);
    const rest = new Map(all.members);
    for (const { kind, account } of entries) if (kind === INBOX_KINDS.ban) rest.delete(account);
    return hubElectorate(cursor, rest.values(), entries.reduce(takeEntry, NO_MEMBERS));
  }

  function refuse(why: string): never {
    throw new SprfError("CHAIN_REVERTED", `the hub refuses: ${why}`);
  }

  /** Accounts of those who are for it. */
  function inFavourOf(proposalHash: Uint8Array, votes: readonly HubVote[], voters: Membership): Set<string> {
    const inFavour = new Set<string>();
    for (const { member, option, signature } of votes) {
      const signer = recoverVote(domain, { channel: CHANNEL, proposalHash, option }, signature);
      if (signer === undefined || voters.members.get(member)?.signer !== signer) refuse("a vote");
      if (option === 1) inFavour.add(member);
    }
    return inFavour;
  }

  /** Entries are only added. */
  let present = NO_MEMBERS;
  const presentNow = (): Membership => (present = entries.slice(present.cursor).reduce(takeEntry, present));

  function withoutSilent(voters: Membership, voted: ReadonlySet<string>): Membership {
    const now = presentNow();
    const isOut = (account: string): boolean =>
      now.members.get(account)?.isAbsent === true || isWithoutHeartbeat(account);
    const counted = [...voters.members].filter(([account]) => voted.has(account) || !isOut(account));
    return { ...voters, members: new Map(counted) };
  }

  function settle(settlement: Settlement, changes: readonly Change[], votes: readonly HubVote[]): void {
    if (settlement.fromHeight !== settled.height || settlement.toHeight <= settled.height) refuse("heights");
    if (settlement.inboxCursor < settled.inboxCursor || settlement.inboxCursor > entries.length) refuse("cursor");
    if (!equalBytes(changesRootOf(changes), settlement.changesRoot)) refuse("changes");
    const voters = membersAt(settlement.inboxCursor, settled.inboxCursor);
    const inFavour = inFavourOf(hashSettlement(settlement), votes, voters);
    const supporters = supportersOf(voters, inFavour, new Set(votes.map(({ member }) => member)));
    // Who joined since has no vote, and counts; who is absent counts by its vote only.
    const voted = new Set(votes.map(({ member }) => member));
    const counted = countedWeight(withoutSilent(membersAt(entries.length, settled.inboxCursor), voted));
    if (!isQuorum(BigInt(supporters.size), counted)) refuse("no quorum");
    for (const { slot, newValue } of changes) slots.set(toHex(slot), newValue);
    settled = {
      height: settlement.toHeight,
      timeMs: settlement.timeMs,
      inboxCursor: settlement.inboxCursor,
      isLocked: false,
      recordHash: settlement.head,
      stateRoot: settlement.stateRoot,
    };
    const { toHeight: height, head, stateRoot, inboxCursor } = settlement;
    mine({ kind: "settled", proposal: 1n, height, head, stateRoot, inboxCursor });
  }

  function leave(account: string): void {
    const event = entryOf(INBOX_KINDS.leave, account);
    members.delete(account);
    const [eldest = ""] = members.keys();
    mine(event, ...(account === leader ? termOf(eldest) : []));
  }

  function close(): void {
    if (info().isClosing) refuse("closing");
    mine(entryOf(INBOX_KINDS.close, HUB));
  }

  /** What the settled state asks for, in a stay that it knows of. */
  function requireRequest(member: string, proof: HubSlotProof | undefined): void {
    const slot = requestSlotOf(member);
    const joined = entries.findLast(({ kind, account }) => kind === INBOX_KINDS.join && account === member);
    if ((joined?.index ?? 0) > settled.inboxCursor) refuse("an older request");
    if (config.mode === 0) {
      if (slots.get(toHex(slot))?.some((byte) => byte !== 0) !== true) refuse("nothing is requested");
      return;
    }
    const { siblings = [], leafPath = ZERO_HASH, leafValue = ZERO_HASH } = proof ?? {};
    const terminal = { path: leafPath, value: leafValue };
    if (!verifyStateProof(settled.stateRoot, keccak256(slot), leafValue, { siblings, terminal })) refuse("a proof");
  }

  function accuse(key: string, accuser: string): void {
    const found = accusations.get(key);
    if (found === undefined || found.punishment.term !== term || found.punishment.target !== leader) return;
    found.by.add(accuser);
    const needed = members.size <= 2 ? 1 : 2;
    if (found.by.size < needed) return;
    punishments.push(found.punishment);
    const events: HubEvent[] = [];
    if (members.size <= 2) {
      events.push(entryOf(INBOX_KINDS.ban, leader, encodeBan(nowMs() + BAN_MS, found.reporter)));
      members.delete(leader);
    }
    mine(...events, ...termOf(found.reporter));
  }

  const info = (): ChannelInfo => ({
    channel: CHANNEL,
    app: HUB,
    program: HUB,
    codeHash: keccak256(code),
    store: `0x${"5e".repeat(20)}`,
    vault: HUB,
    createdAtMs,
    createdInBlock: 0,
    initialStateHash: keccak256(initialState),
    config,
    term,
    ...(leader === "" ? {} : { leader }),
    memberCount: members.size,
    inboxLength: entries.length,
    isClosing: entries.some(({ kind }) => kind === INBOX_KINDS.close),
    isClosed: false,
  });

  function as(account: string): ChannelHub {
    const hub: Partial<ChannelHub> = {
      address: HUB,
      chainId: CHAIN_ID,
      account,
      channel: async (channel) => (channel === CHANNEL ? info() : undefined),
      initialState: async () => initialState,
      programCode: async () => code,
      head: async () => settled,
      blockNumber: async () => blocks.length - 1,
      events: async (_channel, fromBlock, toBlock) => blocks.slice(fromBlock, toBlock + 1).flat(),
      async *follow(_channel, { fromBlock = 0, signal } = {}) {
        const aborted = Promise.withResolvers<void>();
        signal?.addEventListener("abort", () => aborted.resolve(), { once: true });
        let next = fromBlock;
        while (signal?.aborted !== true) {
          const wait = changed.promise;
          if (next < blocks.length) {
            const events = blocks.slice(next).flat();
            next = blocks.length;
            yield { toBlock: next - 1, timeMs: blockMs, events };
          } else await Promise.race([wait, aborted.promise]);
        }
      },
      async keepAlive(_channel, delaysMs) {
        if (!members.has(account)) refuse("no member");
        aliveAtMs.set(account, nowMs());
        mine({ kind: "alive", member: account, delaysMs });
      },
      async member(_channel, of) {
        const entry = entries.findLast(({ kind, account: joined }) => kind === INBOX_KINDS.join && joined === of);
        if (entry === undefined) return undefined;
        const isAbsent = presentNow().members.get(of)?.isAbsent === true;
        return { account: of, joinedAt: entry.index, isAbsent: isAbsent || isWithoutHeartbeat(of) } as HubMember;
      },
      async members(channel) {
        const all = [...members.keys()].map(async (each) => await hub.member?.(channel, each));
        return (await Promise.all(all)).flatMap((each) => each ?? []);
      },
      async settle(settlement, changes, votes) {
        settle(settlement, changes, votes);
        return { proposal: 1n, isFinal: true };
      },
      async leaveByRequest(_channel, member, proof) {
        if (deaf.has(account)) refuse("this account");
        requireRequest(member, proof);
        if (!members.has(member)) refuse("no member");
        leave(member);
      },
      async closeByRequest(_channel, proof) {
        if (deaf.has(account)) refuse("this account");
        requireRequest(CLOSE_REQUEST, proof);
        close();
      },
      async proposePunishment(punishment) {
        const key = toHex(hashPunishment(punishment));
        if (!accusations.has(key)) accusations.set(key, { punishment, by: new Set(), reporter: account });
        accuse(key, account);
        return BigInt([...accusations.keys()].indexOf(key) + 1);
      },
      async proposal(_channel, proposal) {
        // Who was accused by enough is punished at once.
        const { punishment } = [...accusations.values()][Number(proposal) - 1] ?? refuse("proposal");
        const state = punishments.includes(punishment) ? "final" : "proposed";
        return { state } as HubProposal;
      },
      async voteBySignatures(_channel, proposal, votes) {
        const key = [...accusations.keys()][Number(proposal) - 1] ?? refuse("proposal");
        const found = accusations.get(key) ?? refuse("proposal");
        const voters = membersAt(entries.length, settled.inboxCursor);
        inFavourOf(hashPunishment(found.punishment), votes, voters);
        for (const { member } of votes) accuse(key, member);
      },
    };
    return hub as ChannelHub;
  }

  return {
    as,
    absenceAs,
    domain,
    entries,
    slots,
    punishments,
    deaf,
    blocks,
    get absent() {
      return [...presentNow().members.values()].filter(({ isAbsent }) => isAbsent).map(({ account }) => account);
    },
    get office() {
      return { term, leader, members: [...members.keys()] };
    },
    get silent() {
      return [...members.keys()].filter(isWithoutHeartbeat);
    },
    get settled() {
      return settled;
    },
    join(account, signer, assets = []) {
      members.set(account, signer);
      aliveAtMs.set(account, nowMs());
      const event = entryOf(INBOX_KINDS.join, account, encodeJoin(signer, entries.length + 1, assets));
      mine(event, ...(term === 0 ? termOf(account) : []));
    },
    leave,
    delegate: (account, candidate) => mine(entryOf(INBOX_KINDS.delegate, account, encodeDelegation(candidate))),
    ban(account) {
      members.delete(account);
      mine(entryOf(INBOX_KINDS.ban, account, encodeBan(nowMs() + BAN_MS, leader)));
    },
    close,
    pass: () => mine(),
  };
}
