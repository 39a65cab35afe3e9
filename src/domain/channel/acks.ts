import { equalBytes } from "../../utils/bytes.ts";
import type { Certificate, SignedAck } from "../../wire/channel/batch.ts";
import { countedWeight, memberOfSigner, weightOf, type Membership } from "./membership.ts";
import { isQuorum } from "./quorum.ts";

/** Heads of one term at which acks are collected, at most: older ones are covered by later ones. */
const MAX_HEADS = 4_096;

/** A record that members ack: the last of a batch. */
export interface Head {
  readonly height: number;
  readonly recordHash: Uint8Array;
  /** Before the record: whose acks count. */
  readonly voters: Membership;
}

interface OpenHead extends Head {
  readonly acks: Map<string, SignedAck>;
}

/** The acks of one term, and what they come to. A leader keeps one, and followers may. */
export interface AckBook {
  /** A batch ended at this record. */
  expect(head: Head): void;
  /** Heads that wait for their acks. */
  readonly openHeads: number;
  /** Counts an ack of `signer`, whose signature was checked. False when it is for no head that is open, or another record. */
  add(signer: string, ack: SignedAck & Pick<Head, "height" | "recordHash">): boolean;
  /** The highest record that a member has acked; 0 for none. */
  ackedBy(signer: string): number;
  /** The highest record that a quorum has acked. */
  readonly certificate: Certificate | undefined;
  /** The greatest height for which a quorum of `voters` holds a certificate. */
  committed(voters: Membership): number;
}

export function createAckBook(term: number): AckBook {
  const heads = new Map<number, OpenHead>();
  const certifiedBy = new Map<string, number>();
  const ackedBy = new Map<string, number>();
  let top: OpenHead | undefined;
  let certificate: Certificate | undefined;

  const close = (height: number): void => {
    for (const open of heads.keys()) if (open <= height) heads.delete(open);
  };

  return {
    expect(head) {
      const [oldest] = heads.keys();
      if (heads.size >= MAX_HEADS && oldest !== undefined) heads.delete(oldest);
      heads.set(head.height, { ...head, acks: new Map() });
    },
    get openHeads() {
      return heads.size;
    },
    add(signer, { height, recordHash, certified, signature }) {
      // Whoever says more than it can hold would make certificates look newer than those that follow.
      if (certified > height) return false;
      // Of those that have their certificate, the newest is acked once more, by those that hold it.
      const head = heads.get(height) ?? (top?.height === height ? top : undefined);
      if (head === undefined || !equalBytes(head.recordHash, recordHash)) return false;
      if (memberOfSigner(head.voters, signer) === undefined) return false;
      ackedBy.set(signer, Math.max(height, ackedBy.get(signer) ?? 0));
      const before = head.acks.get(signer);
      if (before !== undefined && before.certified >= certified) return true;
      certifiedBy.set(signer, Math.max(certified, certifiedBy.get(signer) ?? 0));
      head.acks.set(signer, { certified, signature });
      if (!isQuorum(weightOf(head.voters, new Set(head.acks.keys())), countedWeight(head.voters))) return true;
      top = head;
      certificate = { term, height, recordHash, acks: [...head.acks.values()] };
      close(height);
      return true;
    },
    ackedBy: (signer) => ackedBy.get(signer) ?? 0,
    get certificate() {
      return certificate;
    },
    committed: (voters) => heldByQuorum(certifiedBy, voters),
  };
}

/** The greatest height for which a quorum of `voters` has said that it holds a certificate; 0 for none. */
export function heldByQuorum(certifiedBy: ReadonlyMap<string, number>, voters: Membership): number {
  const counted = countedWeight(voters);
  const heights = [...certifiedBy.values()].sort((a, b) => b - a);
  const held = heights.find((height) => {
    const holders = new Set([...certifiedBy].filter(([, certified]) => certified >= height).map(([signer]) => signer));
    return isQuorum(weightOf(voters, holders), counted);
  });
  return held ?? 0;
}
