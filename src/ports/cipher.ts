/** Bytes that were sealed to us, and who sealed them. */
export interface OpenedBytes {
  readonly payload: Uint8Array;
  /** The key that signed them: 64 bytes, secp256k1, no prefix. */
  readonly signer: Uint8Array;
}

/**
 * Seals bytes to a message key and opens what was sealed to one's own, signed by the sender's message key. For what rests somewhere
 * (on the chain, in a content store); what travels over Waku is sealed by the messenger. Whoever opened a payload can seal the
 * signed whole to somebody else, so a payload says what it is and for whom.
 */
export interface Cipher {
  /** The holder's message key: 64 bytes. */
  readonly publicKey: Uint8Array;
  /** @throws SprfError `INVALID_INPUT` when `recipient` (64 bytes) is no key */
  sealTo(recipient: Uint8Array, payload: Uint8Array): Promise<Uint8Array>;
  /** What is sealed; undefined when it is damaged, unsigned or sealed to another key. Never rejects. */
  open(sealed: Uint8Array): Promise<OpenedBytes | undefined>;
}
