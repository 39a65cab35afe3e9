import { z } from "zod";

import type { ChannelDescription, ChannelReceipt, ChannelUpdate, ChannelView } from "../../ports/channel-service.ts";
import { fromHex, toHex } from "../../utils/bytes.ts";
import type { SignedCall } from "./call.ts";
import { MAX_CALLDATA_BYTES, MAX_MEMBERS, MAX_SESSION_FUNCTIONS } from "./limits.ts";
import type { SessionInput } from "./session.ts";

/** With the functions of a session key. */
const MAX_SIGNATURE_BYTES = 4 * 1024;
/** Of what the node sends. */
const MAX_RETURN_BYTES = 128 * 1024;
const MAX_ITEMS = 200_000;

const channelJson = z
  .string()
  .regex(/^[1-9]\d{0,77}$/, "expected a channel's number")
  .transform(BigInt);
const uintJson = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);
const accountJson = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "expected an account: 0x and 40 hex digits")
  .transform((account) => account.toLowerCase());
const timeJson = z.int().min(0);
const heightJson = z.int().min(0);
const subscriptionJson = z.int().min(1);
const bytes32Json = hexJson(32).refine((value) => value.length === 32, { error: "expected 32 bytes" });
const commitmentJson = z.enum(["leader-signed", "committed", "final"]);

/** `sender` and `state_channel_id` are the channel specification's names. */
const address = { sender: accountJson, state_channel_id: channelJson };

const callJson = z
  .object({
    ...address,
    nonce: uintJson,
    gasLimit: uintJson,
    validUntilMs: timeJson,
    data: hexJson(MAX_CALLDATA_BYTES),
    signature: hexJson(MAX_SIGNATURE_BYTES),
  })
  .transform(({ state_channel_id: channel, validUntilMs, signature, ...call }): SignedCall => {
    return { call: { channel, ...call, validUntilMs: BigInt(validUntilMs) }, signature };
  });

const grantJson = z
  .object({
    ...address,
    key: accountJson,
    functions: z.array(z.string().regex(/^0x[0-9a-f]{8}$/)).max(MAX_SESSION_FUNCTIONS),
    expiryMs: timeJson,
    signature: hexJson(MAX_SIGNATURE_BYTES),
  })
  .transform(({ state_channel_id: channel, sender: wallet, expiryMs, signature, ...grant }): SessionInput => {
    return { what: "grant", grant: { channel, wallet, ...grant, expiryMs: BigInt(expiryMs) }, signature };
  });

const revokeJson = z
  .object({ ...address, key: accountJson, nonce: uintJson, signature: hexJson(MAX_SIGNATURE_BYTES) })
  .transform(({ state_channel_id: channel, sender: wallet, signature, ...revoke }): SessionInput => {
    return { what: "revoke", revoke: { channel, wallet, ...revoke }, signature };
  });

