import type { ChannelAsset } from "./system-calls.ts";

/** A call of the program whose signature has been verified. Addresses are hex with `0x`. */
export interface ProgramCall {
  /** The account that the call is of, also when a session key signed it. */
  readonly sender: string;
  readonly nonce: bigint;
  readonly data: Uint8Array;
  readonly gasLimit: bigint;
  /** The key that signed for the sender: its grant then belongs to what the record touched. */
  readonly sessionKey?: string;
}

/** What an entry of the hub's inbox does to a program. Entries that concern the members alone are `none`. */
export type InboxEffect =
  | { readonly type: "join"; readonly member: string; readonly assets: readonly ChannelAsset[] }
  | { readonly type: "leave"; readonly member: string }
  | { readonly type: "close" }
  | { readonly type: "call"; readonly call: ProgramCall }
  /** A forced call that is invalid whatever the state is: it has no valid signature, or is late. */
  | { readonly type: "refused" }
  | { readonly type: "none" };

/** A wallet's word about a session key, its signature verified. */
export type SessionChange =
  | {
      readonly type: "grant";
      readonly wallet: string;
      readonly key: string;
      readonly expiryMs: bigint;
      /** Selectors in hex that the key may call; none for all. */
      readonly functions: readonly string[];
    }
  | { readonly type: "revoke"; readonly wallet: string; readonly key: string; readonly nonce: bigint };

/** What a record plays. */
export type RecordInput =
  | { readonly kind: "initialize"; readonly state: Uint8Array }
  | { readonly kind: "call"; readonly call: ProgramCall }
  | { readonly kind: "tick" }
  | { readonly kind: "inbox"; readonly effect: InboxEffect }
  | { readonly kind: "session"; readonly change: SessionChange }
  | { readonly kind: "term" };
