import { SprfError } from "../../errors.ts";
import { recoverSigner, SIGNATURE_BYTES, signDigest } from "../../utils/recoverable-signature.ts";
import { fromHex } from "../../utils/bytes.ts";
import { decodeAbi, encodeAbi } from "./abi.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { MAX_MEMBERS } from "./limits.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** Where a member stands as it goes to another term: the highest certificate that it holds (zeros for none) and its last height. */
export interface Standing {
  readonly certifiedTerm: number;
  readonly certifiedHeight: number;
  readonly head: number;
}

/** "I go to `term` with this leader, ack nothing of earlier ones any more, and stand here." */
export interface LeaderChange extends Standing {
  readonly channel: bigint;
  readonly term: number;
  /** The leader's account. */
  readonly newLeader: string;
}

export interface SignedStanding extends Standing {
  readonly signature: Uint8Array;
}

/** What a quorum has signed for one leader of a term: the input of the term's first record. */
export interface Election {
  readonly term: number;
  readonly newLeader: string;
  readonly standings: readonly SignedStanding[];
}

const LEADER_CHANGE_TYPE_HASH = typeHashOf("LeaderChange");
const ELECTION_TYPES = [
  "uint64",
  "address",
  "tuple(uint64 certifiedTerm,uint64 certifiedHeight,uint64 head,bytes signature)[]",
] as const;
const words = createWords(7);

export function hashLeaderChange(change: LeaderChange): Uint8Array {
  return words
    .begin()
    .bytes32(LEADER_CHANGE_TYPE_HASH)
    .uint(change.channel)
    .number(change.term)
    .address(change.newLeader)
    .number(change.certifiedTerm)
    .number(change.certifiedHeight)
    .number(change.head)
    .hash();
}

export function signLeaderChange(domain: ChannelDomain, change: LeaderChange, signerKey: Uint8Array): Uint8Array {
  return signDigest(digestOf(domain, hashLeaderChange(change)), signerKey);
}

/** The signer of a leader change; undefined for what is no signature. */
export function recoverLeaderChange(
  domain: ChannelDomain,
  change: LeaderChange,
  signature: Uint8Array,
): string | undefined {
  return recoverSigner(digestOf(domain, hashLeaderChange(change)), signature);
}

/** Where each signer of an election stands; undefined when a signature is none, or of one who is there already. */
export function recoverElection(
  domain: ChannelDomain,
  channel: bigint,
  { term, newLeader, standings }: Election,
): ReadonlyMap<string, Standing> | undefined {
  const signers = new Map<string, Standing>();
  for (const { signature, ...standing } of standings) {
    const signer = recoverLeaderChange(domain, { channel, term, newLeader, ...standing }, signature);
    if (signer === undefined || signers.has(signer)) return undefined;
    signers.set(signer, standing);
  }
  return signers;
}

export function encodeElection({ term, newLeader, standings }: Election): Uint8Array {
  const rows = standings.map(({ certifiedTerm, certifiedHeight, head, signature }) => [
    certifiedTerm,
    certifiedHeight,
    head,
    signature,
  ]);
  return encodeAbi(ELECTION_TYPES, [term, newLeader, rows]);
}

/** @throws SprfError `MESSAGE_INVALID` for any bytes that {@link encodeElection} would not give */
export function decodeElection(input: Uint8Array): Election {
  const [term, newLeader, rows] = decodeAbi(ELECTION_TYPES, input, "an election") as readonly [
    bigint,
    string,
    readonly (readonly [bigint, bigint, bigint, string])[],
  ];
  if (rows.length > MAX_MEMBERS) throw new SprfError("MESSAGE_INVALID", `an election of ${rows.length} members`);
  const standings = rows.map(([certifiedTerm, certifiedHeight, head, hex]) => {
    const signature = fromHex(hex);
    if (signature.length !== SIGNATURE_BYTES) throw new SprfError("MESSAGE_INVALID", "an election's signature is none");
    return {
      certifiedTerm: countOf(certifiedTerm),
      certifiedHeight: countOf(certifiedHeight),
      head: countOf(head),
      signature,
    };
  });
  return { term: countOf(term), newLeader: newLeader.toLowerCase(), standings };
}

function countOf(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new SprfError("MESSAGE_INVALID", `${value} is too much`);
  return Number(value);
}
