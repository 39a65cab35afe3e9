import { z } from "zod";

import { SprfError } from "../../errors.ts";
import { PUBLIC_KEY_BYTES, isPublicKey } from "../../utils/secp256k1.ts";
import { multiaddrsSchema } from "../address.ts";
import { decodeCanonical, encodeCanonical } from "../canonical.ts";
import { bytesOf, bytesUpTo, uint64Schema } from "../primitives.ts";
import { isReplyTopic } from "../topics.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { MAX_INLINE_BODY_BYTES, carrierSchema } from "./deployment-body.ts";
import { MAX_CONTAINERS, MAX_PUBLIC_IPS } from "./limits.ts";
import { GRID_REFUSAL_CODES } from "./refusals.ts";
import { labelSchema } from "./text.ts";

/** Version of these messages. */
const GRID_MESSAGE_VERSION = 1;
/** The largest payload of a message between a user and a node, before encryption. */
export const MAX_GRID_MESSAGE_BYTES = MAX_INLINE_BODY_BYTES + 4 * 1024;
/** The text of one chunk of logs. */
export const MAX_LOG_CHUNK_BYTES = 32 * 1024;
/** Entries of one chunk of logs. */
export const MAX_LOG_ENTRIES = 1_024;
/** Chunks of logs that may be under way without an acknowledgement. */
export const MAX_LOG_WINDOW = 16;
export const GRID_MESSAGE_ID_BYTES = 16;
const GRID_ADDRESS_BYTES = 20;
const MAX_TAIL_LINES = 10_000;
const MAX_DETAIL_LENGTH = 512;
const MAX_ADDRESS_LENGTH = 64;

const messageKey = bytesOf(PUBLIC_KEY_BYTES).refine(isPublicKey, { error: "expected a secp256k1 key" });
const id = bytesOf(GRID_MESSAGE_ID_BYTES);
const milliseconds = z.int().min(0);
const count = z.int().min(0);

const header = {
  version: z.literal(GRID_MESSAGE_VERSION),
  /** Random; a message that is sent again keeps it. */
  id,
  /** Message key of whom it is for: the envelope's recipient is not authenticated. */
  to: messageKey,
  /** Message key of who wrote and signed it. */
  from: messageKey,
  /** A contract's id means something on one chain and under one GridContracts only. */
  chainId: uint64Schema,
  grid: bytesOf(GRID_ADDRESS_BYTES),
  contractId: uint64Schema.refine((value) => value > 0n, { error: "expected a contract's id" }),
  issuedAt: milliseconds,
  expiresAt: milliseconds,
};
const requestHeader = {
  ...header,
  /** Where to answer, and the ephemeral key to which answers are encrypted. */
  replyTopic: z.string().refine(isReplyTopic, { error: "expected a reply topic" }),
  replyKey: messageKey,
};
const replyHeader = { ...header, inReplyTo: id };

const requests = [
  z.strictObject({ kind: z.literal("deploy"), ...requestHeader, deployment: carrierSchema }),
  z.strictObject({ kind: z.literal("update"), ...requestHeader, deployment: carrierSchema }),
  z.strictObject({ kind: z.literal("delete"), ...requestHeader }),
  z.strictObject({ kind: z.literal("status"), ...requestHeader }),
  z.strictObject({
    kind: z.literal("logs"),
    ...requestHeader,
    container: labelSchema,
    /** Whether to go on with what is written later, as long as the lease is renewed. */
    follow: z.boolean(),
    /** How many lines of what is there. */
    tailLines: count.max(MAX_TAIL_LINES),
    /** Chunks that the user takes without having acknowledged them. */
    window: z.int().min(1).max(MAX_LOG_WINDOW),
  }),
] as const;

/** Those of a stream of logs; `stream` is the id of the request for it. */
const streamMessages = [
  z.strictObject({
    kind: z.literal("logs-renew"),
    ...header,
    stream: id,
    /** The number of the first chunk that has not arrived: all before it have. */
    next: count,
  }),
  z.strictObject({ kind: z.literal("logs-end"), ...header, stream: id }),
] as const;

const containerStatus = z.strictObject({
  name: labelSchema,
  state: z.enum(["created", "running", "restarting", "exited"]),
  health: z.enum(["none", "starting", "healthy", "unhealthy"]),
  restarts: count,
  exitCode: z.int().min(0).max(255).optional(),
  outOfMemory: z.boolean(),
});

