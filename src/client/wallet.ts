import type { Keypair } from "@stellar/stellar-sdk";

/** Who pays for executions: an account and the keys that sign for it. */
export interface Wallet {
  /** `G...` */
  readonly account: string;
  /** The account's own key first; more of them for a multi-signature account. */
  readonly signers: readonly [Keypair, ...Keypair[]];
}

/** The wallet of an ordinary account with one key. */
export function walletOf(keypair: Keypair): Wallet {
  return { account: keypair.publicKey(), signers: [keypair] };
}
