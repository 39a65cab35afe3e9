/** Connections to peers whose identity is known beforehand. */
export interface PeerDialer {
  /**
   * Connects to `multiaddr` and makes sure that the holder of `expectedKey` (64-byte message key) answers there.
   *
   * @throws SprfError `PEER_MISMATCH` when somebody else answers, `PEER_UNREACHABLE` when nobody does,
   * `INVALID_INPUT` when the address is none.
   */
  dialVerified(
    multiaddr: string,
    expectedKey: Uint8Array,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<void>;
}
