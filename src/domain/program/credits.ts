import { MAX_CREDITS, type Credit } from "../../wire/credits.ts";
import type { ChainRecord } from "../../wire/record.ts";

/** What one input left of its payment. */
export interface Leftover {
  /** `G...` */
  readonly user: string;
  readonly stroops: bigint;
  /** Seconds since the Unix epoch. */
  readonly at: bigint;
}

/** What the program owes to users after a record, in order of the users. */
export function creditsAfter(record: ChainRecord): readonly Credit[] {
  return record.kind === "create" ? [] : (record.credits ?? []);
}

/** What the smart account must keep for users after a record, above its reserve (invariant P6). */
export function owedStroops(record: ChainRecord): bigint {
  return creditsAfter(record).reduce((sum, { stroops }) => sum + stroops, 0n);
}

/** The field of a record that carries credits on. */
export function creditFields(credits: readonly Credit[]): { credits?: Credit[] } {
  return credits.length === 0 ? {} : { credits: [...credits] };
}

/**
 * Adds what inputs left. There is room for a limited number of users: beyond it the oldest credits are forfeited, which are those of
 * accounts that do not exist, since all others are paid back long before.
 */
export function addCredits(credits: readonly Credit[], leftovers: readonly Leftover[]): readonly Credit[] {
  const byUser = new Map(credits.map((credit) => [credit.user, credit]));
  for (const { user, stroops, at } of leftovers) {
    if (stroops <= 0n) continue;
    const before = byUser.get(user);
    byUser.set(user, { user, stroops: (before?.stroops ?? 0n) + stroops, since: before?.since ?? at });
  }
  const youngestFirst = [...byUser.values()].sort(
    (a, b) => Number(b.since - a.since) || (a.user < b.user ? -1 : Number(a.user > b.user)),
  );
  return sortByUser(youngestFirst.slice(0, MAX_CREDITS));
}

/** What is left after the credits of these users were paid. */
export function withoutCreditsOf(credits: readonly Credit[], users: Iterable<string>): readonly Credit[] {
  const paid = new Set(users);
  return credits.filter(({ user }) => !paid.has(user));
}

function sortByUser(credits: readonly Credit[]): readonly Credit[] {
  return credits.toSorted((a, b) => (a.user < b.user ? -1 : Number(a.user > b.user)));
}
