import { z } from "zod";

import { signedChangeSchema } from "./change-request.ts";
import { MAX_PASSPHRASE_LENGTH, bytesOf, cidSchema, ledgerAddressSchema, uint64Schema } from "./primitives.ts";

const onAccountShape = {
  /** Passphrase of the Stellar network. */
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  /** The smart account. */
  program: ledgerAddressSchema,
  /** The account's sequence that it applies to. */
  sequence: uint64Schema,
  /** Seconds since the Unix epoch. */
  validUntil: uint64Schema,
};

/** Anybody may propose payouts and bumps, so they end at whole minutes, soon: few records follow from one sequence, whoever asks. */
export const OPEN_PROPOSAL_STEP_SECONDS = 60n;
/** The longest that a payout or bump may be valid. */
export const OPEN_PROPOSAL_MAX_SECONDS = 300n;

/** What workers are asked to sign besides transitions: a change of the owner's, and what anybody may propose within its rules. */
export const proposalSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("change"), signedChange: signedChangeSchema }),
  z.strictObject({ kind: z.literal("payout"), ...onAccountShape, shareStroops: uint64Schema }),
  z.strictObject({ kind: z.literal("bump"), ...onAccountShape }),
]);

/** A worker's consent to a proposal. */
export const consentSchema = z.strictObject({
  /** The worker's ledger key. */
  worker: ledgerAddressSchema,
  recordCid: cidSchema,
  /** Of the transaction that it rebuilt and signed. */
  transactionHash: bytesOf(32),
  signature: bytesOf(64),
});

export type Proposal = z.output<typeof proposalSchema>;
export type Consent = z.output<typeof consentSchema>;

/** Which account a proposal is about, at which sequence, and until when it can land. */
export function placeOf(proposal: Proposal): {
  readonly network: string;
  readonly program: string;
  readonly sequence: bigint;
  readonly validUntil: bigint;
} {
  return proposal.kind === "change" ? proposal.signedChange.request : proposal;
}
