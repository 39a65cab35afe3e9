/** A record by its place and hash; hashes are any strings that differ when records do. */
export interface RecordRef {
  readonly height: number;
  readonly hash: string;
}

/** A certificate by the record that it certifies and the term of its acks. */
export interface CertificateRef extends RecordRef {
  readonly term: number;
}

/** Who counts, and for how much: members of a channel change, and weigh differently. */
export interface Voters {
  readonly counted: number;
  readonly weightOf: (names: ReadonlySet<string>) => number;
}

/** What the first record of a term shows in logs of nodes: who has signed a LeaderChange for its leader, and what each names. */
export interface ElectionRef {
  readonly leader: string;
  readonly answers: readonly NamedBy[];
  /** A quorum of any of these is enough: it depends on what a member knows of the chain whether somebody is left out. */
  readonly voters: readonly Voters[];
}

export interface NamedBy extends PlaceRef {
  readonly member: string;
}

/** A certificate as LeaderChanges name it; zeros for none. */
export interface PlaceRef {
  readonly term: number;
  readonly height: number;
}

/**
 * What a run of a channel may log for `validateLog` (validate-log.ts), in the order in which it happened anywhere. Members are names.
 * An event is logged once what it tells of is on the member's disk and, for what is sent, before it is sent. Nothing that a liar does
 * needs to be logged: its acks, certificates' signatures, LeaderChanges and votes are taken to be there whenever somebody counts them.
 */
export type ChannelEvent =
  /** A member, leader or not, has executed a record and written it down. Record 0 is played by all from the start, in term 0. */
  | (RecordRef & {
      readonly kind: "played";
      readonly member: string;
      readonly term: number;
      readonly previous: string;
      /** Of whom a quorum certifies it. @default all, equally */
      readonly voters?: Voters;
      /** Who has signed it. @default who leads the term */
      readonly leader?: string;
      readonly election?: ElectionRef | undefined;
    })
  /** A member has loaded the state after a record that is final. */
  | (RecordRef & { readonly kind: "loaded"; readonly member: string; readonly term: number })
  /** Records above this height are taken back, on the disk too. */
  | { readonly kind: "cut"; readonly member: string; readonly height: number }
  /** A signed ack leaves; the leader's own, which it counts, too. */
  | (RecordRef & {
      readonly kind: "acked";
      readonly member: string;
      readonly term: number;
      /** The height of the certificate of this term that is on the disk; 0 for none. */
      readonly certified: number;
    })
  /** A member has written down a certificate. */
  | (CertificateRef & { readonly kind: "certificate"; readonly member: string })
  /** A member has written down that it acks nothing below `term`, and says which certificate it holds. */
  | {
      readonly kind: "termChange";
      readonly member: string;
      readonly term: number;
      readonly newLeader: string;
      readonly certificate?: CertificateRef | undefined;
    }
  /** Of nodes, which write down with whom they go to a term before they say where they stand: no ack of earlier ones from here on. */
  | { readonly kind: "promised"; readonly member: string; readonly term: number; readonly newLeader: string }
  /** Then they name a certificate, once or again. */
  | {
      readonly kind: "named";
      readonly member: string;
      readonly term: number;
      readonly newLeader: string;
      readonly certificate: PlaceRef;
    }
  /** A new leader goes on from `base`, which it found among the LeaderChanges of `answers` (itself included); before it plays on. */
  | {
      readonly kind: "termBegun";
      readonly member: string;
      readonly term: number;
      readonly answers: readonly string[];
      readonly base: RecordRef;
    }
  /** A member, or a client, takes a record for committed. */
  | (RecordRef & { readonly kind: "committed"; readonly member: string })
  /** A vote for a settlement up to this record leaves. */
  | (RecordRef & { readonly kind: "voted"; readonly member: string })
  /** The chain has made it final. */
  | (RecordRef & { readonly kind: "settled"; readonly voters?: Voters })
  /** What was not on the disk is gone; nothing of this member follows until it starts again. */
  | { readonly kind: "crash"; readonly member: string }
  /** It has read its disk and stands there. */
  | {
      readonly kind: "restart";
      readonly member: string;
      readonly term: number;
      readonly head: RecordRef;
      readonly certificate?: CertificateRef | undefined;
    }
  /** A node begins to read its disk; what it has forgotten of it will show. */
  | { readonly kind: "back"; readonly member: string }
  /** It has read it, and is in this term. */
  | { readonly kind: "stands"; readonly member: string; readonly term: number };
