import { delegationCap } from "../../src/domain/channel/delegation.ts";
import { NO_MEMBERS, takeEntry, type Membership } from "../../src/domain/channel/membership.ts";
import {
  encodeBan,
  encodeDelegation,
  encodeJoin,
  INBOX_KINDS,
  type InboxEntry,
} from "../../src/wire/channel/inbox-entry.ts";

/** What happens to members, without what only the hub knows. */
export type MemberAct =
  | { readonly kind: "join"; readonly who: number }
  | { readonly kind: "leave" | "ban"; readonly who: number }
  | { readonly kind: "presence"; readonly who: number; readonly isAbsent: boolean }
  | { readonly kind: "delegate"; readonly who: number; readonly to: number | undefined };

const BITS = 16;
const ADDRESS_DIGITS = 40;
const WORD_BYTES = 32;

export const accountNumber = (n: number): string => `0xa${n.toString(BITS).padStart(ADDRESS_DIGITS - 1, "0")}`;
export const signerNumber = (n: number): string => `0xb${n.toString(BITS).padStart(ADDRESS_DIGITS - 1, "0")}`;

/** The members of a channel, while things happen to them. */
export interface MemberLife {
  readonly membership: Membership;
  readonly entries: readonly InboxEntry[];
  add(act: MemberAct): void;
}

export function createMemberLife(acts: readonly MemberAct[] = []): MemberLife {
  const entries: InboxEntry[] = [];
  let membership = NO_MEMBERS;
  let joins = 0;
  const life: MemberLife = {
    get membership() {
      return membership;
    },
    entries,
    add(act) {
      if (act.kind === "join") joins += 1;
      const index = entries.length + 1;
      const account = accountNumber(act.who);
      const entry = { index, kind: INBOX_KINDS[act.kind], account, timeMs: index, data: dataOf(act, joins) };
      entries.push(entry);
      membership = takeEntry(membership, entry);
    },
  };
  for (const act of acts) life.add(act);
  return life;
}

/** The membership after all of it. */
export function membershipAfter(acts: readonly MemberAct[]): Membership {
  return createMemberLife(acts).membership;
}

/** Members 1 to n, who joined in this order. */
export function joinsOf(n: number): MemberAct[] {
  return Array.from({ length: n }, (_, i) => ({ kind: "join", who: i + 1 }));
}

/** Whether the hub takes a delegation of a member; what it refuses is no entry. */
export function isTaken({ members, delegations = new Map() }: Membership, backer: string, target: string): boolean {
  const others = delegations.get(target)?.filter((account) => account !== backer) ?? [];
  return (
    backer !== target &&
    members.has(target) &&
    !delegations.has(backer) &&
    ![...delegations.values()].flat().includes(target) &&
    others.length < delegationCap(members.size)
  );
}

function dataOf(act: MemberAct, joinNumber: number): Uint8Array {
  switch (act.kind) {
    case "join":
      return encodeJoin(signerNumber(act.who), joinNumber, []);
    case "ban":
      return encodeBan(1, accountNumber(0));
    case "delegate":
      return encodeDelegation(act.to === undefined ? undefined : accountNumber(act.to));
    case "presence":
      return new Uint8Array(WORD_BYTES).fill(act.isAbsent ? 1 : 0, WORD_BYTES - 1);
    default:
      return new Uint8Array();
  }
}
