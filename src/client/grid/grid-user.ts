import type { GridMessaging } from "../../messaging/grid-identity.ts";
import type { Chain } from "../../ports/chain.ts";
import type { Cipher } from "../../ports/cipher.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { GridContracts } from "../../ports/grid-contracts.ts";
import type { GridQuotes } from "../../ports/grid-quotes.ts";
import type { GridRegistry } from "../../ports/grid-registry.ts";
import type { PeerDialer } from "../../ports/peer-dialer.ts";
import type { Store } from "../../ports/store.ts";

/** The grid as one account sees it on the chain. */
export interface GridOnChain {
  readonly chain: Pick<Chain, "account" | "twin" | "twinOf">;
  readonly registry: GridRegistry;
  readonly contracts: GridContracts;
  readonly quotes: GridQuotes;
  /** Opens the data that this account put on the chain. */
  readonly cipher: Cipher;
}

/** A user of the grid: one account, its twin's message key, and a way to nodes. */
export interface GridUser extends GridOnChain, GridMessaging {
  /** Keeps what a deployment that was interrupted is finished with. */
  readonly store: Store;
  readonly content: Pick<ContentStore, "putFile" | "unpin">;
  /** By which nodes are reached that fetch content from here. */
  readonly dialer: PeerDialer;
}

/** What every call takes. */
export interface GridCallOptions {
  readonly signal?: AbortSignal | undefined;
}
