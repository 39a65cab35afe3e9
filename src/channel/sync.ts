import type { Predecessor } from "../domain/channel/record-rules.ts";
import { isSprfError, messageOf, SprfError } from "../errors.ts";
import { SNAPSHOT_PART_BYTES } from "../wire/channel/limits.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { hashRecord } from "../wire/channel/record.ts";
import {
  cutTo,
  enterTerm,
  finalHere,
  keep,
  keepTerm,
  saveSnapshot,
  send,
  takeCertificate,
  tell,
  type Core,
} from "./core.ts";
import { playLeadersBatch, type FoundFault } from "./follower.ts";
import { openSnapshot } from "./open-state.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import type { Requests } from "./requests.ts";
import { snapshotLength } from "./sandbox/snapshot.ts";
import { proveKept, type KeptElection } from "./term-record.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** After a failure, before the same member is asked again. */
const PAUSE_MS = 500;
/**
 * A member that takes so long for one answer is left for another one that knows as much; twice as long each time that none came
 * meanwhile, for links on which all answers take long.
 */
const SLOW_MS = 2_000;
const MAX_DOUBLINGS = 2;
/** A snapshot that has not come by then comes from somebody who is too slow, or does not want it to. */
const SNAPSHOT_TIMEOUT_MS = 5 * 60_000;
/** How long nobody asks a member for a snapshot whose last one was none. */
const MISTRUST_MS = 60_000;

/** The part of a node that gets what it missed from another member. */
export interface Sync {
  /** Somebody is ahead. Does nothing while it is at it already. */
  catchUp(from: string): void;
  /** When a member was last asked for what it has; undefined while it was not, since others have their turn. */
  askedAtMs(from: string): number | undefined;
  /** The work under way, until `signal` of its making aborts. */
  readonly idle: Promise<void>;
}

export interface SyncInit {
  readonly core: Core;
  readonly requests: Requests;
  readonly onFault: (fault: FoundFault) => void;
  /** The head may have moved. */
  readonly onProgress: () => void;
  readonly signal: AbortSignal;
}

