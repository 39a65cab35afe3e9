/** What one network fixes for all its ledgers; amounts are stroops (1 XLM = 10,000,000 stroops). */
export interface LedgerParameters {
  readonly networkPassphrase: string;
  /** Protocol version written into headers; the rules are those of protocol 19, later versions only change the header. */
  readonly protocolVersion: number;
  /** Minimum fee of one operation. */
  readonly baseFeeStroops: bigint;
  /** Reserve of one ledger entry; an account itself counts as two. */
  readonly baseReserveStroops: bigint;
  /** Operations that fit into one ledger; surge pricing starts 100 below. */
  readonly maxOperationsPerLedger: number;
}

/** All coins that exist from the first ledger on: 100 billion XLM, held by the root account and the fee pool together. */
export const TOTAL_COINS_STROOPS = 1_000_000_000_000_000_000n;

export const INT64_MAX = 9_223_372_036_854_775_807n;

/** Operations that one transaction may hold (Stellar XDR, `MAX_OPS_PER_TX`). */
export const MAX_OPERATIONS_PER_TRANSACTION = 100;

/** Signers that one account may have besides its master key. */
export const MAX_SIGNERS = 20;

/** Subentries (signers and data entries) that one account may own, sponsored ones included. */
export const MAX_SUBENTRIES = 1000;

/** First sequence number of an account that is created in the ledger. */
export function startingSequenceNumber(ledgerSequence: number): bigint {
  return BigInt(ledgerSequence) << 32n;
}
