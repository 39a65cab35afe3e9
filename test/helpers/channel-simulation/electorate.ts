import { hubElectorate, supportersOf } from "../../../src/domain/channel/ballot.ts";
import {
  countedWeight,
  NO_MEMBERS,
  takeEntry,
  votersBetween,
  weightOf,
  type Member,
  type Membership,
} from "../../../src/domain/channel/membership.ts";
import { termBegunBy, type Term } from "../../../src/domain/channel/terms.ts";
import { INBOX_KINDS } from "../../../src/wire/channel/inbox-entry.ts";
import { decodeElection, recoverElection } from "../../../src/wire/channel/leader-change.ts";
import type { ElectionRef, Voters } from "../../model/channel/events.ts";
import type { MemoryHub } from "../memory-channel-hub.ts";

/** Who counts for what in a run, by what the chain's inbox has. */
export interface Electorate {
  /** About a record that comes behind so many entries of the inbox, and takes those up to `taken`. */
  at(cursor: number, taken: number): Voters;
  /** For a settlement: who joined and was not gone by the last one. */
  votersOf(cursor: number, settledCursor: number): Voters;
  /** The election in a term's first record. */
  electionIn(input: Uint8Array, place: { readonly cursor: number; readonly term: number }): ElectionRef;
}

export function createElectorate({
  hub,
  nameOfSigner,
  signerOf,
}: {
  readonly hub: () => MemoryHub;
  readonly nameOfSigner: ReadonlyMap<string, string>;
  readonly signerOf: ReadonlyMap<string, string>;
}): Electorate {
  const voters = new Map<string, Voters>();
  /** Accounts that were elected, by term. */
  const elected = new Map<number, string>();

  const membershipAt = (cursor: number): Membership => hub().entries.slice(0, cursor).reduce(takeEntry, NO_MEMBERS);

  function votersAmong(membership: Membership, accused?: string): Voters {
    const signersIn = (names: ReadonlySet<string>): Set<string> =>
      new Set([...names].map((name) => signerOf.get(name) ?? ""));
    return {
      counted: Number(countedWeight(membership, accused)),
      weightOf: (names) => Number(weightOf(membership, signersIn(names), accused)),
    };
  }

  /** The terms that the chain has begun. */
  function chainTerms(): Map<number, Term> {
    const terms = new Map<number, Term>();
    let membership = NO_MEMBERS;
    for (const entry of hub().entries) {
      membership = takeEntry(membership, entry);
      const begun = termBegunBy(entry, membership);
      if (begun !== undefined) terms.set(begun.term, begun);
    }
    return terms;
  }

  /** The members of a term that the chain began, without those that were absent at some time since: nobody waits for these. */
  function withoutAbsent({ members, ...rest }: Membership, sinceEntry: number): Membership[] {
    const { entries } = hub();
    return entries.slice(sinceEntry).flatMap(({ kind, index }) => {
      if (kind !== INBOX_KINDS.presence) return [];
      const now = membershipAt(index).members;
      const all = [...members].map(([account, member]): [string, Member] => {
        const isAbsent = member.isAbsent || now.get(account)?.isAbsent === true;
        return [account, { ...member, isAbsent }];
      });
      return [{ ...rest, members: new Map(all) }];
    });
  }

  return {
    at(cursor, taken) {
      const key = `${cursor} ${taken}`;
      const known = voters.get(key) ?? votersAmong(votersBetween(membershipAt(cursor), membershipAt(taken)));
      voters.set(key, known);
      return known;
    },
    votersOf(cursor, settledCursor) {
      const { entries } = hub();
      const members = new Map(membershipAt(settledCursor).members);
      for (const { kind, account, index } of entries.slice(settledCursor, cursor)) {
        const joined = membershipAt(index).members.get(account);
        if (kind === INBOX_KINDS.join && joined !== undefined) members.set(account, joined);
      }
      for (const { kind, account } of entries) if (kind === INBOX_KINDS.ban) members.delete(account);
      // The hub goes by the delegations of now: whoever delegated and says nothing stands behind its candidate.
      const voters = hubElectorate(cursor, members.values(), membershipAt(entries.length));
      // Who is absent counts by its vote only, which the judge has for one in favour; and may be back in the same block already.
      const since = [cursor, ...entries.slice(cursor).map(({ index }) => index), entries.length].map(membershipAt);
      const silent = new Set(hub().silent);
      const wasAbsent = (account: string): boolean =>
        silent.has(account) || since.some(({ members: of }) => of.get(account)?.isAbsent === true);
      const present = [...voters.members].filter(([account]) => !wasAbsent(account));
      const bySigner = new Map([...members.values()].map(({ signer, account }) => [signer, account]));
      return {
        counted: Number(countedWeight({ ...voters, members: new Map(present) })),
        weightOf: (names) => {
          const accounts = [...names].map((name) => bySigner.get(signerOf.get(name) ?? "") ?? "");
          return supportersOf(voters, new Set(accounts), new Set(accounts)).size;
        },
      };
    },
    electionIn(input, { cursor, term }) {
      const election = decodeElection(input);
      const { newLeader } = election;
      const terms = chainTerms();
      const own = membershipAt(cursor);
      const begun = terms.get(term);
      const named = begun?.leader === newLeader ? membershipAt(begun.sinceEntry) : undefined;
      const byChain = named === undefined ? [] : [named, ...withoutAbsent(named, named.cursor)];
      // Who led before depends on what a member has heard of elections.
      const accused = [elected.get(term - 1), terms.get(term - 1)?.leader];
      elected.set(term, newLeader);
      const nameOf = (signer: string): string => nameOfSigner.get(signer) ?? "?";
      const standings = recoverElection(hub().domain, 1n, election) ?? new Map<string, never>();
      return {
        leader: nameOf((own.members.get(newLeader) ?? named?.members.get(newLeader))?.signer ?? ""),
        answers: [...standings].map(([signer, { certifiedTerm, certifiedHeight }]) => ({
          member: nameOf(signer),
          term: certifiedTerm,
          height: certifiedHeight,
        })),
        // Members may have elected by themselves whom the chain names, too, in a block that they have not seen.
        voters: [votersAmong(own), ...accused.flatMap((each) => byChain.map((among) => votersAmong(among, each)))],
      };
    },
  };
}