export function createSync({ core, requests, onFault, onProgress, signal }: SyncInit): Sync {
  let work: Promise<void> | undefined;
  /** Whom it is about, and others who are ahead, whose turn comes then. */
  let asked = "";
  const others = new Set<string>();
  let question = { atMs: 0, left: new AbortController() };
  let leftInARow = 0;
  let hasFailed = false;
  const askedAtMs = new Map<string, number>();
  const mistrustedUntilMs = new Map<string, number>();

  const ask = async (
    from: string,
    { header, hash }: Predecessor,
  ): Promise<ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">> => {
    question = { atMs: core.clock.now(), left: new AbortController() };
    askedAtMs.set(from, question.atMs);
    if (others.size > 0) leaveIfSlow();
    // Listening begins before the question: in one process the answer may be there at once.
    const either = AbortSignal.any([signal, question.left.signal]);
    const answer = requests.answer(from, ["history", "snapshot"], { timeoutMs: ANSWER_TIMEOUT_MS, signal: either });
    answer.catch(() => undefined);
    if (!send(core, from, { kind: "sync", height: header.height, recordHash: hash })) throw away(from);
    const answered = (await answer) as ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">;
    leftInARow = 0;
    return answered;
  };

  /** Whoever does not answer must not keep this node from asking those who would. */
  function leaveIfSlow(): void {
    const { atMs, left } = question;
    const patienceMs = SLOW_MS * 2 ** Math.min(leftInARow, MAX_DOUBLINGS);
    core.clock
      .sleep(atMs + patienceMs - core.clock.now(), { signal })
      .then(() => left.abort())
      .catch(() => undefined);
  }

  function nextOther(): string | undefined {
    const [next] = others;
    if (next !== undefined) others.delete(next);
    return next;
  }

  /** True when there is more to ask for. */
  async function step(from: string): Promise<boolean> {
    let answer = await ask(from, core.player.head);
    const floor = sureFrom(core.certificate?.height ?? 0);
    // Its past is another one, or ends here. What was acked is not given up for that: what a newer leader has signed may replace it.
    if (isEmpty(answer) && floor !== undefined) answer = await ask(from, floor);
    // What is certified here alone may be another leader's as well; an election shows whether it may go.
    const base = sureFrom(core.committed);
    if (isEmpty(answer) && base !== undefined) answer = await ask(from, base);
    if (answer.kind === "snapshot") return await loadSnapshot(from, answer);
    return await core.inTurn(async () => {
      if (answer.election !== undefined) await learnTerm(answer.election);
      await makeRoom(answer.batches);
      const before = core.player.head.header.height;
      for (const batch of answer.batches) {
        const result = await playLeadersBatch(core, batch);
        if (result.outcome === "fault") onFault(result.fault);
        if (result.outcome === "refused") core.logger.warn("a batch of the past was refused", { why: result.why });
        if (result.outcome !== "kept" && result.outcome !== "known") return false;
      }
      if (answer.certificate !== undefined) {
        takeCertificate(core, answer.certificate);
        await keep(core, []);
      }
      return answer.more && core.player.head.header.height > before;
    });
  }

  /** What an earlier leader had signed gives way to what a later one was elected on, though that is of terms before it. */
  async function makeRoom([first]: readonly SignedBatch[]): Promise<void> {
    const { header } = core.player.head;
    const base = core.terms.baseOf(core.term);
    if (first === undefined || base === undefined || header.term >= core.term || first.term >= header.term) return;
    if (first.first <= base.height) await cutTo(core, Math.max(first.first - 1, core.committed, finalHere(core)));
  }

  /** The record below the head from which on to ask: at `height`, what is final, or the lowest that is known, whichever is highest. */
  function sureFrom(height: number): Predecessor | undefined {
    const { player } = core;
    const lowest = Math.max(height, finalHere(core));
    return lowest < player.head.header.height ? player.at(lowest) : undefined;
  }

  async function loadSnapshot(from: string, snapshot: ChannelMessageOf<"snapshot">): Promise<boolean> {
    const { header, parts, election } = snapshot;
    const hash = hashRecord(header);
    if (header.height <= core.player.head.header.height) return false;
    if ((mistrustedUntilMs.get(from) ?? 0) > core.clock.now()) return false;
    const isFinal =
      core.chain.isSettled(header.height, hash) && core.chain.membershipAt(header.inboxCursor) !== undefined;
    if (header.channel !== core.info.channel || !isFinal) {
      throw new SprfError(
        "CHANNEL_SNAPSHOT_INVALID",
        `the record of height ${header.height} is not final on the chain`,
      );
    }
    const { height } = header;
    const endMs = core.clock.now() + SNAPSHOT_TIMEOUT_MS;
    async function* state(): AsyncGenerator<Uint8Array> {
      let left = 0;
      for (let part = 0; part < parts; part += 1) {
        if (core.clock.now() > endMs) throw lie(`${from} has sent ${part} of ${parts} parts in time`);
        const answer = requests.answer(from, ["part"], { timeoutMs: ANSWER_TIMEOUT_MS, signal });
        answer.catch(() => undefined);
        if (!send(core, from, { kind: "part-request", height, part })) throw away(from);
        const message = (await answer) as ChannelMessageOf<"part">;
        if (message.height !== height || message.part !== part) throw away(from);
        // The first part says how many slots there are, and so how long all of it is: not a byte more is taken.
        if (part === 0) left = await snapshotLength([message.bytes]);
        const isOfIt = Math.ceil(left / SNAPSHOT_PART_BYTES) === parts - part;
        if (!isOfIt || message.bytes.length !== Math.min(left, SNAPSHOT_PART_BYTES)) {
          throw lie(`${from} sends other parts than it has said`);
        }
        left -= message.bytes.length;
        yield message.bytes;
      }
    }
    const opened = await openSnapshot(core, header, state(), signal).catch((error: unknown) => {
      // It is another state than the chain's head has: no mistake that passes.
      if (isSprfError(error, "CHANNEL_SNAPSHOT_INVALID")) mistrustedUntilMs.set(from, core.clock.now() + MISTRUST_MS);
      throw error;
    });
    await core.inTurn(async () => {
      await saveSnapshot(core, header, opened.player.sandbox.snapshot());
      core.player = opened.player;
      core.unsettled = opened.unsettled;
      core.certificate = undefined;
      core.committed = height;
      if (election !== undefined) await learnTerm(election);
      tell(core, { kind: "snapshot", height });
    });
    return true;
  }

  /** The tail is signed by a leader whose election is below the snapshot. */
  async function learnTerm(kept: KeptElection): Promise<void> {
    const { info, domain, chain } = core;
    const proven = proveKept({ domain, channel: info.channel, chain }, kept);
    // In the term already, by the chain or its own word, it still does not know from where that goes on.
    if (proven === undefined || proven.term < core.term || core.terms.baseOf(proven.term) !== undefined) return;
    core.terms.elect(proven, kept);
    if (proven.term > core.term) await enterTerm(core, proven.term, proven.leader);
    await keepTerm(core, core.player.head.header.height);
  }

  async function run(from: string): Promise<void> {
    asked = from;
    hasFailed = false;
    try {
      for (let beganMs = core.clock.now(); await step(asked); beganMs = core.clock.now()) {
        onProgress();
        if (core.clock.now() - beganMs >= SLOW_MS) asked = nextOther() ?? asked;
      }
    } catch (error) {
      if (signal.aborted) return;
      hasFailed = true;
      if (question.left.signal.aborted) leftInARow += 1;
      core.logger.debug("the past was not got", { from: asked, reason: messageOf(error) });
      await core.clock.sleep(PAUSE_MS, { signal }).catch(() => undefined);
    }
    onProgress();
  }

  function catchUp(from: string): void {
    if (work !== undefined) {
      if (from === asked || others.has(from)) return;
      others.add(from);
      if (others.size === 1) leaveIfSlow();
      return;
    }
    work = run(from).finally(() => {
      work = undefined;
      const next = hasFailed ? nextOther() : undefined;
      if (next === undefined) others.clear();
      else if (!signal.aborted) catchUp(next);
    });
  }

  return {
    catchUp,
    askedAtMs: (from) => askedAtMs.get(from),
    get idle() {
      return work ?? Promise.resolve();
    },
  };
}

function isEmpty(answer: ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">): boolean {
  return answer.kind === "history" && answer.batches.length === 0;
}

function lie(message: string): SprfError {
  return new SprfError("CHANNEL_SNAPSHOT_INVALID", message);
}

function away(peer: string): SprfError {
  return new SprfError("PEER_UNREACHABLE", `${peer} is away`);
}
