import { heldByQuorum } from "../domain/channel/acks.ts";
import { countedWeight, weightOf } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { faultOfNext, faultOfResult } from "../domain/channel/record-rules.ts";
import { isSprfError, messageOf, SprfError } from "../errors.ts";
import type { ChannelHub, ChannelInfo, HubEvent } from "../ports/channel-hub.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogEntry, RecordLog } from "../ports/record-log.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { recoverCertificate, type Certificate } from "../wire/channel/batch.ts";
import { channelDomain, type ChannelDomain } from "../wire/channel/domain.ts";
import { encodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import { hashRecord, RECORD_KINDS } from "../wire/channel/record.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import { followChain, type ChainView } from "./chain-view.ts";
import { readCuts } from "./cuts.ts";
import { fromLogEntry, lastOf, splitHeading, type Logged, type Run } from "./log-entries.ts";
import { openGenesis, openSnapshot } from "./open-state.ts";
import type { PlayedRecord, Player } from "./player.ts";
import { readBatch, readRun, type ReadRecord } from "./read-batch.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { createTermBook, type TermBook } from "./term-book.ts";
import { judgeTermRecord, mayComeFirst, proveKept } from "./term-record.ts";

/** What somebody says has happened in a channel: a node's log, or a copy of it. */
export type ChannelHistory = Pick<RecordLog, "entries" | "snapshots" | "readSnapshot">;

/** What was played again and came to the same. */
export interface VerifiedChannel {
  /** 0: from the genesis on; else from a snapshot of this height, which is final on the chain. */
  readonly fromHeight: number;
  readonly height: number;
  readonly recordHash: Uint8Array;
  readonly stateRoot: Uint8Array;
  /** A quorum has acked it. 0: none. */
  readonly certifiedHeight: number;
  readonly recordCount: number;
  readonly batchCount: number;
  readonly certificateCount: number;
  /** Heights at which the chain's settled head was compared, ascending. */
  readonly settledHeights: readonly number[];
  /** What the chain says is final; above `height` when the history ends before. */
  readonly finalHeight: number;
}

export interface VerifyComponents {
  readonly hub: ChannelHub;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Plays a history again and holds it against the chain: every signature of a leader, every record and its root, every certificate,
 * every entry of the inbox, and every settled head. From the genesis on when the history begins there.
 *
 * @throws SprfError `CHANNEL_UNVERIFIED` for the first thing that does not hold, `CHANNEL_UNKNOWN`, `CHAIN_UNREACHABLE`
 */
export async function verifyChannel(
  components: VerifyComponents,
  {
    channel,
    history,
    onFinal,
  }: {
    readonly channel: bigint;
    readonly history: ChannelHistory;
    /** Called with the state after the record that is final on the chain, if the history has it. */
    readonly onFinal?: (sandbox: Sandbox) => void;
  },
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<VerifiedChannel> {
  const { hub, logger } = components;
  const info = await hub.channel(channel, { signal });
  if (info === undefined) throw new SprfError("CHANNEL_UNKNOWN", `the hub has no channel ${channel}`);
  const stop = new AbortController();
  const inner = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const follow = { fromBlock: info.createdInBlock, confirmations: 0, onNews: () => undefined };
  const { view: chain, life } = await followChain({ hub, channel, logger, ...follow }, inner);
  try {
    const events = await hub.events(channel, info.createdInBlock, await hub.blockNumber({ signal }), { signal });
    return await replay({ ...components, info, chain, events, history, onFinal }, inner);
  } finally {
    stop.abort();
    await life;
  }
}

interface ReplayInit extends VerifyComponents {
  readonly info: ChannelInfo;
  readonly chain: ChainView;
  readonly events: readonly HubEvent[];
  readonly history: ChannelHistory;
  readonly onFinal: ((sandbox: Sandbox) => void) | undefined;
}

async function replay(init: ReplayInit, signal: AbortSignal): Promise<VerifiedChannel> {
  const { info, chain, events, history, hub, onFinal } = init;
  const domain = channelDomain(hub.chainId, hub.address);
  const terms = createTermBook(chain);
  const settled = new Map(
    events.flatMap((event) => (event.kind === "settled" ? [[event.height, event] as const] : [])),
  );
  const posted = new Set(
    events.flatMap((event) =>
      event.kind === "records-posted" ? event.headers.map((each) => toHex(hashRecord(each))) : [],
    ),
  );
  const newest = (await history.snapshots()).at(-1);
  const isFromStart = newest === undefined || (await firstHeight(history)) === 1;
  let player = isFromStart ? await openStart(init, domain, signal) : await openAt(init, domain, newest, signal);
  let fromHeight = player.head.header.height;
  const keptOf = await readCuts(history.entries(), readEntry);
  let number = -1;
  const count = { records: 0, batches: 0, certificates: 0 };
  const settledHeights: number[] = [];
  let certifiedHeight = 0;
  let committedHeight = 0;

  const compareSettled = ({ header, hash }: Pick<PlayedRecord, "header" | "hash">): void => {
    const event = settled.get(header.height);
    if (event === undefined) return;
    const isSame = equalBytes(event.head, hash) && equalBytes(event.stateRoot, header.stateRoot);
    if (!isSame || event.inboxCursor !== header.inboxCursor) {
      throw unverified(header.height, "another record is final on the chain");
    }
    settledHeights.push(header.height);
    if (header.height === chain.settled.height) onFinal?.(player.sandbox);
  };
  compareSettled(player.head);

  for await (const entry of history.entries()) {
    if (signal.aborted) throw new SprfError("ABORTED", "the replay was ended");
    const logged = readEntry(entry);
    const { height } = player.head.header;
    number += 1;
    const keptTo = keptOf(number);
    // A log that begins at a snapshot may have what was played before it and taken back, without what that followed.
    if (isTakenBackBelow(fromHeight, logged, keptTo) && height === fromHeight) continue;
    const run = runIn(logged);
    if (run !== undefined && lastOf(run) > height) {
      // Whoever was away for long went on from a snapshot.
      if (newest !== undefined && height < newest && run.first === newest + 1) {
        player = await openAt(init, domain, newest, signal);
        fromHeight = newest;
        compareSettled(player.head);
      }
      await playRun(init, { domain, player, chain, terms, posted }, run, (record) => {
        count.records += 1;
        // Another record may have had the height before it was final.
        if (record.header.height <= keptTo) compareSettled(record);
      });
      if (logged.kind === "batch") count.batches += 1;
    } else if (logged.kind === "election") {
      const proven = proveKept({ domain, channel: info.channel, chain }, logged.election);
      if (proven !== undefined) terms.elect(proven, logged.election);
    } else if (logged.kind === "cut" && logged.height < height) {
      if (logged.height < Math.max(committedHeight, player.lowest)) {
        throw unverified(height, `it takes back what is committed, to height ${logged.height}`);
      }
      await player.revertTo(logged.height);
    } else if (logged.kind === "certificate" && logged.certificate.height >= Math.max(fromHeight, player.lowest)) {
      const { certificate } = logged;
      committedHeight = Math.max(committedHeight, checkCertificate(player, domain, info.channel, certificate));
      count.certificates += 1;
      certifiedHeight = Math.max(certifiedHeight, certificate.height);
      // An election may take back what is certified only. A certificate's voters stand in the record before.
      player.forget(committedHeight - 1);
    }
  }
  const { header, hash } = player.head;
  return {
    fromHeight,
    height: header.height,
    recordHash: hash,
    stateRoot: header.stateRoot,
    certifiedHeight,
    recordCount: count.records,
    batchCount: count.batches,
    certificateCount: count.certificates,
    settledHeights,
    finalHeight: chain.settled.height,
  };
}

/** Whether it, or what took it back, ends below a height: where nothing was played above that, there is nothing to take back. */
function isTakenBackBelow(height: number, logged: Logged, keptTo: number): boolean {
  if (logged.kind === "cut") return logged.height < height;
  return runIn(logged) !== undefined && keptTo < height;
}

/** Records, as a leader has signed them or as they were published on the chain. */
function runIn(logged: Logged): SignedBatch | Run | undefined {
  if (logged.kind === "batch") return logged.batch;
  return logged.kind === "shown" ? logged.run : undefined;
}

async function openStart(
  { info, hub, chain }: ReplayInit,
  domain: ChannelDomain,
  signal: AbortSignal,
): Promise<Player> {
  return (await openGenesis({ info, domain, hub, chain }, signal)).player;
}

async function openAt(
  { info, hub, chain, history }: ReplayInit,
  domain: ChannelDomain,
  height: number,
  signal: AbortSignal,
): Promise<Player> {
  const { header, state } = await splitHeading(history.readSnapshot(height));
  if (!chain.isSettled(header.height, hashRecord(header))) {
    throw unverified(header.height, "the history goes on from a snapshot that is not final on the chain");
  }
  return (await openSnapshot({ info, domain, hub, chain }, header, state, signal)).player;
}

async function firstHeight(history: ChannelHistory): Promise<number | undefined> {
  for await (const entry of history.entries()) {
    const logged = readEntry(entry);
    const run = runIn(logged);
    if (run !== undefined) return run.first;
  }
  return undefined;
}

interface Place {
  readonly domain: ChannelDomain;
  readonly player: Player;
  readonly chain: ChainView;
  readonly terms: TermBook;
  /** Hashes of all records that were published on the chain. */
  readonly posted: ReadonlySet<string>;
}

/** Plays records that follow the head, or one below it: of a batch some may have been published. @throws SprfError `CHANNEL_UNVERIFIED` */
async function playRun(
  { info, clock }: ReplayInit,
  place: Place,
  run: SignedBatch | Run,
  onRecord: (record: PlayedRecord) => void,
): Promise<void> {
  const { domain, player, chain, posted } = place;
  const { first, term: number } = run;
  const { height: headHeight } = player.head.header;
  const parent = player.at(first - 1);
  if (parent === undefined) throw unverified(first, `records are missing: it follows height ${headHeight}`);
  const at = { domain, channel: info.channel, before: parent.hash };
  const { records, signer } =
    "signature" in run ? readBatch(run, at) : { records: readRun(run, at), signer: undefined };
  if (records[0]?.body.kind === RECORD_KINDS.term && first > headHeight) checkTerm(place, records[0], info.channel);
  const term = place.terms.of(number);
  if (term === undefined) throw unverified(first, `nobody is known to lead term ${number}`);
  if ("signature" in run && signer !== term.signer) {
    throw unverified(first, `the leader of term ${number}, ${term.leader}, has not signed it`);
  }
  for (const { header, body, hash } of records) {
    const { height } = header;
    if (!("signature" in run) && !posted.has(toHex(hash))) throw unverified(height, "the chain has not published it");
    if (height <= headHeight) {
      if (!equalBytes(player.at(height)?.hash ?? hash, hash)) throw unverified(height, "it comes to another record");
      continue;
    }
    const tickDueMs = player.sandbox.tickDueMs();
    const waiting = chain.entry(player.head.header.inboxCursor + 1);
    const fault = faultOfNext(player.head, header, { term: number, tickDueMs, nowMs: clock.now(), waiting });
    if (fault !== undefined) throw unverified(height, fault.message);
    checkOrigin(chain, player, { header, body, hash }, term.sinceEntry);
    const own = await player
      .play(body.kind, body.input, { term: number, timeMs: body.timeMs })
      .catch((error: unknown) => {
        throw isSprfError(error) && error.fault !== "internal" ? unverified(height, messageOf(error), error) : error;
      });
    const wrong = faultOfResult(own.header, header);
    if (wrong !== undefined) throw unverified(height, wrong.message);
    if (!equalBytes(own.hash, hash)) throw unverified(height, "it comes to another record");
    onRecord(own);
  }
}

function checkTerm(
  { domain, chain, player, terms }: Omit<Place, "posted">,
  record: ReadRecord | undefined,
  channel: bigint,
): void {
  if (record === undefined) return;
  const judged = judgeTermRecord({ domain, channel, chain, terms }, record, player.head);
  if (judged.verdict === "proven") return terms.elect(judged.election, judged.kept);
  const why = judged.verdict === "early" ? "the chain knows nothing of what it goes on from" : judged.fault.message;
  throw unverified(record.header.height, why);
}

/** What came from the chain is what the chain says. */
function checkOrigin(chain: ChainView, player: Player, { header, body }: ReadRecord, sinceEntry: number): void {
  if (header.kind === RECORD_KINDS.inbox) {
    const entry = chain.entry(header.inboxCursor);
    if (entry === undefined || !equalBytes(encodeInboxEntry(entry), body.input)) {
      throw unverified(header.height, "an entry of the inbox that the chain does not have");
    }
  } else if (!mayComeFirst(header.kind) && player.head.membership.cursor < sinceEntry) {
    throw unverified(header.height, "a term that does not begin with the entries of the inbox that made it");
  }
}

/** The height that a certificate shows to be committed. @throws SprfError `CHANNEL_UNVERIFIED` */
function checkCertificate(player: Player, domain: ChannelDomain, channel: bigint, certificate: Certificate): number {
  const { height, recordHash } = certificate;
  const own = player.at(height);
  if (own === undefined) throw unverified(height, "a certificate of a record that is not there");
  if (!equalBytes(own.hash, recordHash)) throw unverified(height, "a certificate of another record");
  // The voters of a snapshot's own record are below it; the chain has settled that one.
  const voters = player.votersAt(height);
  if (voters === undefined) return 0;
  const signers = recoverCertificate(domain, channel, certificate) ?? new Map<string, number>();
  const weight = weightOf(voters, new Set(signers.keys()));
  if (!isQuorum(weight, countedWeight(voters))) {
    throw unverified(height, `a certificate with ${weight} of ${countedWeight(voters)}`);
  }
  return heldByQuorum(signers, voters);
}

function readEntry(entry: LogEntry): Logged {
  try {
    return fromLogEntry(entry);
  } catch (error) {
    throw unverified(entry.height, "something that is no entry of a log", error);
  }
}

function unverified(height: number, why: string, cause?: unknown): SprfError {
  return new SprfError("CHANNEL_UNVERIFIED", `height ${height}: ${why}`, {
    context: { height },
    ...(cause === undefined ? {} : { cause }),
  });
}
