import { readCallSignature, sessionRefusal, unpackSession } from "../domain/channel/sessions.ts";
import { MAX_CALL_GAS } from "../domain/channel/limits.ts";
import { isSprfError, SprfError } from "../errors.ts";
import { recoverSigner } from "../utils/recoverable-signature.ts";
import { callDigest, decodeCallInput, type SignedCall } from "../wire/channel/call.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { contentOf, type InboxEntry } from "../wire/channel/inbox-entry.ts";
import { MAX_CALLDATA_BYTES, MAX_SESSION_FUNCTIONS } from "../wire/channel/limits.ts";
import { decodeSessionInput, sessionDigest } from "../wire/channel/session.ts";
import type { InboxEffect, ProgramCall, RecordInput } from "./sandbox/record-input.ts";

/** What an input is held against. */
export interface InputContext {
  readonly domain: ChannelDomain;
  readonly channel: bigint;
  /** Of its record. */
  readonly timeMs: number;
  /** What the state says of a wallet's session key. */
  readonly sessionOf: (wallet: string, key: string) => bigint;
}

/**
 * The call in a record's input, if whoever it says has signed it, for this channel and time. Its nonce is for the sandbox to check.
 *
 * @throws SprfError `MESSAGE_INVALID`, `CHANNEL_FOREIGN_INPUT`, `CHANNEL_CALL_EXPIRED`, `CHANNEL_SIGNATURE_INVALID`
 */
export function readCall(input: Uint8Array, context: InputContext): ProgramCall {
  return authorise(decodeCallInput(input), context);
}

function authorise({ call, signature: field }: SignedCall, context: InputContext): ProgramCall {
  const { domain, channel, timeMs, sessionOf } = context;
  if (call.channel !== channel) throw new SprfError("CHANNEL_FOREIGN_INPUT", `a call of channel ${call.channel}`);
  if (call.validUntilMs < BigInt(timeMs)) {
    throw new SprfError("CHANNEL_CALL_EXPIRED", `the call was valid until ${call.validUntilMs}, and it is ${timeMs}`);
  }
  const { signature, functions } = readCallSignature(field);
  const signer = recoverSigner(callDigest(domain, call), signature);
  if (signer === undefined) throw new SprfError("CHANNEL_SIGNATURE_INVALID", "the call has no valid signature");
  const { sender, nonce, data, gasLimit } = call;
  if (signer === sender && functions.length === 0) return { sender, nonce, data, gasLimit };
  const session = unpackSession(sessionOf(sender, signer));
  const refusal = sessionRefusal(session, { functions, data, timeMs });
  if (refusal !== undefined) throw new SprfError("CHANNEL_SIGNATURE_INVALID", `the call is ${refusal}`);
  return { sender, nonce, data, gasLimit, sessionKey: signer };
}

/** The same for a session's input. @throws SprfError as {@link readCall} */
export function readSession(input: Uint8Array, { domain, channel }: InputContext): RecordInput {
  const session = decodeSessionInput(input);
  const said = session.what === "grant" ? session.grant : session.revoke;
  if (said.channel !== channel) throw new SprfError("CHANNEL_FOREIGN_INPUT", `a session of channel ${said.channel}`);
  if (recoverSigner(sessionDigest(domain, session), session.signature) !== said.wallet) {
    throw new SprfError("CHANNEL_SIGNATURE_INVALID", "the wallet has not signed this session");
  }
  const { wallet, key } = said;
  if (session.what === "revoke") {
    return { kind: "session", change: { type: "revoke", wallet, key, nonce: session.revoke.nonce } };
  }
  const { functions, expiryMs } = session.grant;
  if (functions.length > MAX_SESSION_FUNCTIONS) {
    throw new SprfError("CHANNEL_CALL_TOO_LARGE", `at most ${MAX_SESSION_FUNCTIONS} functions a session`);
  }
  return { kind: "session", change: { type: "grant", wallet, key, functions, expiryMs } };
}

/** What an entry of the inbox does to the program. */
export function effectOf(entry: InboxEntry, context: InputContext): InboxEffect {
  const content = contentOf(entry);
  const member = entry.account;
  switch (content.kind) {
    case "join":
      return { type: "join", member, assets: content.assets };
    case "leave":
    case "ban":
      return { type: "leave", member };
    case "close":
      return { type: "close" };
    case "forcedCall":
      try {
        return { type: "call", call: authorise(content.signedCall, context) };
      } catch (error) {
        if (!isSprfError(error)) throw error;
        return { type: "refused" };
      }
    default:
      return { type: "none" };
  }
}

/** What no leader takes although it could: a record that fails for its size. @throws SprfError `CHANNEL_CALL_TOO_LARGE` */
export function checkCallSize({ data, gasLimit }: ProgramCall): void {
  if (data.length > MAX_CALLDATA_BYTES) {
    throw new SprfError("CHANNEL_CALL_TOO_LARGE", `${data.length} bytes of calldata, at most ${MAX_CALLDATA_BYTES}`);
  }
  if (gasLimit > BigInt(MAX_CALL_GAS)) {
    throw new SprfError("CHANNEL_CALL_TOO_LARGE", `a gas limit of ${gasLimit}, at most ${MAX_CALL_GAS}`);
  }
}
