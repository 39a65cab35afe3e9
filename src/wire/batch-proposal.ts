import { Keypair } from "@stellar/stellar-sdk";
import { z } from "zod";

import { SprfError } from "../errors.ts";
import { hashWithDomain } from "./canonical.ts";
import { addressJson, check, hex32Json, signatureJson } from "./json.ts";
import { bytesOf, bytesUpTo, ledgerAddressSchema } from "./primitives.ts";
import { MAX_RECORD_BYTES } from "./record.ts";
import { MAX_BATCH_INPUTS } from "./batch-record.ts";

/** A record in base64, and room for the rest. */
export const MAX_BATCH_BODY_BYTES = Math.ceil(MAX_RECORD_BYTES / 3) * 4 + 1_024;

const batchProposalSchema = z.strictObject({
  /** A record of kind batch or refund, as it is to land. */
  recordBlock: bytesUpTo(MAX_RECORD_BYTES),
  /** Ledger key (`G...`) of the worker who proposes it. */
  proposer: ledgerAddressSchema,
  signature: bytesOf(64),
});

/** A proposal as JSON: bytes in base64. */
export const batchProposalJsonSchema = z.strictObject({
  recordBlock: z.base64().max(Math.ceil(MAX_RECORD_BYTES / 3) * 4),
  proposer: addressJson,
  signature: signatureJson,
});

/** What a worker says to a proposal, as JSON. */
export const batchVerdictJsonSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("signed"), worker: addressJson, signature: signatureJson }),
  z.strictObject({ kind: z.literal("failed"), requests: z.array(hex32Json).min(1).max(MAX_BATCH_INPUTS) }),
]);

/** What one worker proposes to the others. */
export type BatchProposal = z.output<typeof batchProposalSchema>;

/** What a worker that has run a proposal says to it. */
export type BatchVerdict =
  /** It came to the same: its signature on the transaction. */
  | { readonly kind: "signed"; readonly worker: string; readonly signature: Uint8Array }
  /** These requests (hashes in hex) cannot be run on its machine, so it can say nothing. */
  | { readonly kind: "failed"; readonly requests: readonly string[] };

export function signBatchProposal(recordBlock: Uint8Array, proposer: Keypair): BatchProposal {
  return {
    recordBlock: new Uint8Array(recordBlock),
    proposer: proposer.publicKey(),
    signature: new Uint8Array(proposer.sign(Buffer.from(hashProposal(recordBlock)))),
  };
}

/** @throws SprfError `REQUEST_SIGNATURE_INVALID` */
export function verifyBatchProposal({ recordBlock, proposer, signature }: BatchProposal): void {
  if (Keypair.fromPublicKey(proposer).verify(Buffer.from(hashProposal(recordBlock)), Buffer.from(signature))) return;
  throw new SprfError("REQUEST_SIGNATURE_INVALID", `the proposal is not signed by ${proposer}`);
}

export function batchProposalToJson(proposal: BatchProposal): z.output<typeof batchProposalJsonSchema> {
  const { recordBlock, proposer, signature } = proposal;
  return {
    recordBlock: Buffer.from(recordBlock).toString("base64"),
    proposer,
    signature: Buffer.from(signature).toString("base64"),
  };
}

/** @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function batchProposalFromJson(json: z.output<typeof batchProposalJsonSchema>): BatchProposal {
  return check(batchProposalSchema, {
    recordBlock: new Uint8Array(Buffer.from(json.recordBlock, "base64")),
    proposer: json.proposer,
    signature: new Uint8Array(Buffer.from(json.signature, "base64")),
  });
}

export function batchVerdictToJson(verdict: BatchVerdict): z.output<typeof batchVerdictJsonSchema> {
  if (verdict.kind === "failed") return { kind: "failed", requests: [...verdict.requests] };
  const { worker, signature } = verdict;
  return { kind: "signed", worker, signature: Buffer.from(signature).toString("base64") };
}

/** @throws SprfError `INVALID_INPUT` when the body is no verdict */
export function batchVerdictFromJson(body: unknown): BatchVerdict {
  const json = check(batchVerdictJsonSchema, body);
  if (json.kind === "failed") return json;
  return {
    kind: "signed",
    worker: check(ledgerAddressSchema, json.worker),
    signature: check(bytesOf(64), new Uint8Array(Buffer.from(json.signature, "base64"))),
  };
}

function hashProposal(recordBlock: Uint8Array): Uint8Array {
  return hashWithDomain("sprf/batch/1", recordBlock);
}
