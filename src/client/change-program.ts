import { addedReserveStroops, termsAfter, type AccountChange } from "../domain/program/change-transaction.ts";
import {
  ENTRY_NAMES,
  isRecovered,
  readRecoveredAccount,
  readSmartAccount,
  type SmartAccount,
} from "../domain/program/smart-account.ts";
import { CHANGE_FEE_STROOPS } from "../domain/program/fee-ladder.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { findPayoutShares } from "../execution/find-payout-shares.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { signChange } from "../wire/change-request.ts";
import { OPEN_PROPOSAL_STEP_SECONDS, type Proposal } from "../wire/proposal.ts";
import { landProposal, type LandComponents, type LandedProposal } from "./land-proposal.ts";
import type { Wallet } from "./wallet.ts";

const MS_PER_SECOND = 1_000;
const VALID_SECONDS = 120;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a change costs its owner, in stroops. */
export interface ChangeCost {
  /** What the account holds back more afterwards; negative when it holds back less. */
  readonly addedReserveStroops: bigint;
  /** What of that is not there, and the owner pays in the same transaction. */
  readonly topUpStroops: bigint;
  /** The most that the ledger's fee can come to. */
  readonly maxFeeStroops: bigint;
}

/** A program, running or recovered, as its account says it now. @throws SprfError `ACCOUNT_NOT_FOUND`, `SMART_ACCOUNT_INVALID` */
export async function loadAnyProgram(ledger: Ledger, program: string, { signal }: CallOptions): Promise<SmartAccount> {
  const snapshot = await ledger.account(program, ENTRY_NAMES, { signal });
  if (snapshot === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${program}`);
  return isRecovered(snapshot) ? readRecoveredAccount(snapshot) : readSmartAccount(snapshot);
}

/** What a change would cost now. @throws SprfError `INVALID_INPUT` for a change that nobody could use the account after */
export async function costOfChange(
  ledger: Ledger,
  { program, change }: { readonly program: string; readonly change: AccountChange },
  options: CallOptions = {},
): Promise<ChangeCost> {
  return costFor(await loadAnyProgram(ledger, program, options), change);
}

function costFor(account: SmartAccount, change: AccountChange): ChangeCost {
  const added = addedReserveStroops(account, termsAfter(account, change));
  const missing = added - account.spendableStroops;
  return {
    addedReserveStroops: added,
    topUpStroops: added > 0n && missing > 0n ? missing : 0n,
    maxFeeStroops: CHANGE_FEE_STROOPS,
  };
}

/**
 * Changes a program's workers, image or fees in one transaction: the owner signs the change, a majority of the workers the
 * transaction. Reserve that is missing comes from the owner in the same transaction.
 *
 * @throws SprfError `PROGRAM_IMMUTABLE`, `INVALID_INPUT`, `WORKER_NOT_BOUND`, `NO_MAJORITY`, `SEQUENCE_MOVED`
 */
export async function changeProgram(
  components: LandComponents,
  { program, change, wallet }: { readonly program: string; readonly change: AccountChange; readonly wallet: Wallet },
  options: CallOptions = {},
): Promise<LandedProposal> {
  const { ledger, clock } = components;
  const propose = async ({ signal }: CallOptions): Promise<Proposal> => {
    const account = await loadAnyProgram(ledger, program, { signal });
    requireOwner(account, wallet);
    const { topUpStroops } = costFor(account, change);
    const request = {
      version: 1 as const,
      network: ledger.networkPassphrase,
      program,
      sequence: account.sequence,
      validUntil: BigInt(Math.floor(clock.now() / MS_PER_SECOND) + VALID_SECONDS),
      ...(topUpStroops === 0n ? {} : { topUpStroops }),
      change,
    };
    return { kind: "change", signedChange: signChange(request, wallet.signers[0]) };
  };
  return await landProposal(components, { wallet, propose }, options);
}

/**
 * Pays what a program's account can spend to its workers, in equal parts; anybody may ask for it and pay the fee.
 *
 * @throws SprfError `PAYOUT_REFUSED` while there is too little, `NO_MAJORITY`
 */
export async function payOut(
  components: LandComponents,
  { program, wallet }: { readonly program: string; readonly wallet: Wallet },
  options: CallOptions = {},
): Promise<LandedProposal & { readonly shareStroops: bigint }> {
  const { ledger, clock } = components;
  let shareStroops = 0n;
  let tried = 0;
  const propose = async ({ signal }: CallOptions): Promise<Proposal> => {
    const account = await loadSmartAccount(ledger, program, { signal });
    // An amount of nothing is refused with the reason.
    shareStroops = (await findPayoutShares(components, account, { signal }))[tried] ?? 0n;
    return {
      kind: "payout",
      network: ledger.networkPassphrase,
      program,
      sequence: account.sequence,
      validUntil: openUntil(clock),
      shareStroops,
    };
  };
  let refusal: SprfError | undefined;
  for (;;) {
    try {
      const landed = await landProposal(components, { wallet, propose }, options);
      return { ...landed, shareStroops };
    } catch (error) {
      if (refusal !== undefined && isSprfError(error, "PAYOUT_REFUSED")) throw refusal;
      if (!isSprfError(error, "NO_MAJORITY") || !isForTheShare(error)) throw error;
      // Workers know of requests that wait, whose payments stay: a smaller share may leave them.
      refusal = error;
      tried += 1;
    }
  }
}

function isForTheShare({ context }: SprfError): boolean {
  const { codes } = context;
  return Array.isArray(codes) && codes.includes("PAYOUT_REFUSED");
}

/** Moves the sequence of a program that was silent for 10 days, which keeps its recovery closed. @throws SprfError `BUMP_REFUSED` */
export async function bumpProgram(
  components: LandComponents,
  { program, wallet }: { readonly program: string; readonly wallet: Wallet },
  options: CallOptions = {},
): Promise<LandedProposal> {
  const { ledger, clock } = components;
  const propose = async ({ signal }: CallOptions): Promise<Proposal> => ({
    kind: "bump",
    network: ledger.networkPassphrase,
    program,
    sequence: (await loadSmartAccount(ledger, program, { signal })).sequence,
    validUntil: openUntil(clock),
  });
  return await landProposal(components, { wallet, propose }, options);
}

/** The next whole minute that leaves time enough. */
function openUntil(clock: Clock): bigint {
  const soonest = BigInt(Math.floor(clock.now() / MS_PER_SECOND) + VALID_SECONDS);
  return soonest + (OPEN_PROPOSAL_STEP_SECONDS - (soonest % OPEN_PROPOSAL_STEP_SECONDS));
}

/** @throws SprfError `PROGRAM_IMMUTABLE`, `INVALID_INPUT` when the wallet is not the owner's */
export function requireOwner({ id, owner }: SmartAccount, wallet: Wallet): void {
  if (owner === undefined) throw new SprfError("PROGRAM_IMMUTABLE", `${id} has no owner, so nobody can change it`);
  if (wallet.signers[0].publicKey() === owner) return;
  throw new SprfError("INVALID_INPUT", `only the owner of ${id}, ${owner}, can change it`);
}
