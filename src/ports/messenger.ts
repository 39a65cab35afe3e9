import type { Startable } from "./startable.ts";

/** A decrypted message whose signature was recovered; both say nothing about freshness or about its recipient. */
export interface ReceivedMessage {
  readonly payload: Uint8Array;
  /** The key that signed it: 64 bytes, secp256k1, no prefix. */
  readonly signer: Uint8Array;
}

/**
 * Encrypted and signed messages by topic (Waku, payload version 1). Best effort: messages can be lost, doubled and
 * re-ordered, a recipient can pass one on, and neither topic nor time is authenticated. `wire/` gives payloads what they need.
 */
export interface Messenger extends Startable {
  /**
   * Encrypts to `recipient` (64-byte secp256k1 key), signs with this node's message key and publishes.
   *
   * @returns how many peers took it; 0 means that nobody did.
   * @throws SprfError `MESSAGE_TOO_LARGE`
   */
  publish(
    message: { readonly topic: string; readonly recipient: Uint8Array; readonly payload: Uint8Array },
    options?: { signal?: AbortSignal | undefined },
  ): Promise<{ readonly recipients: number }>;
  /**
   * Hands over each message on `topic` that `privateKey` (32 bytes) decrypts and that is signed. A handler that throws or
   * rejects is logged and harms nothing else.
   *
   * @returns ends the subscription.
   */
  subscribe(
    subscription: { readonly topic: string; readonly privateKey: Uint8Array },
    handler: (message: ReceivedMessage) => void | Promise<void>,
  ): Promise<() => Promise<void>>;
  /** Resolves when at least one peer relays for us. */
  ready(options?: { signal?: AbortSignal | undefined }): Promise<void>;
}
