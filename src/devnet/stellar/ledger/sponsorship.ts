import type { Account, AccountId } from "./account.ts";
import { availableBalance } from "./account.ts";
import type { LedgerState } from "./ledger-state.ts";
import type { LedgerParameters } from "./parameters.ts";
import { MAX_SUBENTRIES } from "./parameters.ts";

/** Why the reserve of an entry cannot be held. */
export type ReserveFailure = "lowReserve" | "tooManySubentries";

interface ReserveContext {
  readonly state: LedgerState;
  readonly parameters: LedgerParameters;
  readonly sponsorships: ReadonlyMap<AccountId, AccountId>;
}

/** Base reserves held for an account; data entries and signers hold one. */
export const ACCOUNT_RESERVES = 2;

/** Adds to the number of reserves that the account holds for others. */
export function withSponsoring(account: Account, change: number): Account {
  return { ...account, sponsoringCount: account.sponsoringCount + change, extension: account.extension || 2 };
}

/** Adds to the number of reserves that others hold for the account. */
export function withSponsored(account: Account, change: number): Account {
  return { ...account, sponsoredCount: account.sponsoredCount + change, extension: account.extension || 2 };
}

/** Whether the account can hold so many more reserves. */
export function canReserve(account: Account, reserves: number, parameters: LedgerParameters): boolean {
  return availableBalance(account, parameters) >= BigInt(reserves) * parameters.baseReserveStroops;
}

/**
 * Takes the reserve of a new subentry from its sponsor, or else from its owner, and counts it.
 *
 * @returns the sponsor (null: none) after the owner's and the sponsor's accounts were stored, or why it cannot be.
 */
export function reserveSubentry(
  { state, parameters, sponsorships }: ReserveContext,
  owner: Account,
): { readonly sponsor: AccountId | null } | ReserveFailure {
  if (owner.subentryCount >= MAX_SUBENTRIES) return "tooManySubentries";
  const sponsorId = sponsorships.get(owner.id) ?? null;
  if (sponsorId === null) {
    if (!canReserve(owner, 1, parameters)) return "lowReserve";
    state.put({ ...owner, subentryCount: owner.subentryCount + 1 });
    return { sponsor: null };
  }
  const sponsor = state.account(sponsorId);
  if (sponsor === undefined || !canReserve(sponsor, 1, parameters)) return "lowReserve";
  state.put(withSponsoring(sponsor, 1));
  state.put({ ...withSponsored(owner, 1), subentryCount: owner.subentryCount + 1 });
  return { sponsor: sponsorId };
}

/** Gives the reserve of a removed subentry back to whoever held it, and uncounts it. */
export function releaseSubentry(state: LedgerState, ownerId: AccountId, sponsorId: AccountId | null): void {
  const owner = state.account(ownerId);
  if (owner !== undefined) {
    const released = sponsorId === null ? owner : withSponsored(owner, -1);
    state.put({ ...released, subentryCount: owner.subentryCount - 1 });
  }
  releaseSponsor(state, sponsorId, 1);
}

/** Frees reserves that a sponsor held; nothing to do without sponsor. */
export function releaseSponsor(state: LedgerState, sponsorId: AccountId | null, reserves: number): void {
  if (sponsorId === null) return;
  const sponsor = state.account(sponsorId);
  if (sponsor !== undefined) state.put(withSponsoring(sponsor, -reserves));
}
