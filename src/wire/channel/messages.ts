import { z } from "zod";

import { SprfError } from "../../errors.ts";
import { decodeCanonical, encodeCanonical } from "../canonical.ts";
import { bytesUpTo, uint64Schema } from "../primitives.ts";
import { withoutUndefined } from "../without-undefined.ts";
import {
  MAX_ACKS,
  MAX_CHANNEL_MESSAGE_BYTES,
  MAX_HISTORY_BATCHES,
  MAX_DELAY_MS,
  MAX_INPUT_BYTES,
  MAX_BATCH_BYTES,
  MAX_SNAPSHOT_PARTS,
  SNAPSHOT_PART_BYTES,
} from "./limits.ts";
import {
  certificateSchema,
  countSchema,
  electionSchema,
  hashSchema,
  headerSchema,
  punishmentSchema,
  settlementSchema,
  signatureSchema,
  signedBatchSchema,
  type Loose,
} from "./schemas.ts";

/** Version of these messages; one with another is dropped. */
const CHANNEL_MESSAGE_VERSION = 1;
const MAX_DETAIL_LENGTH = 512;

const header = { version: z.literal(CHANNEL_MESSAGE_VERSION), channel: uint64Schema };

const channelMessage = z.discriminatedUnion("kind", [
  /** Where a node stands: when a link opens, and when somebody asks. */
  z.strictObject({
    kind: z.literal("status"),
    ...header,
    term: countSchema,
    height: countSchema,
    recordHash: hashSchema,
    /** The highest that it holds. */
    certificate: certificateSchema.optional(),
    /** "Tell me where you stand." */
    asks: z.boolean(),
  }),
  /** "I am there, in this term": of a leader only while it hears a quorum. */
  z.strictObject({
    kind: z.literal("heartbeat"),
    ...header,
    term: countSchema,
    /** Its number, which the receiver sends back: absent where nobody measures. */
    id: countSchema.optional(),
    /** How long records are on their way from the leader to the sender; absent where it does not know. */
    delayMs: z.int().min(0).max(MAX_DELAY_MS).optional(),
    /** Of a leader's head, where relays bring its records: whether they do. */
    height: countSchema.optional(),
  }),
  /** The answer to a heartbeat, at once. */
  z.strictObject({ kind: z.literal("echo"), ...header, id: countSchema }),
  /** "Send me records as you get them", or only where you stand, from now on; again with each heartbeat. */
  z.strictObject({ kind: z.literal("path"), ...header, wants: z.enum(["records", "heads", "nothing"]) }),
  /** The answer of one who is no relay, or has enough of them to serve. */
  z.strictObject({ kind: z.literal("path-refused"), ...header }),
  /** Where a relay stands, for who compares it with what another one brings. */
  z.strictObject({
    kind: z.literal("head"),
    ...header,
    /** Of the record. */
    term: countSchema,
    height: countSchema,
    recordHash: hashSchema,
    committed: countSchema,
  }),
  /** "Would you go to this term with me?", and the answer, which has `agrees` and promises nothing. */
  z.strictObject({ kind: z.literal("pre-vote"), ...header, term: countSchema, agrees: z.boolean().optional() }),
  /** "Go to this term with me, and sign where you stand." */
  z.strictObject({ kind: z.literal("candidacy"), ...header, term: countSchema }),
  /** A `LeaderChange` for whom it is sent to, with the certificate that it names. */
  z.strictObject({
    kind: z.literal("leader-change"),
    ...header,
    term: countSchema,
    certifiedTerm: countSchema,
    certifiedHeight: countSchema,
    head: countSchema,
    signature: signatureSchema,
    certificate: certificateSchema.optional(),
  }),
  /** A user's call or session on its way to the leader. */
  z.strictObject({
    kind: z.literal("input"),
    ...header,
    /** The sender's number for it; the answer has it too. */
    id: countSchema,
    recordKind: z.union([z.literal(1), z.literal(4)]),
    input: bytesUpTo(MAX_INPUT_BYTES),
  }),
  z.strictObject({
    kind: z.literal("receipt"),
    ...header,
    id: countSchema,
    /** Where it stands in the leader's log; absent when it was refused. */
    height: countSchema.optional(),
    /** A code of `src/errors.ts`. */
    refusal: z.string().max(64).optional(),
    detail: z.string().max(MAX_DETAIL_LENGTH).optional(),
  }),
  /** New records of the leader, and what it knows to be certified. */
  z.strictObject({
    kind: z.literal("batch"),
    ...header,
    batch: signedBatchSchema.optional(),
    certificate: certificateSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal("acks"),
    ...header,
    term: countSchema,
    acks: z
      .array(
        z.strictObject({
          height: countSchema,
          recordHash: hashSchema,
          certified: countSchema,
          signature: signatureSchema,
        }),
      )
      .min(1)
      .max(MAX_ACKS),
  }),
  /** "What comes after this record of mine?" */
  z.strictObject({ kind: z.literal("sync"), ...header, height: countSchema, recordHash: hashSchema }),
  z.strictObject({
    kind: z.literal("history"),
    ...header,
    batches: z
      .array(signedBatchSchema)
      .max(MAX_HISTORY_BATCHES)
      .refine(
        (batches) =>
          batches.flatMap(({ records }) => records).reduce((sum, { length }) => sum + length, 0) <= MAX_BATCH_BYTES,
        { error: `expected at most ${MAX_BATCH_BYTES} bytes` },
      ),
    certificate: certificateSchema.optional(),
    /** Who leads the newest term that the sender knows; absent in the first. */
    election: electionSchema.optional(),
    /** Whether more follows after these. */
    more: z.boolean(),
  }),
  /** What was asked for is no longer kept, or would take too long to play: this is. */
  z.strictObject({
    kind: z.literal("snapshot"),
    ...header,
    /** Of a record that is final on the chain, or it is worth nothing. */
    header: headerSchema,
    /** Who leads its term; absent in the first. */
    election: electionSchema.optional(),
    parts: z.int().min(1).max(MAX_SNAPSHOT_PARTS),
  }),
  z.strictObject({ kind: z.literal("part-request"), ...header, height: countSchema, part: countSchema }),
  z.strictObject({
    kind: z.literal("part"),
    ...header,
    height: countSchema,
    part: countSchema,
    bytes: bytesUpTo(SNAPSHOT_PART_BYTES),
  }),
  /** "Check this and vote." */
  z.strictObject({
    kind: z.literal("proposal"),
    ...header,
    settlement: settlementSchema.optional(),
    punishment: punishmentSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal("vote"),
    ...header,
    proposalHash: hashSchema,
    option: z.int().min(0).max(2),
    signature: signatureSchema,
  }),
]);

