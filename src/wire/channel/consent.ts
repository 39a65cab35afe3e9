import { digestOf, type ChannelDomain } from "./domain.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** A member's account agrees to join a channel, and names who signs for it there. */
export interface JoinConsent {
  readonly channel: bigint;
  readonly app: string;
  readonly program: string;
  readonly member: string;
  readonly signer: string;
  /** The staking pool, or the zero address when the app brings the stake. */
  readonly stakeSource: string;
  readonly maxStake: bigint;
  /** Seconds since the Unix epoch, as block times are. */
  readonly deadline: number;
}

const TYPE_HASH = typeHashOf("JoinConsent");
const words = createWords(9);

export function hashJoinConsent(consent: JoinConsent): Uint8Array {
  return words
    .begin()
    .bytes32(TYPE_HASH)
    .uint(consent.channel)
    .address(consent.app)
    .address(consent.program)
    .address(consent.member)
    .address(consent.signer)
    .address(consent.stakeSource)
    .uint(consent.maxStake)
    .number(consent.deadline)
    .hash();
}

/** What the member's account signs. */
export function joinConsentDigest(domain: ChannelDomain, consent: JoinConsent): Uint8Array {
  return digestOf(domain, hashJoinConsent(consent));
}
