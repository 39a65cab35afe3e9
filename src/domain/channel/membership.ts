import { SprfError } from "../../errors.ts";
import { contentOf, type InboxEntry } from "../../wire/channel/inbox-entry.ts";
import { delegate, heldDelegations, withoutMember, type Delegations } from "./delegation.ts";

/** Who takes part in a channel; addresses are lower-case hex with 0x. */
export interface Member {
  readonly account: string;
  /** Signs batches, acks and votes. */
  readonly signer: string;
  readonly joinNumber: number;
  /** Of its acks and its word for a leader: its own and those of its backers; none while another one has it. */
  readonly weight: bigint;
  /** Does not count until it shows itself again. */
  readonly isAbsent: boolean;
}

/** What a channel's inbox comes to after its first `cursor` entries. */
export interface Membership {
  readonly cursor: number;
  /** By account. */
  readonly members: ReadonlyMap<string, Member>;
  /** Until when those that were removed may not come back. */
  readonly bannedUntilMs: ReadonlyMap<string, number>;
  readonly isClosing: boolean;
  /** None where no member delegated. */
  readonly delegations?: Delegations | undefined;
}

/** Before the first entry. */
export const NO_MEMBERS: Membership = {
  cursor: 0,
  members: new Map(),
  bannedUntilMs: new Map(),
  isClosing: false,
};

/**
 * The membership after one more entry.
 *
 * @throws SprfError `MESSAGE_INVALID` when it is not the next one
 */
export function takeEntry(before: Membership, entry: InboxEntry): Membership {
  if (entry.index !== before.cursor + 1) {
    throw new SprfError("MESSAGE_INVALID", `entry ${entry.index} of the inbox follows ${before.cursor}`);
  }
  const after = { ...before, cursor: entry.index };
  const content = contentOf(entry);
  const { account } = entry;
  switch (content.kind) {
    case "join": {
      const { signer, joinNumber } = content;
      const member: Member = { account, signer, joinNumber, weight: 1n, isAbsent: false };
      return weighed({ ...after, members: new Map(before.members).set(account, member) });
    }
    case "leave":
      return without(after, account);
    case "ban": {
      const bannedUntilMs = new Map(before.bannedUntilMs).set(account, content.bannedUntilMs);
      return { ...without(after, account), bannedUntilMs };
    }
    case "close":
      return { ...after, isClosing: true };
    case "presence": {
      const member = before.members.get(account);
      if (member === undefined) return after;
      const { isAbsent } = content;
      return weighed({ ...after, members: new Map(before.members).set(account, { ...member, isAbsent }) });
    }
    case "delegate":
      return weighed({ ...after, delegations: delegate(before.delegations ?? new Map(), account, content.candidate) });
    default:
      return after;
  }
}

/** Whether an entry may change who has a vote: a batch ends with its record, so that a certificate has one set of voters. */
export function changesMembers(entry: InboxEntry): boolean {
  return ["join", "leave", "ban", "presence", "delegate"].includes(contentOf(entry).kind);
}

/**
 * Who has a say about a record: the members before it. Where it takes the entry that somebody is absent, that one has none about it
 * already, or nobody could certify it.
 */
export function votersBetween(before: Membership, after: Membership | undefined): Membership {
  if (after === undefined || after.members === before.members) return before;
  const isLost = [...before.members.values()].some(
    (member) => !member.isAbsent && after.members.get(member.account)?.isAbsent === true,
  );
  return isLost ? after : before;
}

/** The weight of all that count, without one who is accused. */
export function countedWeight({ members }: Membership, accused?: string): bigint {
  let sum = 0n;
  for (const { account, weight, isAbsent } of members.values()) if (!isAbsent && account !== accused) sum += weight;
  return sum;
}

/** The weight of those of `signers` that count, each once. */
export function weightOf({ members }: Membership, signers: ReadonlySet<string>, accused?: string): bigint {
  let sum = 0n;
  for (const { account, signer, weight, isAbsent } of members.values()) {
    if (!isAbsent && account !== accused && signers.has(signer)) sum += weight;
  }
  return sum;
}

/** The member whom a signer signs for. */
export function memberOfSigner({ members }: Membership, signer: string): Member | undefined {
  for (const member of members.values()) if (member.signer === signer) return member;
  return undefined;
}

function without(before: Membership, account: string): Membership {
  const members = new Map(before.members);
  members.delete(account);
  if (before.delegations === undefined) return { ...before, members };
  return weighed({ ...before, members, delegations: withoutMember(before.delegations, account) });
}

/**
 * With everybody's weight as the delegations that hold make it. One who is absent has nobody's but its own, and takes none along: so
 * all that count weigh as much as they are.
 */
function weighed(membership: Membership): Membership {
  const { members, delegations } = membership;
  if (delegations === undefined) return membership;
  const isThere = (account: string): boolean => members.get(account)?.isAbsent === false;
  const weights = new Map<string, bigint>();
  for (const [candidate, backers] of heldDelegations(delegations, members.size)) {
    if (!isThere(candidate)) continue;
    const present = backers.filter(isThere);
    weights.set(candidate, BigInt(1 + present.length));
    for (const backer of present) weights.set(backer, 0n);
  }
  const weighedMembers = [...members].map(([account, member]): [string, Member] => [
    account,
    { ...member, weight: weights.get(account) ?? 1n },
  ]);
  return { ...membership, members: new Map(weighedMembers) };
}