type Message = z.output<typeof channelMessage>;

/** A message between nodes of a channel. */
export type ChannelMessage = Loose<Message>;
/** The one of a kind. */
export type ChannelMessageOf<K extends Message["kind"]> = Extract<ChannelMessage, { readonly kind: K }>;
/** What a sender writes: the header is put to it. */
export type ChannelMessageBody = WithoutHeader<ChannelMessage>;
type WithoutHeader<T> = T extends unknown ? Omit<T, "version" | "channel"> : never;

/** Canonical dag-cbor. @throws SprfError `INTERNAL` for a message that is larger than a reader takes */
export function encodeChannelMessage(channel: bigint, body: ChannelMessageBody): Uint8Array {
  const payload = encodeCanonical(withoutUndefined({ version: CHANNEL_MESSAGE_VERSION, channel, ...body }));
  if (payload.length > MAX_CHANNEL_MESSAGE_BYTES) {
    throw new SprfError(
      "INTERNAL",
      `a ${body.kind} of ${payload.length} bytes, more than ${MAX_CHANNEL_MESSAGE_BYTES}`,
    );
  }
  return payload;
}

/** @throws SprfError `MESSAGE_INVALID` for anything that is no message of a channel */
export function decodeChannelMessage(payload: Uint8Array): ChannelMessage {
  if (payload.length > MAX_CHANNEL_MESSAGE_BYTES) {
    throw new SprfError("MESSAGE_INVALID", `a message of ${payload.length} bytes`);
  }
  const parsed = channelMessage.safeParse(decodeCanonical(payload));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`;
    throw new SprfError("MESSAGE_INVALID", `not a message of a channel: ${reason}`, { cause: parsed.error });
  }
  return parsed.data;
}
