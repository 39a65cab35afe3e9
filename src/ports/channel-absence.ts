import type { Certificate, SignedAck } from "../wire/channel/batch.ts";
import type { SignedStanding } from "../wire/channel/leader-change.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import type { SignedOpening } from "./channel-court.ts";
import type { HubOptions } from "./channel-hub.ts";

/** What a member is accused of, and until when it must answer. */
export interface Accusation {
  /** Lower-case hex with 0x. */
  readonly accuser: string;
  /** In seconds since 1970. */
  readonly deadlineSeconds: number;
  /**
   * `leader`: that it leads nobody; the certificate of a record that has taken `entry` answers. `record`: that it does not ack one.
   * `word`: that its leader, the accuser, cannot begin the term for want of its word.
   */
  readonly of: "leader" | "record" | "word";
  /** A leader has shown a record of its own, and no certificate for it. */
  readonly isThere: boolean;
  readonly term: number;
  readonly height: number;
  readonly recordHash: Uint8Array;
  readonly entry: number;
  /** Records that the accused asks for, and nobody has published yet. */
  readonly demanded?: { readonly first: number; readonly last: number };
}

/** Records that were published for an accused member, in order; more headers than inputs where one behind them shows who signed. */
export interface PostedRecords {
  readonly headers: readonly RecordHeader[];
  readonly inputs: readonly Uint8Array[];
}

/** What a member has signed, with its account. */
export type OfMember<T> = T & { readonly member: string };

/**
 * Who is there where no quorum can say so, as one account sees it (contracts/interfaces/IChannelAbsence.sol). Errors are those of
 * `ChannelHub`. Bonds are paid by the account.
 */
export interface ChannelAbsence {
  /** How long members of a channel may take to answer. */
  answerSeconds(channel: bigint, options?: HubOptions): Promise<number>;
  /** `undefined` when it is accused of nothing. */
  accusation(channel: bigint, member: string, options?: HubOptions): Promise<Accusation | undefined>;
  /** Says that the leader leads nobody; `term` is the one that this member is in. */
  accuseLeader(channel: bigint, term: number, options?: HubOptions): Promise<void>;
  /** Says that a member does not ack a record of the hub's leader. */
  accuse(channel: bigint, member: string, head: SignedOpening, options?: HubOptions): Promise<void>;
  /** Says that a member does not give its word for the term that the account leads. */
  accuseOfSilence(channel: bigint, member: string, options?: HubOptions): Promise<void>;
  answerByAck(channel: bigint, member: string, ack: SignedAck, options?: HubOptions): Promise<void>;
  answerByWord(channel: bigint, standing: OfMember<SignedStanding>, options?: HubOptions): Promise<void>;
  answerByCertificate(
    channel: bigint,
    leader: string,
    header: RecordHeader,
    acks: readonly OfMember<Certificate["acks"][number]>[],
    options?: HubOptions,
  ): Promise<void>;
  answerByRecord(channel: bigint, leader: string, record: SignedOpening, options?: HubOptions): Promise<void>;
  /** The account, which is accused, says that nobody gave it the records from `first` on: up to 16, once. A bond pays for them. */
  demandRecords(channel: bigint, first: number, options?: HubOptions): Promise<void>;
  /** Publishes what a member demanded; `signed` opens the last header. */
  postRecords(
    channel: bigint,
    member: string,
    records: PostedRecords & { readonly signed: SignedOpening },
    options?: HubOptions,
  ): Promise<void>;
  /** Ends an accusation whose time is over. */
  resolve(channel: bigint, member: string, options?: HubOptions): Promise<void>;
  /** Counts again, with the account's ack of a record. */
  comeBack(channel: bigint, header: RecordHeader, ack: SignedAck, options?: HubOptions): Promise<void>;
  /** Where heartbeats are on chain: takes the office of a leader that has stopped. */
  applyLeader(channel: bigint, term: number, options?: HubOptions): Promise<void>;
  /** Where heartbeats are on chain: says that a member has stopped. */
  applyAbsence(channel: bigint, member: string, options?: HubOptions): Promise<void>;
  /** Tells the hub of a term that members have elected. */
  reportElection(
    channel: bigint,
    term: number,
    newLeader: string,
    standings: readonly OfMember<SignedStanding>[],
    options?: HubOptions,
  ): Promise<void>;
  /** Takes what the account is owed of bonds; resolves with the amount. */
  withdraw(options?: HubOptions): Promise<bigint>;
}
