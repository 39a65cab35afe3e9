import type { SignedCall } from "../wire/channel/call.ts";
import type { SessionInput } from "../wire/channel/session.ts";
import type {
  ChannelDescription,
  ChannelReceipt,
  ChannelUpdate,
  ChannelView,
  Commitment,
  SubscribeOptions,
} from "./channel-service.ts";

export interface ChannelConnectionOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * One wallet's way to one channel through a node. It connects again by itself; what was asked while the node was away is
 * rejected with `PEER_UNREACHABLE`, and may be asked again. Errors that the node answers keep their code.
 */
export interface ChannelConnection {
  /** What the node said of the channel when it was joined last. */
  readonly description: ChannelDescription;
  /** What the node says of it now. */
  describe(options?: ChannelConnectionOptions): Promise<ChannelDescription>;
  call(call: SignedCall, options?: ChannelConnectionOptions): Promise<ChannelReceipt>;
  session(input: SessionInput, options?: ChannelConnectionOptions): Promise<ChannelReceipt>;
  read(
    view: { readonly data: Uint8Array; readonly height?: number },
    options?: ChannelConnectionOptions,
  ): Promise<ChannelView>;
  nonce(options?: ChannelConnectionOptions): Promise<bigint>;
  transaction(
    by: { readonly height: number } | { readonly nonce: bigint },
    options?: ChannelConnectionOptions,
  ): Promise<ChannelReceipt | undefined>;
  wait(
    record: { readonly height: number; readonly recordHash: Uint8Array },
    commitment: Commitment,
    options?: ChannelConnectionOptions,
  ): Promise<void>;
  /** Ends with an error when the connection is lost. */
  subscribe(options: SubscribeOptions): AsyncIterable<ChannelUpdate>;
  settle(options?: ChannelConnectionOptions): Promise<number>;
  leave(options?: ChannelConnectionOptions): Promise<void>;
  close(options?: ChannelConnectionOptions): Promise<void>;
  /** Hangs up; safe to repeat. */
  disconnect(): Promise<void>;
}
