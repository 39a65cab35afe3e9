import { isHigher } from "../domain/channel/election.ts";
import type { Membership } from "../domain/channel/membership.ts";
import { SprfError } from "../errors.ts";
import type { ChannelHub, ChannelInfo } from "../ports/channel-hub.ts";
import type { RecordLog } from "../ports/record-log.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { Certificate } from "../wire/channel/batch.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { hashRecord, RECORD_KINDS, type RecordHeader } from "../wire/channel/record.ts";
import { decodeRecordBody, headerOf } from "../wire/channel/record-body.ts";
import type { ChainView } from "./chain-view.ts";
import { readCuts } from "./cuts.ts";
import { fromLogEntry, splitHeading, type Run } from "./log-entries.ts";
import { createPlayer, playGenesis, type PlayedRecord, type Player } from "./player.ts";
import { createSandbox, loadSandbox, type SandboxOptions } from "./sandbox/sandbox.ts";
import { createTermBook, type TermBook } from "./term-book.ts";
import { proveElectionIn, proveKept } from "./term-record.ts";
import { createUnsettled, type Unsettled } from "./unsettled.ts";

/** A channel's state as a node begins with it. */
export interface OpenState {
  readonly player: Player;
  readonly unsettled: Unsettled;
  readonly certificate: Certificate | undefined;
  /** The highest that was entered. */
  readonly term: number;
}

/** A state with what is known of terms. */
export interface OpenLog extends OpenState {
  readonly terms: TermBook;
  /** The last certificate whose record was taken back. */
  readonly givenUp: Certificate | undefined;
}

/** What a state is opened from. */
export interface OpenStateInit {
  readonly info: ChannelInfo;
  readonly domain: ChannelDomain;
  readonly hub: ChannelHub;
  readonly chain: ChainView;
  readonly log: RecordLog;
}

/** The state that a node's own log leads to. @throws SprfError `CHANNEL_LOG_INVALID` when it leads elsewhere than it says */
export async function openState(
  init: OpenStateInit,
  signal: AbortSignal,
  {
    upTo = Number.MAX_SAFE_INTEGER,
    onRecord,
  }: {
    /** Later records are left out. */
    readonly upTo?: number;
    readonly onRecord?: (record: PlayedRecord) => void;
  } = {},
): Promise<OpenLog> {
  const { log, chain } = init;
  const { channel } = init.info;
  const terms = createTermBook(chain);
  const newest = (await log.snapshots()).at(-1);
  let state: OpenState;
  if (newest === undefined) {
    const opened = await openGenesis(init, signal);
    state = opened;
    onRecord?.(opened.genesis);
  } else {
    const { header, state: parts } = await splitHeading(log.readSnapshot(newest));
    state = await openSnapshot(init, header, parts, signal);
  }
  const { player, unsettled } = state;
  let { certificate, term } = state;
  let givenUp: Certificate | undefined;
  const fromHeight = player.head.header.height;
  const keptOf = await readCuts(log.entries({ fromHeight }), fromLogEntry);
  let number = 0;
  for await (const entry of log.entries({ fromHeight })) {
    const logged = fromLogEntry(entry);
    if (logged.kind === "certificate") certificate = logged.certificate;
    else if (logged.kind === "cut" && certificate !== undefined && certificate.height > logged.height) {
      if (isHigher(certificate, givenUp)) givenUp = certificate;
      certificate = undefined;
    } else if (logged.kind === "election") {
      const proven = proveKept({ chain, channel, domain: init.domain }, logged.election);
      if (proven !== undefined) terms.elect(proven, logged.election);
    } else if (logged.kind === "term") {
      term = Math.max(term, logged.term);
      terms.promise(logged.term, logged.leader);
    } else if (logged.kind === "batch") {
      await replay(init, state, logged.batch, Math.min(upTo, keptOf(number)), { terms, onRecord });
    } else if (logged.kind === "shown") {
      await replay(init, state, logged.run, Math.min(upTo, keptOf(number)), { terms, onRecord });
    }
    number += 1;
  }
  return { player, unsettled, certificate, givenUp, term, terms };
}

