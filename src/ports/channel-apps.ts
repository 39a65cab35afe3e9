import type { ChannelInfo, HubOptions } from "./channel-hub.ts";

/** An asset that a channel holds: a token's address (zero for ether), and the id of one of its kind. */
export interface ChannelAsset {
  readonly token: string;
  /** 0 for ether and ERC-20. */
  readonly id: bigint;
}

/** How somebody joins. */
export interface JoinTerms {
  /** Address of the key that this member's node signs with, lower-case hex with 0x. */
  readonly signer: string;
  /** True: the stake is taken from the pool; else it is sent along. @default false */
  readonly fromPool?: boolean | undefined;
}

/**
 * The applications that come with SPRF (contracts/apps), as one account uses them. Every call throws SprfError
 * `CHAIN_UNREACHABLE`, and `CHAIN_REVERTED` with the contract's error in `context.error` when an app or the hub refuses.
 */
export interface ChannelApps {
  /** The app `Chat`; absent where the settings name none. */
  readonly chat?: string;
  /** The app `DocumentEditor`; absent where the settings name none. */
  readonly editor?: string;
  /** The app `LandCraft`; absent where the settings name none. */
  readonly land?: string;
  /** Opens a channel for a group of this account's; resolves with the channel. @throws SprfError `CONFIG_INVALID` without the app */
  openChat(chat: { readonly group: bigint; readonly title: string }, options?: HubOptions): Promise<bigint>;
  /** Opens a channel for a document of this account's; resolves with the channel. @throws SprfError `CONFIG_INVALID` without the app */
  openDocument(
    document: { readonly file: bigint; readonly title: string; readonly text: string },
    options?: HubOptions,
  ): Promise<bigint>;
  /** Opens a channel for a land of this account's; resolves with the channel. @throws SprfError `CONFIG_INVALID` without the app */
  openLand(land: bigint, options?: HubOptions): Promise<bigint>;
  /**
   * Joins this account to a channel of such an app, with its own consent. To a land it goes with its hero, which it is given first where
   * it has got none, and with all things that it has; the app may take both from it then.
   */
  join(channel: ChannelInfo, terms: JoinTerms, options?: HubOptions): Promise<void>;
  /** Ends a channel of such an app; its server or drive only. */
  close(channel: ChannelInfo, options?: HubOptions): Promise<void>;
  /** Assets that this account may have in a channel of such an app, besides ether. */
  assetsOf(channel: ChannelInfo, options?: HubOptions): Promise<readonly ChannelAsset[]>;
  /** Brings what a closed channel was opened for back to where it comes from; does nothing where there is nothing to bring. */
  bringBack(channel: ChannelInfo, options?: HubOptions): Promise<void>;
}