const replies = [
  z.strictObject({
    kind: z.literal("progress"),
    ...replyHeader,
    step: z.enum(["fetching", "preparing", "starting", "switching"]),
    container: labelSchema.optional(),
    percent: z.int().min(0).max(100).optional(),
  }),
  z.strictObject({
    kind: z.literal("done"),
    ...replyHeader,
    /** What runs now; absent after a deletion. */
    deploymentHash: bytesOf(32).optional(),
  }),
  z.strictObject({
    kind: z.literal("status-reply"),
    ...replyHeader,
    state: z.enum(["absent", "deploying", "running", "paused", "failed"]),
    deploymentHash: bytesOf(32).optional(),
    containers: z.array(containerStatus).max(MAX_CONTAINERS),
    /** Addresses of its public IPs, in the order in which ports name them. */
    publicIps: z.array(z.string().max(MAX_ADDRESS_LENGTH)).max(MAX_PUBLIC_IPS),
    /** Where the node takes connections, over which it fetches what a message only names. */
    multiaddrs: multiaddrsSchema,
    /** Why it failed. */
    refusal: z.enum(GRID_REFUSAL_CODES).optional(),
  }),
  z.strictObject({
    kind: z.literal("refused"),
    ...replyHeader,
    code: z.enum(GRID_REFUSAL_CODES),
    /** For a person; empty when the code says it all. */
    detail: z.string().max(MAX_DETAIL_LENGTH),
  }),
  z.strictObject({
    kind: z.literal("log-chunk"),
    ...replyHeader,
    /** From 0, without gaps. */
    sequence: count,
    entries: z
      .array(
        z.strictObject({
          stream: z.enum(["stdout", "stderr"]),
          atMs: milliseconds,
          bytes: bytesUpTo(MAX_LOG_CHUNK_BYTES),
        }),
      )
      .max(MAX_LOG_ENTRIES)
      .refine((entries) => entries.reduce((sum, { bytes }) => sum + bytes.length, 0) <= MAX_LOG_CHUNK_BYTES, {
        error: `expected at most ${MAX_LOG_CHUNK_BYTES} bytes`,
      }),
    /** Nothing follows. */
    last: z.boolean(),
  }),
] as const;

const acknowledgement = z.strictObject({ kind: z.literal("acknowledgement"), ...replyHeader });

const gridMessage = z.discriminatedUnion("kind", [...requests, ...streamMessages, ...replies, acknowledgement]);

type Message = z.output<typeof gridMessage>;
type Of<K extends Message["kind"]> = Readonly<Extract<Message, { readonly kind: K }>>;

/** A message between a user and a node about one contract. */
export type GridMessage = Readonly<Message>;
/** What a user asks of a node, which the node acknowledges and answers. */
export type GridRequest = Of<"deploy" | "update" | "delete" | "status" | "logs">;
/** "I am still here, and have all before `next`." */
export type LogsRenewal = Of<"logs-renew">;
/** What a node answers. The user acknowledges all but `progress`, which may be lost, and `log-chunk`, which it renews for. */
export type GridReply = Of<"progress" | "done" | "status-reply" | "refused" | "log-chunk">;
/** Logs from `sequence` on. */
export type LogChunk = Of<"log-chunk">;
/** "Heard": the other stops to send it again. */
export type GridAcknowledgement = Of<"acknowledgement">;

/** Canonical dag-cbor. @throws SprfError `INVALID_INPUT` for a message that no reader would accept */
export function encodeGridMessage(message: z.input<typeof gridMessage>): Uint8Array {
  const parsed = gridMessage.safeParse(message);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`;
    throw new SprfError("INVALID_INPUT", `not a message of the grid: ${reason}`, { cause: parsed.error });
  }
  const payload = encodeCanonical(withoutUndefined(parsed.data));
  if (payload.length > MAX_GRID_MESSAGE_BYTES) {
    throw new SprfError("INVALID_INPUT", `a message of ${payload.length} bytes, more than ${MAX_GRID_MESSAGE_BYTES}`);
  }
  return payload;
}

/** @throws SprfError `MESSAGE_INVALID` for anything that {@link encodeGridMessage} would not have made */
export function decodeGridMessage(payload: Uint8Array): GridMessage {
  if (payload.length > MAX_GRID_MESSAGE_BYTES) {
    throw invalidGridMessage(`${payload.length} bytes are more than ${MAX_GRID_MESSAGE_BYTES}`);
  }
  let value: unknown;
  try {
    value = decodeCanonical(payload);
  } catch (error) {
    throw invalidGridMessage("not canonical dag-cbor", error);
  }
  const parsed = gridMessage.safeParse(value);
  if (!parsed.success) throw invalidGridMessage("not of the form of any", parsed.error);
  return parsed.data;
}

/** For readers of these messages. */
export function invalidGridMessage(reason: string, cause?: unknown): SprfError {
  return new SprfError("MESSAGE_INVALID", `message of the grid refused: ${reason}`, { cause });
}
