import type { Predecessor } from "../domain/channel/record-rules.ts";
import { messageOf, SprfError } from "../errors.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { hashRecord } from "../wire/channel/record.ts";
import { cutTo, send, sureHeight, takeCertificate, tell, type Core } from "./core.ts";
import { playLeadersBatch, type FoundFault } from "./follower.ts";
import { withHeading } from "./log-entries.ts";
import { openSnapshot } from "./open-state.ts";
import type { Requests } from "./requests.ts";

const ANSWER_TIMEOUT_MS = 10_000;
/** After a failure, before the same member is asked again. */
const PAUSE_MS = 500;

/** The part of a node that gets what it missed from another member. */
export interface Sync {
  /** Somebody is ahead. Does nothing while it is at it already. */
  catchUp(from: string): void;
  /** Whether a member has another record in the place of this one. */
  hasOther(from: string, record: Predecessor): Promise<boolean>;
  /** The work under way, until `signal` of its making aborts. */
  readonly idle: Promise<void>;
}

export interface SyncInit {
  readonly core: Core;
  readonly requests: Requests;
  readonly onFault: (fault: FoundFault) => void;
  /** What a leader has signed would undo what is certified here. */
  readonly onUndoing: () => void;
  /** The head may have moved. */
  readonly onProgress: () => void;
  readonly signal: AbortSignal;
}

export function createSync({ core, requests, onFault, onUndoing, onProgress, signal }: SyncInit): Sync {
  let work: Promise<void> | undefined;

  const ask = async (
    from: string,
    { header, hash }: Predecessor,
  ): Promise<ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">> => {
    // Listening begins before the question: in one process the answer may be there at once.
    const answer = requests.answer(from, ["history", "snapshot"], { timeoutMs: ANSWER_TIMEOUT_MS, signal });
    answer.catch(() => undefined);
    if (!send(core, from, { kind: "sync", height: header.height, recordHash: hash })) throw away(from);
    return (await answer) as ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">;
  };

  /** True when there is more to ask for. */
  async function step(from: string): Promise<boolean> {
    let answer = await ask(from, core.player.head);
    const floor = lowestSure();
    // Its past is another one, or ends here. What was acked is not given up for that: what a newer leader has signed may replace it.
    if (isEmpty(answer) && floor !== undefined) answer = await ask(from, floor);
    // Not even that is part of it.
    if (isEmpty(answer) && core.certificate !== undefined) onUndoing();
    if (answer.kind === "snapshot") return await loadSnapshot(from, answer);
    return await core.inTurn(async () => {
      await makeRoom(answer);
      const before = core.player.head.header.height;
      for (const batch of answer.batches) {
        const result = await playLeadersBatch(core, batch);
        if (result.outcome === "fault") onFault(result.fault);
        if (result.outcome === "undoes") onUndoing();
        if (result.outcome === "refused") core.logger.warn("a batch of the past was refused", { why: result.why });
        if (result.outcome !== "kept" && result.outcome !== "known") return false;
      }
      if (answer.certificate !== undefined) takeCertificate(core, answer.certificate);
      return answer.more && core.player.head.header.height > before;
    });
  }

  /**
   * What an earlier leader had signed alone gives way to a past that a newer term goes on from, though that past is of terms before
   * it: it is certified, and what stands here is not.
   */
  async function makeRoom({ batches, certificate }: ChannelMessageOf<"history">): Promise<void> {
    const { term } = core.player.head.header;
    const isOlder = (batches[0]?.term ?? term) < term;
    const isOfNewer = batches.some((batch) => batch.term > term) || (certificate?.term ?? 0) > term;
    if (isOlder && isOfNewer) await cutTo(core, sureHeight(core));
  }

  /** The record that nobody will take back, below the head. */
  function lowestSure(): Predecessor | undefined {
    const { player } = core;
    const height = sureHeight(core);
    return height < player.head.header.height ? player.at(height) : undefined;
  }

  async function loadSnapshot(from: string, { header, parts }: ChannelMessageOf<"snapshot">): Promise<boolean> {
    const hash = hashRecord(header);
    if (header.height <= core.player.head.header.height) return false;
    if (header.channel !== core.info.channel || !core.chain.isSettled(header.height, hash)) {
      throw new SprfError(
        "CHANNEL_SNAPSHOT_INVALID",
        `the record of height ${header.height} is not final on the chain`,
      );
    }
    const { height } = header;
    async function* state(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < parts; part += 1) {
        const answer = requests.answer(from, ["part"], { timeoutMs: ANSWER_TIMEOUT_MS, signal });
        answer.catch(() => undefined);
        if (!send(core, from, { kind: "part-request", height, part })) throw away(from);
        const message = (await answer) as ChannelMessageOf<"part">;
        if (message.height !== height || message.part !== part) throw away(from);
        yield message.bytes;
      }
    }
    const opened = await openSnapshot(core, header, state(), signal);
    await core.inTurn(async () => {
      await core.log.saveSnapshot(height, withHeading(header, opened.player.sandbox.snapshot()));
      core.player = opened.player;
      core.unsettled = opened.unsettled;
      core.certificate = undefined;
      core.older = [];
      core.committed = height;
      tell(core, { kind: "snapshot", height });
    });
    return true;
  }

  async function run(from: string): Promise<void> {
    try {
      while (await step(from)) onProgress();
    } catch (error) {
      if (signal.aborted) return;
      core.logger.debug("the past was not got", { from, reason: messageOf(error) });
      await core.clock.sleep(PAUSE_MS, { signal }).catch(() => undefined);
    }
    onProgress();
  }

  return {
    catchUp(from) {
      work ??= run(from).finally(() => {
        work = undefined;
      });
    },
    async hasOther(from, record) {
      try {
        const answer = await ask(from, record);
        // One that has the same record shows its certificate.
        return isEmpty(answer) && answer.kind === "history" && answer.certificate === undefined;
      } catch {
        return false;
      }
    },
    get idle() {
      return work ?? Promise.resolve();
    },
  };
}

function isEmpty(answer: ChannelMessageOf<"history"> | ChannelMessageOf<"snapshot">): boolean {
  return answer.kind === "history" && answer.batches.length === 0;
}

function away(peer: string): SprfError {
  return new SprfError("PEER_UNREACHABLE", `${peer} is away`);
}
