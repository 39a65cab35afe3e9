import type { Evidence } from "./channel-court.ts";
import type { ProofDesk } from "./channel-challenges.ts";
import type { HubOptions } from "./channel-hub.ts";

/** Who watches channels for members that are offline, and is paid for it (contracts/interfaces/IChannelWatch.sol). */
export interface ChannelWatch extends ProofDesk {
  readonly address: string;
  /** Bans a member by what it signed; paid for the ban. */
  convict(channel: bigint, member: string, evidence: Evidence, options?: HubOptions): Promise<void>;
  /** What a channel's watchers can be paid of. */
  fundWei(channel: bigint, options?: HubOptions): Promise<bigint>;
  /** Adds to it. */
  give(channel: bigint, amountWei: bigint, options?: HubOptions): Promise<void>;
  /** Takes this account's share of what is left of a closed channel's fund; resolves with it. */
  takeBack(channel: bigint, options?: HubOptions): Promise<void>;
  /** Names whose node may follow the channel for this account; absent: nobody's any more. */
  appoint(channel: bigint, signer: string | undefined, options?: HubOptions): Promise<void>;
  /** Signers that members have named, lower-case. */
  watchers(channel: bigint, options?: HubOptions): Promise<readonly string[]>;
  /** What this account has earned and not withdrawn. */
  creditWei(options?: HubOptions): Promise<bigint>;
  withdraw(options?: HubOptions): Promise<void>;
}
