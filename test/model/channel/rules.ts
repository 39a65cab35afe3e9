/** How far a search goes, and among whom. */
export interface Bounds {
  /** All members, the liar included. */
  readonly members: number;
  /** How many of them lie, 0 or 1. */
  readonly liars: number;
  readonly terms: number;
  readonly heights: number;
}

/** The choices of the protocol that a search can make otherwise. `SOUND` is what members have to do; every other choice is a fault. */
export interface Rules {
  /** A record is committed when a quorum says that it holds a certificate, or as soon as there is one at its leader. */
  readonly commit: "when a quorum holds a certificate" | "when the leader holds a certificate";
  readonly quorum: "more than two thirds" | "two thirds";
  /** When a member sends its acks and votes: behind the fsync of what they are about, or before. */
  readonly says: "behind fsync" | "before fsync";
  /** Whether a member that has signed a LeaderChange acks, and takes certificates of, earlier terms. */
  readonly lowerTerms: "never" | "acks" | "takes certificates";
  /** Which of the certificates in a set of LeaderChanges a new leader goes on from. */
  readonly adopts: "highest term, then height" | "highest height";
  /** What a member needs to vote for a settlement up to a height, at that height or above. */
  readonly votes: "certificate of this term" | "any certificate" | "any certificate, unwritten too" | "record";
  /**
   * Whether a new leader publishes the set of LeaderChanges that it goes on from, which everybody checks and follows; or only asks the
   * others, who take nothing back that they hold a certificate for.
   */
  readonly handover: "published set" | "locks";
}

/** What the search finds nothing wrong with. */
export const SOUND: Rules = {
  commit: "when a quorum holds a certificate",
  quorum: "more than two thirds",
  says: "behind fsync",
  lowerTerms: "never",
  adopts: "highest term, then height",
  votes: "certificate of this term",
  handover: "published set",
};

/**
 * One who follows the rules sends only what is on its disk, so nobody can tell whether it lost something else in a crash: the large
 * searches let every step end on the disk ("at once"), the small ones write in a step of its own, before which a crash may come. A test
 * compares both.
 */
export type Fsync = "a step" | "at once";

/** Whether `weight` of `counted` decides. Of those that count, each weighs 1. */
export function isQuorum({ quorum }: Rules, weight: number, counted: number): boolean {
  const parts = weight * 3;
  return quorum === "two thirds" ? parts >= counted * 2 : parts > counted * 2;
}
