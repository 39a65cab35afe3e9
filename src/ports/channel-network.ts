import type { Startable } from "./startable.ts";

/** Who hears what a network brings. Senders are those that the link's encryption has proved. */
export interface ChannelListener {
  /**
   * The next message of the same sender waits until this resolves, and urgent ones for urgent ones only; rejecting is logged and changes
   * nothing.
   */
  onMessage(from: string, message: Uint8Array): Promise<void>;
  /** Messages can be sent to a peer from now on, or no longer: those under way may be lost. */
  onLink(peer: string, isUp: boolean): void;
}

/** How a message travels. */
export interface SendOptions {
  /**
   * It is short and waits for none that is not urgent, so that a busy link does not look dead. Urgent messages keep their order among
   * themselves and may be lost while the link stays up. @default false
   */
  readonly isUrgent?: boolean | undefined;
}

/**
 * Links to the other nodes of a channel. Peers are named by their signers' addresses (lower-case hex with 0x). Messages of one link
 * arrive in order or the link goes down; it comes up again by itself.
 */
export interface ChannelNetwork extends Startable {
  /** One's own signer. */
  readonly self: string;
  /** One at a time; set before the start. */
  listen(listener: ChannelListener): void;
  /** With whom to have a link; others are refused. */
  keepLinks(peers: ReadonlySet<string>): void;
  /** False when the message cannot be taken: the link is down, or has as much to send as it may hold. */
  send(to: string, message: Uint8Array, options?: SendOptions): boolean;
}
