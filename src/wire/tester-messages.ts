import { z } from "zod";

import { SprfError } from "../errors.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { PUBLIC_KEY_BYTES, isPublicKey } from "../utils/secp256k1.ts";
import { decodeCanonical, encodeCanonical } from "./canonical.ts";
import { bytesOf, bytesUpTo, cidSchema, uint64Schema } from "./primitives.ts";

/** Version of these messages. */
export const TESTER_MESSAGE_VERSION = 1;
/** The largest evidence that travels in a message; larger ones travel by their CID alone. */
export const MAX_SENT_EVIDENCE_BYTES = 100 * 1024;
/** The largest payload of a message between testers, before encryption. */
export const MAX_TESTER_MESSAGE_BYTES = MAX_SENT_EVIDENCE_BYTES + 2 * 1024;
/** A message is valid for at most so long. */
export const MAX_TESTER_LIFETIME_MS = 60_000;
/** By how much clocks may differ. */
const MAX_CLOCK_SKEW_MS = 30_000;
export const TESTER_MESSAGE_ID_BYTES = 16;
/** A contract holds at most 7 testers of an epoch. */
const MAX_SEAT = 6;
const MAX_EPOCH = 511;
const MAX_CID_LENGTH = 128;
const AGREEMENT_BYTES = 20;

const messageKey = bytesOf(PUBLIC_KEY_BYTES).refine(isPublicKey, { error: "expected a secp256k1 key" });

const header = {
  version: z.literal(TESTER_MESSAGE_VERSION),
  /** Random. */
  id: bytesOf(TESTER_MESSAGE_ID_BYTES),
  /** Message key of whom it is for: the envelope's recipient is not authenticated. */
  to: messageKey,
  /** Message key of who wrote and signed it. */
  from: messageKey,
  agreement: bytesOf(AGREEMENT_BYTES),
  epoch: z.int().min(0).max(MAX_EPOCH),
  issuedAt: z.int().min(0),
  expiresAt: z.int().min(0),
};

const testerCommit = z.strictObject({
  kind: z.literal("tester-commit"),
  ...header,
  seat: z.int().min(0).max(MAX_SEAT),
  commitment: bytesOf(32),
  /** EIP-712, see signed-commit.ts. */
  signature: bytesOf(65),
});

const testerReport = z.strictObject({
  kind: z.literal("tester-report"),
  ...header,
  seat: z.int().min(0).max(MAX_SEAT),
  /** As the contracts pack them. */
  verdicts: uint64Schema,
  evidenceCid: z.string().max(MAX_CID_LENGTH),
  salt: bytesOf(32),
});

const evidenceRequest = z.strictObject({ kind: z.literal("evidence-request"), ...header, evidenceCid: cidSchema });

const evidence = z.strictObject({
  kind: z.literal("evidence"),
  ...header,
  inReplyTo: bytesOf(TESTER_MESSAGE_ID_BYTES),
  block: bytesUpTo(MAX_SENT_EVIDENCE_BYTES),
});

const testerMessage = z.discriminatedUnion("kind", [testerCommit, testerReport, evidenceRequest, evidence]);

/** A signed commitment, for the one whose turn it is to bring all of them. */
export type TesterCommit = Readonly<z.output<typeof testerCommit>>;
/** What was committed to, sent once no commitment is taken any more. */
export type TesterReport = Readonly<z.output<typeof testerReport>>;
/** "Show me what your revealed verdicts rest on." */
export type EvidenceRequest = Readonly<z.output<typeof evidenceRequest>>;
/** The block that a revealed CID names. */
export type EvidenceReply = Readonly<z.output<typeof evidence>>;
export type TesterMessage = z.output<typeof testerMessage>;

/** Where the testers of an agreement (20 bytes) talk to each other. */
export function testersTopicOf(agreement: Uint8Array): string {
  if (agreement.length !== AGREEMENT_BYTES) {
    throw new SprfError("INVALID_INPUT", `an agreement's address has ${AGREEMENT_BYTES} bytes`);
  }
  return `/sprf/1/testers-${toHex(agreement)}/cbor`;
}

/** Canonical dag-cbor. @throws SprfError `INVALID_INPUT` for a message that no reader would accept */
export function encodeTesterMessage(message: z.input<typeof testerMessage>): Uint8Array {
  const parsed = testerMessage.safeParse(message);
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error).replaceAll("\n", " ");
    throw new SprfError("INVALID_INPUT", `not a message between testers: ${reason}`, { cause: parsed.error });
  }
  return encodeCanonical(parsed.data);
}

/** @throws SprfError `MESSAGE_INVALID` for anything that {@link encodeTesterMessage} would not have made */
export function decodeTesterMessage(payload: Uint8Array): TesterMessage {
  if (payload.length > MAX_TESTER_MESSAGE_BYTES) {
    throw invalid(`${payload.length} bytes are more than ${MAX_TESTER_MESSAGE_BYTES}`);
  }
  let value: unknown;
  try {
    value = decodeCanonical(payload);
  } catch (error) {
    throw invalid("not canonical dag-cbor", error);
  }
  const parsed = testerMessage.safeParse(value);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll("\n", " "), parsed.error);
  return parsed.data;
}

/**
 * The message in `payload`, if it is for `self`, written by `signer`, under `agreement` and fresh. Whether it was seen before is
 * for the caller to know.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyTesterMessage(
  payload: Uint8Array,
  signer: Uint8Array,
  context: { readonly nowMs: number; readonly self: Uint8Array; readonly agreement: Uint8Array },
): TesterMessage {
  const message = decodeTesterMessage(payload);
  if (!equalBytes(message.to, context.self)) throw invalid("for somebody else");
  if (!equalBytes(message.from, signer)) throw invalid("signed by another key than its sender's");
  if (!equalBytes(message.agreement, context.agreement)) throw invalid("under another agreement");
  const lifetimeMs = message.expiresAt - message.issuedAt;
  if (lifetimeMs <= 0 || lifetimeMs > MAX_TESTER_LIFETIME_MS) throw invalid(`a lifetime of ${lifetimeMs} ms`);
  if (message.issuedAt > context.nowMs + MAX_CLOCK_SKEW_MS) throw invalid("from the future");
  if (message.expiresAt + MAX_CLOCK_SKEW_MS < context.nowMs) throw invalid("expired");
  return message;
}

function invalid(reason: string, cause?: unknown): SprfError {
  return new SprfError("MESSAGE_INVALID", `message between testers refused: ${reason}`, { cause });
}