/** Record 0, and the state after it. */
export async function openGenesis(
  init: Omit<OpenStateInit, "log">,
  signal: AbortSignal,
): Promise<OpenState & { readonly genesis: PlayedRecord }> {
  const { info, domain, hub, chain } = init;
  const sandbox = await createSandbox(await sandboxOptions(init, signal));
  const members = knownMembership(chain, 0);
  const initial = {
    channel: info.channel,
    createdAtMs: info.createdAtMs,
    state: await hub.initialState(info, { signal }),
  };
  const genesis = await playGenesis(sandbox, initial, members);
  const unsettled = createUnsettled({ fromHeight: 0 });
  unsettled.add(genesis);
  const player = createPlayer({ sandbox, channel: info.channel, domain }, genesis);
  return { player, unsettled, certificate: undefined, term: 1, genesis };
}

/** A snapshot of a record that is final. @throws SprfError `CHANNEL_SNAPSHOT_INVALID` when it is not what the header says */
export async function openSnapshot(
  init: Omit<OpenStateInit, "log">,
  header: RecordHeader,
  parts: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<OpenState> {
  const { info, domain, chain } = init;
  const expected = { height: header.height, root: header.stateRoot };
  const sandbox = await loadSandbox(await sandboxOptions(init, signal), parts, expected);
  const start = { header, hash: hashRecord(header), membership: knownMembership(chain, header.inboxCursor) };
  const player = createPlayer({ sandbox, channel: info.channel, domain }, start);
  return {
    player,
    unsettled: createUnsettled({ fromHeight: header.height }),
    certificate: undefined,
    term: Math.max(1, header.term),
  };
}

async function sandboxOptions(
  { info, hub }: Pick<OpenStateInit, "info" | "hub">,
  signal: AbortSignal,
): Promise<SandboxOptions> {
  const { tickMs, maxCatchUpTicks } = info.config;
  return {
    address: info.store as `0x${string}`,
    code: await hub.programCode(info, { signal }),
    ticks: { tickMs, maxCatchUpTicks, genesisMs: info.createdAtMs },
  };
}

function knownMembership(chain: ChainView, cursor: number): Membership {
  const membership = chain.membershipAt(cursor);
  if (membership === undefined) {
    throw new SprfError(
      "CHANNEL_SNAPSHOT_INVALID",
      `it takes ${cursor} entries of the inbox, and ${chain.inboxLength} are known`,
    );
  }
  return membership;
}

async function replay(
  { info, chain, domain }: OpenStateInit,
  { player, unsettled }: OpenState,
  batch: Run,
  keptTo: number,
  {
    terms,
    onRecord,
  }: {
    readonly terms: TermBook;
    readonly onRecord: ((record: PlayedRecord) => void) | undefined;
  },
): Promise<void> {
  for (const [index, packed] of batch.records.entries()) {
    const height = batch.first + index;
    if (height > keptTo) return;
    // What the snapshot has already.
    if (height <= player.head.header.height) continue;
    const body = decodeRecordBody(packed);
    if (body.kind === RECORD_KINDS.term) {
      const proven = proveElectionIn({ domain, channel: info.channel, chain, terms }, body);
      if (proven !== undefined) terms.elect(proven.election, proven.kept);
    }
    const previous = player.head.hash;
    const expected: RecordHeader = headerOf(body, { channel: info.channel, term: batch.term, height, previous });
    const played = await player.play(body.kind, body.input, { term: batch.term, timeMs: body.timeMs });
    if (!equalBytes(played.hash, hashRecord(expected))) {
      throw new SprfError("CHANNEL_LOG_INVALID", `the record of height ${height} comes to another result now`);
    }
    unsettled.add(played);
    onRecord?.(played);
  }
}
