import { ADDRESS_VERSION } from "../../src/wire/address.ts";
import type { AddressAcknowledgement, AddressReply, AddressRequest } from "../../src/wire/address.ts";
import { replyTopicOf } from "../../src/wire/topics.ts";
import { messageKeysOf } from "./message-keys.ts";

export const ASKED_AT_MS = 1_800_000_000_000;

/** A request of "client" to "worker" that is valid at {@link ASKED_AT_MS}. */
export function exampleRequest(changes: Partial<AddressRequest> = {}): AddressRequest {
  return { kind: "address-request", ...header("client", "worker", 1), ...replyAt(), ...changes };
}

export function exampleReply(changes: Partial<AddressReply> = {}): AddressReply {
  return {
    kind: "address-reply",
    ...header("worker", "client", 2),
    inReplyTo: new Uint8Array(16).fill(1),
    apiUrl: "http://127.0.0.1:8080/",
    ledgerKey: new Uint8Array(32).fill(9),
    multiaddrs: ["/ip4/127.0.0.1/tcp/4001"],
    ...changes,
  };
}

export function exampleAcknowledgement(changes: Partial<AddressAcknowledgement> = {}): AddressAcknowledgement {
  const inReplyTo = new Uint8Array(16).fill(1);
  return { kind: "address-acknowledgement", ...header("client", "worker", 3), inReplyTo, ...changes };
}

function replyAt(): Pick<AddressRequest, "replyTopic" | "replyKey"> {
  return { replyTopic: replyTopicOf(new Uint8Array(16).fill(5)), replyKey: messageKeysOf("ephemeral").publicKey };
}

function header(
  from: string,
  to: string,
  id: number,
): Pick<AddressRequest, "version" | "id" | "to" | "from" | "agreement" | "issuedAt" | "expiresAt"> {
  return {
    version: ADDRESS_VERSION,
    id: new Uint8Array(16).fill(id),
    to: messageKeysOf(to).publicKey,
    from: messageKeysOf(from).publicKey,
    agreement: new Uint8Array(20).fill(3),
    issuedAt: ASKED_AT_MS,
    expiresAt: ASKED_AT_MS + 60_000,
  };
}