/** What a client may ask, by method: the parameters as they arrive. */
export const PARAMS = {
  "state_channel.challenge": z.object({}),
  "state_channel.join": z.object({
    ...address,
    /** Either a signature of the last challenge, or the session that an earlier `join` gave. */
    signature: hexJson(MAX_SIGNATURE_BYTES).optional(),
    session: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
  "state_channel.call": callJson,
  "state_channel.grant": grantJson,
  "state_channel.revoke": revokeJson,
  "state_channel.read": z.object({ ...address, data: hexJson(MAX_CALLDATA_BYTES), height: heightJson.optional() }),
  "state_channel.describe": z.object(address),
  "state_channel.nonce": z.object(address),
  "state_channel.getTransaction": z.object({
    ...address,
    height: heightJson.optional(),
    nonce: uintJson.optional(),
  }),
  "state_channel.wait": z.object({
    ...address,
    height: heightJson,
    recordHash: bytes32Json,
    commitment: commitmentJson,
  }),
  "state_channel.subscribe": z.object({
    ...address,
    /** The client's own number for it, so that an update never comes before its number is known. */
    subscription: subscriptionJson,
    from: z.object({ height: heightJson, recordHash: bytes32Json }).optional(),
    commitment: z.enum(["leader-signed", "committed"]).optional(),
  }),
  "state_channel.unsubscribe": z.object({ subscription: subscriptionJson }),
  "state_channel.settle": z.object(address),
  "state_channel.leave": z.object(address),
  "state_channel.close": z.object(address),
} as const;

export type ChannelMethod = keyof typeof PARAMS;

const logJson = z.object({ topics: z.array(bytes32Json).max(4), data: hexJson(MAX_RETURN_BYTES) });
const changeJson = z.object({ slot: bytes32Json, before: bytes32Json, after: bytes32Json });
const receiptJson = z.object({
  height: heightJson,
  term: heightJson,
  timeMs: z.int().min(0),
  kind: z.enum(["initialize", "call", "tick", "inbox", "session", "term"]),
  sender: accountJson.optional(),
  nonce: uintJson.optional(),
  status: z.enum(["success", "failed", "over-limit"]),
  gasUsed: uintJson,
  returnData: hexJson(MAX_RETURN_BYTES),
  logs: z.array(logJson).max(MAX_ITEMS),
  changes: z.array(changeJson).max(MAX_ITEMS),
  recordHash: bytes32Json,
  stateRoot: bytes32Json,
  commitment: commitmentJson,
});
const descriptionJson = z.object({
  channel: channelJson,
  chainId: uintJson,
  hub: accountJson,
  app: accountJson,
  program: accountJson,
  members: z.array(z.object({ account: accountJson, joinNumber: z.int().min(1) })).max(1_024),
  head: z.object({
    term: heightJson,
    leader: accountJson,
    height: heightJson,
    committedHeight: heightJson,
    finalHeight: heightJson,
    timeMs: z.int().min(0),
  }),
  links: z.object({
    first: accountJson.optional(),
    second: accountJson.optional(),
    delayMs: z.int().min(0).optional(),
    roundTrips: z.array(z.object({ account: accountJson, ms: z.int().min(0) })).max(MAX_MEMBERS * 2),
    serves: z.array(accountJson).max(MAX_MEMBERS * 2),
    heard: z
      .array(z.object({ account: accountJson, agoMs: z.int().min(0) }))
      .max(MAX_MEMBERS * 2)
      .optional(),
  }),
  account: accountJson.optional(),
});

/** What the node answers, by what it is. */
export const RESULTS = {
  challenge: z.object({ challenge: bytes32Json }),
  joined: z.object({ session: z.string().regex(/^[0-9a-f]{64}$/), channel: descriptionJson }),
  receipt: receiptJson,
  view: z.object({
    height: heightJson,
    commitment: commitmentJson,
    status: z.enum(["success", "failed"]),
    returnData: hexJson(MAX_RETURN_BYTES),
  }),
  described: z.object({ channel: descriptionJson }),
  nonce: z.object({ nonce: uintJson }),
  found: z.object({ record: receiptJson.nullable() }),
  settled: z.object({ height: heightJson }),
  done: z.object({}),
} as const;

/** Method of the notification that carries what a subscriber hears. */
export const UPDATE_METHOD = "state_channel.update";

const updateJson = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("snapshot"),
    height: heightJson,
    recordHash: bytes32Json,
    stateRoot: bytes32Json,
    slots: z.array(z.object({ slot: bytes32Json, value: bytes32Json })).max(MAX_ITEMS),
  }),
  z.object({ type: z.literal("record"), record: receiptJson }),
  z.object({ type: z.literal("rollback"), toHeight: heightJson }),
  z.object({ type: z.literal("final"), height: heightJson }),
]);

/** Parameters of {@link UPDATE_METHOD}: an update, or the error that ended the subscription. */
export const NOTIFICATION = z.object({
  subscription: subscriptionJson,
  update: updateJson.optional(),
  ended: z.object({ code: z.int(), message: z.string() }).optional(),
});

/** A call as `state_channel.call` takes it. */
export function callToJson({ call: { channel, validUntilMs, ...call }, signature }: SignedCall): object {
  return jsonOf({ ...call, validUntilMs: Number(validUntilMs), signature, state_channel_id: channel });
}

/** Method and parameters for a session key's grant or end. */
export function sessionToJson(input: SessionInput): { readonly method: ChannelMethod; readonly params: object } {
  const { signature } = input;
  if (input.what === "grant") {
    const { channel, wallet, expiryMs, ...grant } = input.grant;
    const named = { sender: wallet, state_channel_id: channel, expiryMs: Number(expiryMs) };
    return { method: "state_channel.grant", params: jsonOf({ ...grant, ...named, signature }) };
  }
  const { channel, wallet, ...revoke } = input.revoke;
  const params = jsonOf({ ...revoke, sender: wallet, state_channel_id: channel, signature });
  return { method: "state_channel.revoke", params };
}

/** Bytes as 0x hex, large numbers as decimals, and the rest as it is. */
export function jsonOf(value: ChannelReceipt | ChannelDescription | ChannelUpdate | ChannelView | object): object {
  return plain(value) as object;
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]));
}

function hexJson(maxBytes: number): z.ZodType<Uint8Array, unknown> {
  return z
    .string()
    .max(2 + 2 * maxBytes)
    .regex(/^0x([0-9a-fA-F]{2})*$/, "expected hex digits, two for each byte, after 0x")
    .transform(fromHex);
}
