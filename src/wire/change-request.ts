import { Keypair } from "@stellar/stellar-sdk";
import { z } from "zod";

import { SprfError } from "../errors.ts";
import { encodeCanonical, hashWithDomain } from "./canonical.ts";
import { MAX_PASSPHRASE_LENGTH, bytesOf, ledgerAddressSchema, uint64Schema } from "./primitives.ts";
import { imageSchema, termsSchema, workersSchema } from "./program-parts.ts";
import { withoutUndefined } from "./without-undefined.ts";

const workersChangeSchema = z.strictObject({
  kind: z.literal("workers"),
  /** All of them, those that stay too. */
  workers: workersSchema,
  /** The agreement (address on Ethereum, lower-case) whose workers these are; a worker that knows it checks that they are. */
  agreement: z
    .string()
    .regex(/^0x[0-9a-f]{40}$/)
    .optional(),
});

const programChangeSchema = z.strictObject({ kind: z.literal("program"), image: imageSchema });

const termsChangeSchema = z.strictObject({ kind: z.literal("terms"), terms: termsSchema });

/** Asks the workers for a transaction that hands the account to its owner after 30 days in which nothing landed. */
const recoveryChangeSchema = z.strictObject({ kind: z.literal("recovery") });

/** What the owner of a program asks of its workers (design: programs, Changing workers, program or terms). */
export const changeRequestSchema = z.strictObject({
  version: z.literal(1),
  /** Passphrase of the Stellar network. */
  network: z.string().min(1).max(MAX_PASSPHRASE_LENGTH),
  /** The smart account. */
  program: ledgerAddressSchema,
  /** The account's sequence that the change applies to: it can land once, and on nothing else. */
  sequence: uint64Schema,
  /** Seconds since the Unix epoch. */
  validUntil: uint64Schema,
  /** What the owner pays to the account in the same transaction, so that more entries and signers find their reserve. */
  topUpStroops: uint64Schema.optional(),
  change: z.discriminatedUnion("kind", [
    workersChangeSchema,
    programChangeSchema,
    termsChangeSchema,
    recoveryChangeSchema,
  ]),
});

/** A change request and its owner's signature. */
export const signedChangeSchema = z.strictObject({
  request: changeRequestSchema,
  /** By the owner's ledger key, over `hashChange`. */
  signature: bytesOf(64),
});

export type ChangeRequest = z.output<typeof changeRequestSchema>;
/** What a change request changes. */
export type ProgramChange = ChangeRequest["change"];
export type SignedChange = z.output<typeof signedChangeSchema>;

/** A signed change of one kind. */
export type SignedChangeOf<K extends ProgramChange["kind"]> = SignedChange & {
  readonly request: { readonly change: Extract<ProgramChange, { kind: K }> };
};

/** A signed change whose change is of this kind. */
export function signedChangeOf<K extends ProgramChange["kind"]>(kind: K): z.ZodType<SignedChangeOf<K>, unknown> {
  return signedChangeSchema.refine((signed): signed is SignedChangeOf<K> => signed.request.change.kind === kind, {
    error: `expected a change of kind ${kind}`,
  });
}

/** 32 bytes: sha256("sprf/change/1" || canonical dag-cbor of the request). */
export function hashChange(request: ChangeRequest): Uint8Array {
  return hashWithDomain("sprf/change/1", encodeCanonical(withoutUndefined(request)));
}

export function signChange(request: ChangeRequest, owner: Keypair): SignedChange {
  return { request, signature: new Uint8Array(owner.sign(hashChange(request))) };
}

/**
 * Checks that `owner` (`G...`) signed the change.
 *
 * @returns its hash
 * @throws SprfError `REQUEST_SIGNATURE_INVALID`
 */
export function verifyChange({ request, signature }: SignedChange, owner: string): Uint8Array {
  const hash = hashChange(request);
  if (!Keypair.fromPublicKey(owner).verify(hash, signature)) {
    throw new SprfError("REQUEST_SIGNATURE_INVALID", `the change is not signed by the program's owner, ${owner}`);
  }
  return hash;
}
