import { z } from "zod";

import { SprfError } from "../errors.ts";
import { equalBytes } from "../utils/bytes.ts";
import { PUBLIC_KEY_BYTES, isPublicKey } from "../utils/secp256k1.ts";
import { decodeCanonical, encodeCanonical } from "./canonical.ts";
import { isReplyTopic } from "./topics.ts";

/** Version of these messages. */
export const ADDRESS_VERSION = 1;
/** The largest payload of an address message, before encryption. */
export const MAX_ADDRESS_BYTES = 8 * 1024;
/** A message is valid for at most so long. */
export const MAX_ADDRESS_LIFETIME_MS = 60_000;
/** By how much clocks may differ. */
export const MAX_CLOCK_SKEW_MS = 30_000;
const MAX_API_URL_LENGTH = 256;
const MAX_MULTIADDRS = 16;
const MAX_MULTIADDR_LENGTH = 256;
export const MESSAGE_ID_BYTES = 16;
const LEDGER_KEY_BYTES = 32;
const AGREEMENT_BYTES = 20;

const MULTIADDR =
  /^\/(?:ip4|ip6|dns|dns4|dns6)\/[0-9a-zA-Z.:-]{1,128}\/tcp\/\d{1,5}(?:\/wss?)?(?:\/p2p\/[0-9a-zA-Z]{1,64})?$/;

/** Where a libp2p node listens. */
export const multiaddrsSchema = z.array(z.string().max(MAX_MULTIADDR_LENGTH).regex(MULTIADDR)).max(MAX_MULTIADDRS);

/** Of the addresses at which a node listens, what a message takes: a host with many networks has more than anybody needs. */
export function announcedMultiaddrs(addresses: readonly string[]): string[] {
  return addresses
    .filter((address) => address.length <= MAX_MULTIADDR_LENGTH && MULTIADDR.test(address))
    .slice(0, MAX_MULTIADDRS);
}

const bytes = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length === length, {
    error: `expected ${length} bytes`,
  });
const messageKey = bytes(PUBLIC_KEY_BYTES).refine(isPublicKey, { error: "expected a secp256k1 key" });
const milliseconds = z.int().min(0);

const header = {
  version: z.literal(ADDRESS_VERSION),
  /** Random; a message that is sent again keeps it. */
  id: bytes(MESSAGE_ID_BYTES),
  /** Message key of whom it is for: the envelope's recipient is not authenticated. */
  to: messageKey,
  /** Message key of who wrote and signed it. */
  from: messageKey,
  /** The agreement under which the sender asks or answers. */
  agreement: bytes(AGREEMENT_BYTES).refine((value) => value.some((byte) => byte !== 0), {
    error: "expected an address",
  }),
  issuedAt: milliseconds,
  expiresAt: milliseconds,
};

const addressRequest = z.strictObject({
  kind: z.literal("address-request"),
  ...header,
  /** Where to answer, and the ephemeral key to which the answer is encrypted. */
  replyTopic: z.string().refine(isReplyTopic, { error: "expected a reply topic" }),
  replyKey: messageKey,
});

const addressReply = z.strictObject({
  kind: z.literal("address-reply"),
  ...header,
  inReplyTo: bytes(MESSAGE_ID_BYTES),
  apiUrl: z.string().max(MAX_API_URL_LENGTH).refine(isHttpUrl, { error: "expected an http(s) URL" }),
  /** Public key (ed25519) of the worker on the ledger. */
  ledgerKey: bytes(LEDGER_KEY_BYTES),
  multiaddrs: multiaddrsSchema,
});

const addressAcknowledgement = z.strictObject({
  kind: z.literal("address-acknowledgement"),
  ...header,
  inReplyTo: bytes(MESSAGE_ID_BYTES),
});

const addressMessage = z.discriminatedUnion("kind", [addressRequest, addressReply, addressAcknowledgement]);

