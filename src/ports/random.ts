/** Randomness as services see it; the real one is cryptographic. */
export interface Random {
  bytes(length: number): Uint8Array;
}
