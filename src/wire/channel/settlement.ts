import { concatBytes } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { recoverSigner, signDigest } from "../../utils/recoverable-signature.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { merkleRoot } from "./merkle.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** How a settlement reaches the chain: each changed slot, or the root alone. */
export const SETTLEMENT_MODES = { slots: 0, root: 1 } as const;
/** What a vote says. */
export const VOTE_OPTIONS = { against: 0, for: 1, abstain: 2 } as const;
/** What a member is accused of. */
export const PUNISHMENT_REASONS = {
  wrongResult: 1,
  wrongOrder: 2,
  forgedInput: 3,
  silent: 4,
  equivocation: 5,
} as const;
/** Slots of one chunk of a change set. */
export const CHUNK_CHANGES = 256;

/** What a channel came to between two heights, of which `fromHeight` is settled and not within. */
export interface Settlement {
  readonly channel: bigint;
  readonly fromHeight: number;
  readonly toHeight: number;
  /** Of the record at `toHeight`. */
  readonly timeMs: number;
  /** Its hash. */
  readonly head: Uint8Array;
  /** Merkle root over the hashes of the records from `fromHeight` + 1 to `toHeight`. */
  readonly recordsRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
  readonly changesRoot: Uint8Array;
  readonly inboxCursor: number;
  /** One of {@link SETTLEMENT_MODES}. */
  readonly mode: number;
}

/** A slot before the first and after the last record of a settlement; 32 bytes each. */
export interface Change {
  readonly slot: Uint8Array;
  readonly oldValue: Uint8Array;
  readonly newValue: Uint8Array;
}

/** An accusation that members vote about. */
export interface Punishment {
  readonly channel: bigint;
  readonly term: number;
  /** The member's account. */
  readonly target: string;
  readonly height: number;
  readonly recordHash: Uint8Array;
  /** One of {@link PUNISHMENT_REASONS}. */
  readonly reason: number;
}

/** What a member's signer says of a proposal. */
export interface Vote {
  readonly channel: bigint;
  /** Struct hash of the settlement or punishment. */
  readonly proposalHash: Uint8Array;
  /** One of {@link VOTE_OPTIONS}. */
  readonly option: number;
}

const SETTLEMENT_TYPE_HASH = typeHashOf("Settlement");
const PUNISHMENT_TYPE_HASH = typeHashOf("Punishment");
const VOTE_TYPE_HASH = typeHashOf("Vote");
const words = createWords(11);

export function hashSettlement(settlement: Settlement): Uint8Array {
  return words
    .begin()
    .bytes32(SETTLEMENT_TYPE_HASH)
    .uint(settlement.channel)
    .number(settlement.fromHeight)
    .number(settlement.toHeight)
    .number(settlement.timeMs)
    .bytes32(settlement.head)
    .bytes32(settlement.recordsRoot)
    .bytes32(settlement.stateRoot)
    .bytes32(settlement.changesRoot)
    .number(settlement.inboxCursor)
    .number(settlement.mode)
    .hash();
}

export function hashPunishment(punishment: Punishment): Uint8Array {
  return words
    .begin()
    .bytes32(PUNISHMENT_TYPE_HASH)
    .uint(punishment.channel)
    .number(punishment.term)
    .address(punishment.target)
    .number(punishment.height)
    .bytes32(punishment.recordHash)
    .number(punishment.reason)
    .hash();
}

export function hashVote({ channel, proposalHash, option }: Vote): Uint8Array {
  return words.begin().bytes32(VOTE_TYPE_HASH).uint(channel).bytes32(proposalHash).number(option).hash();
}

export function signVote(domain: ChannelDomain, vote: Vote, signerKey: Uint8Array): Uint8Array {
  return signDigest(digestOf(domain, hashVote(vote)), signerKey);
}

/** The signer of a vote; undefined for what is no signature. */
export function recoverVote(domain: ChannelDomain, vote: Vote, signature: Uint8Array): string | undefined {
  return recoverSigner(digestOf(domain, hashVote(vote)), signature);
}

/** The change set in the parts in which it is brought to the chain. */
export function chunksOf(changes: readonly Change[]): Change[][] {
  const chunks: Change[][] = [];
  for (let at = 0; at < changes.length; at += CHUNK_CHANGES) chunks.push(changes.slice(at, at + CHUNK_CHANGES));
  return chunks;
}

/** keccak256 of the packed changes. */
export function hashChunk(changes: readonly Change[]): Uint8Array {
  const bytes = new Uint8Array(changes.length * 3 * WORD_BYTES);
  let at = 0;
  for (const { slot, oldValue, newValue } of changes) {
    bytes.set(concatBytes(slot, oldValue, newValue), at);
    at += 3 * WORD_BYTES;
  }
  return keccak256(bytes);
}

/** Merkle root over the hashes of the chunks; zeros when nothing changed. */
export function changesRootOf(changes: readonly Change[]): Uint8Array {
  return merkleRoot(chunksOf(changes).map(hashChunk));
}