/** "Where are you?", from a client or a drawn tester to a worker. */
export type AddressRequest = Readonly<z.output<typeof addressRequest>>;
/** "Here", encrypted to the ephemeral key of the request. */
export type AddressReply = Readonly<z.output<typeof addressReply>>;
/** "Heard", so that the worker stops to send its reply again. */
export type AddressAcknowledgement = Readonly<z.output<typeof addressAcknowledgement>>;
export type AddressMessage = AddressRequest | AddressReply | AddressAcknowledgement;

/**
 * The payload of a message: canonical dag-cbor.
 *
 * @throws SprfError `INVALID_INPUT` for a message that no reader would accept
 */
export function encodeAddressMessage(message: AddressMessage): Uint8Array {
  const parsed = addressMessage.safeParse(message);
  if (!parsed.success) {
    const reason = z.prettifyError(parsed.error).replaceAll("\n", " ");
    throw new SprfError("INVALID_INPUT", `not an address message: ${reason}`, { cause: parsed.error });
  }
  return encodeCanonical(parsed.data);
}

/** @throws SprfError `MESSAGE_INVALID` for anything that {@link encodeAddressMessage} would not have made */
export function decodeAddressMessage(payload: Uint8Array): AddressMessage {
  if (payload.length > MAX_ADDRESS_BYTES) throw invalid(`${payload.length} bytes are more than ${MAX_ADDRESS_BYTES}`);
  let value: unknown;
  try {
    value = decodeCanonical(payload);
  } catch (error) {
    throw invalid("not canonical dag-cbor", error);
  }
  const parsed = addressMessage.safeParse(value);
  if (!parsed.success) throw invalid(z.prettifyError(parsed.error).replaceAll("\n", " "), parsed.error);
  return parsed.data;
}

export interface AddressContext {
  readonly nowMs: number;
  /** The reader's own message key. */
  readonly self: Uint8Array;
}

/**
 * The message in `payload`, if it is for `self`, written by `signer` and fresh. Whether it was seen before is for the caller to know.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyAddressMessage(payload: Uint8Array, signer: Uint8Array, context: AddressContext): AddressMessage {
  const message = decodeAddressMessage(payload);
  if (!equalBytes(message.to, context.self)) throw invalid("for somebody else");
  if (!equalBytes(message.from, signer)) throw invalid("signed by another key than its sender's");
  const lifetimeMs = message.expiresAt - message.issuedAt;
  if (lifetimeMs <= 0 || lifetimeMs > MAX_ADDRESS_LIFETIME_MS) throw invalid(`a lifetime of ${lifetimeMs} ms`);
  if (message.issuedAt > context.nowMs + MAX_CLOCK_SKEW_MS) throw invalid("from the future");
  if (message.expiresAt + MAX_CLOCK_SKEW_MS < context.nowMs) throw invalid("expired");
  return message;
}

/**
 * The request in `payload`: {@link verifyAddressMessage}, and a request.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyAddressRequest(payload: Uint8Array, signer: Uint8Array, context: AddressContext): AddressRequest {
  const message = verifyAddressMessage(payload, signer, context);
  if (message.kind !== "address-request") throw invalid(`expected a request, not ${message.kind}`);
  return message;
}

/**
 * The reply in `payload`, if it answers `request` and comes from whom that was sent to.
 *
 * @throws SprfError `MESSAGE_INVALID`
 */
export function verifyAddressReply(
  payload: Uint8Array,
  signer: Uint8Array,
  { nowMs, request }: { readonly nowMs: number; readonly request: AddressRequest },
): AddressReply {
  const message = verifyAddressMessage(payload, signer, { nowMs, self: request.from });
  if (message.kind !== "address-reply") throw invalid(`expected a reply, not ${message.kind}`);
  if (!equalBytes(message.from, request.to)) throw invalid("a reply of somebody who was not asked");
  if (!equalBytes(message.inReplyTo, request.id)) throw invalid("a reply to another request");
  if (!equalBytes(message.agreement, request.agreement)) throw invalid("a reply under another agreement");
  return message;
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && username === "" && password === "";
}

function invalid(reason: string, cause?: unknown): SprfError {
  return new SprfError("MESSAGE_INVALID", `address message refused: ${reason}`, { cause });
}
