import { z } from "zod";

import { fromBase64, fromHex, toBase64, toHex } from "../utils/bytes.ts";
import type { SignedChange } from "./change-request.ts";
import { addressJson, check, cidJson, decimalJson, hex32Json, signatureJson } from "./json.ts";
import { consentSchema, proposalSchema, type Consent, type Proposal } from "./proposal.ts";

/** A proposal names at most 20 workers. */
export const MAX_PROPOSAL_BODY_BYTES = 16 * 1024;

const MAX_ENTRY_LENGTH = 64;
const MAX_WORKERS = 20;

const entry = z.string().min(1).max(MAX_ENTRY_LENGTH);
const placeShape = {
  network: z.string().max(128),
  program: addressJson,
  sequence: decimalJson,
  validUntil: decimalJson,
};

const changeJsonSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("workers"),
    workers: z
      .array(z.strictObject({ address: entry, ledgerKey: addressJson }))
      .min(1)
      .max(MAX_WORKERS),
    agreement: z.string().length(42).optional(),
  }),
  z.strictObject({
    kind: z.literal("program"),
    image: z.strictObject({ address: entry, digest: hex32Json.optional() }),
  }),
  z.strictObject({
    kind: z.literal("terms"),
    terms: z.strictObject({ baseFeeStroops: decimalJson, gasPriceStroops: decimalJson }),
  }),
  z.strictObject({ kind: z.literal("recovery") }),
]);

const signedChangeJsonSchema = z.strictObject({
  request: z.strictObject({
    version: z.literal(1),
    ...placeShape,
    topUpStroops: decimalJson.optional(),
    change: changeJsonSchema,
  }),
  signature: signatureJson,
});

/** A proposal as JSON: signatures in base64, large numbers in decimal. */
export const proposalJsonSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("change"), signedChange: signedChangeJsonSchema }),
  z.strictObject({ kind: z.literal("payout"), ...placeShape, shareStroops: decimalJson }),
  z.strictObject({ kind: z.literal("bump"), ...placeShape }),
]);

/** A worker's consent as JSON. */
export const consentJsonSchema = z.strictObject({
  worker: addressJson,
  recordCid: cidJson,
  transactionHash: hex32Json,
  signature: signatureJson,
});

export type ProposalJson = z.output<typeof proposalJsonSchema>;
export type ConsentJson = z.output<typeof consentJsonSchema>;

export function proposalToJson(proposal: Proposal): ProposalJson {
  if (proposal.kind === "change") return { kind: "change", signedChange: signedChangeToJson(proposal.signedChange) };
  const { kind, network, program } = proposal;
  const place = {
    network,
    program,
    sequence: proposal.sequence.toString(),
    validUntil: proposal.validUntil.toString(),
  };
  return kind === "bump" ? { kind, ...place } : { kind, ...place, shareStroops: proposal.shareStroops.toString() };
}

/** @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function proposalFromJson(json: ProposalJson): Proposal {
  return check(proposalSchema, json.kind === "change" ? readSignedChange(json) : readPlaced(json));
}

export function consentToJson({ worker, recordCid, transactionHash, signature }: Consent): ConsentJson {
  return { worker, recordCid, transactionHash: toHex(transactionHash), signature: toBase64(signature) };
}

/** @throws SprfError `INVALID_INPUT` when the body is no consent */
export function consentFromJson(body: unknown): Consent {
  const json = check(consentJsonSchema, body);
  return check(consentSchema, {
    ...json,
    transactionHash: fromHex(json.transactionHash),
    signature: fromBase64(json.signature),
  });
}

function signedChangeToJson({ request, signature }: SignedChange): z.output<typeof signedChangeJsonSchema> {
  const { topUpStroops, change } = request;
  return {
    request: {
      version: request.version,
      network: request.network,
      program: request.program,
      sequence: request.sequence.toString(),
      validUntil: request.validUntil.toString(),
      ...(topUpStroops === undefined ? {} : { topUpStroops: topUpStroops.toString() }),
      change:
        change.kind === "terms"
          ? {
              kind: "terms",
              terms: {
                baseFeeStroops: change.terms.baseFeeStroops.toString(),
                gasPriceStroops: change.terms.gasPriceStroops.toString(),
              },
            }
          : change,
    },
    signature: toBase64(signature),
  };
}

function readSignedChange({ signedChange }: Extract<ProposalJson, { kind: "change" }>): unknown {
  const { request, signature } = signedChange;
  const { change, topUpStroops } = request;
  return {
    kind: "change",
    signedChange: {
      request: {
        ...request,
        sequence: BigInt(request.sequence),
        validUntil: BigInt(request.validUntil),
        ...(topUpStroops === undefined ? {} : { topUpStroops: BigInt(topUpStroops) }),
        change:
          change.kind === "terms"
            ? {
                kind: "terms",
                terms: {
                  baseFeeStroops: BigInt(change.terms.baseFeeStroops),
                  gasPriceStroops: BigInt(change.terms.gasPriceStroops),
                },
              }
            : change,
      },
      signature: fromBase64(signature),
    },
  };
}

function readPlaced(json: Exclude<ProposalJson, { kind: "change" }>): unknown {
  const place = { ...json, sequence: BigInt(json.sequence), validUntil: BigInt(json.validUntil) };
  return json.kind === "payout" ? { ...place, shareStroops: BigInt(json.shareStroops) } : place;
}
