import { isSprfError, messageOf } from "../errors.ts";
import { letGoOf, withHolder } from "../execution/held-content.ts";
import { createLocalRuns } from "../execution/local-runs.ts";
import type { RunComponents } from "../execution/run-program.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { RunDesk, RunResultClaim, TakenRun } from "../ports/run-queue.ts";
import type { RunPlan } from "../ports/runs.ts";
import type { Startable } from "../ports/startable.ts";
import { abortError } from "../utils/abort.ts";
import { within } from "../utils/within.ts";

/** Between two signs of life. */
const RENEW_MS = 3_000;
/** Without an answer to one for so long, others have this runner's runs. */
const LEASE_MS = 10_000;
/** Between two looks for what nobody waits for any more. */
const RELEASE_MS = 2_000;
/** How long runs may take to end when the runner does: as long as the longest program. */
const DRAIN_MS = 110_000;
/** How long the worker has to fetch the last results. */
const COLLECT_MS = 30_000;
const HOLDER = "run/";

export interface ServeRunsComponents extends Omit<RunComponents, "keepInput"> {
  readonly desk: RunDesk;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ServeRunsInit {
  /** Runs at once. */
  readonly capacity: number;
}

interface Running {
  readonly run: TakenRun;
  readonly end: AbortController;
}

/**
 * Takes runs and makes them, until it is stopped: then it takes no more, ends what it has begun, and waits until its worker has the
 * results. What it no longer holds the lease of it ends at once.
 */
export function createServeRuns(components: ServeRunsComponents, { capacity }: ServeRunsInit): Startable {
  const { desk, content, engines, clock } = components;
  const logger = components.logger.child({ component: "runner" });
  const running = new Map<string, Running>();
  /** Reported, and kept until the worker has it. */
  const kept = new Set<string>();
  /** What programs declare their states to be; references name content, so that it never changes. */
  const stateKinds = new Map<string, "file" | "directory">();
  const draining = new AbortController();
  const over = new AbortController();
  let slotFree = Promise.withResolvers<void>();
  let isAside = false;
  let loops: Promise<void>[] = [];
  let stopping: Promise<void> | undefined;

  async function takeRuns(): Promise<void> {
    while (!draining.signal.aborted) {
      if (running.size >= capacity || isAside) {
        await Promise.race([slotFree.promise, pause(RENEW_MS, draining.signal)]);
        continue;
      }
      for (const run of await desk.take(capacity - running.size, { signal: draining.signal })) begin(run);
    }
  }

  function begin(run: TakenRun): void {
    const end = new AbortController();
    running.set(run.id, { run, end });
    make(run, end.signal)
      .catch((error: unknown) => logger.warn("a run came to nothing", { id: run.id, reason: messageOf(error) }))
      .finally(() => {
        // A later attempt at it may have come here meanwhile.
        if (running.get(run.id)?.run === run) running.delete(run.id);
        slotFree.resolve();
        slotFree = Promise.withResolvers<void>();
      });
  }

  async function make(run: TakenRun, signal: AbortSignal): Promise<void> {
    const startedMs = clock.now();
    let isKept = false;
    try {
      const claim = await claimOf(run, signal);
      if (claim === undefined) return;
      isKept = await desk.report(run, claim, { tookMs: clock.now() - startedMs });
      if (isKept) kept.add(run.id);
      else logger.info("a run was another's when it ended", { id: run.id });
    } finally {
      if (!isKept) await letGo(run.id);
    }
  }

  /** What to report; nothing of a run that is this runner's no more. */
  async function claimOf({ id, plan }: TakenRun, signal: AbortSignal): Promise<RunResultClaim | undefined> {
    if (plan === undefined) {
      return { kind: "failed", code: "INVALID_INPUT", message: "the plan cannot be read here", wasBegun: false };
    }
    let wasBegun = false;
    try {
      const runs = createLocalRuns({ ...components, content: withHolder(content, () => `${HOLDER}${id}`) });
      const outcome = await runs.run(plan, { signal, onEngineFailure: () => (wasBegun = true) });
      const { status, outputCid, newState, gas, seconds, detail } = outcome;
      const state = await stateKindOf(plan, signal);
      return { kind: "done", status, outputCid, newState, state, gas, seconds, detail };
    } catch (error) {
      if (signal.aborted) {
        logger.info("a run was ended", { id, reason: abortError(signal).message });
        return undefined;
      }
      logger.info("a run failed", { id, program: plan.program, reason: messageOf(error) });
      const code = isSprfError(error) ? error.code : "INTERNAL";
      return { kind: "failed", code, message: messageOf(error), wasBegun };
    }
  }

  async function stateKindOf({ reference }: RunPlan, signal: AbortSignal): Promise<"file" | "directory"> {
    const key = reference.kind === "wasi" ? reference.cid : reference.digest;
    const known = stateKinds.get(key);
    if (known !== undefined) return known;
    // It was prepared a moment ago.
    const prepared = await engines.get(reference.kind)?.prepare(reference, { signal });
    const state = prepared?.state ?? "file";
    stateKinds.set(key, state);
    return state;
  }

  async function renew(): Promise<void> {
    let renewedMs = clock.now();
    while (!over.signal.aborted) {
      const askedMs = clock.now();
      // A network that was cut says nothing, and the lease ends all the same.
      const timeoutMs = Math.max(RENEW_MS, renewedMs + LEASE_MS - askedMs);
      try {
        const before = [...running.values()].map(({ run }) => run);
        const { lost, setAside } = await within(async () => await desk.renew(before), { clock, timeoutMs });
        renewedMs = askedMs;
        for (const { id } of lost) endRun(id, "its lease was lost, or its worker took it back");
        if (setAside !== undefined && !isAside) logger.error("this runner is set aside", { why: setAside });
        isAside = setAside !== undefined;
        if (isAside) endAll("this runner is set aside");
      } catch (error) {
        logger.warn("no sign of life can be given", { reason: messageOf(error) });
        if (clock.now() - renewedMs >= LEASE_MS) endAll("the lease ran out while the database was away");
      }
      await pause(RENEW_MS, over.signal);
    }
  }

  function endRun(id: string, why: string): void {
    running.get(id)?.end.abort(new Error(why));
  }

  function endAll(why: string): void {
    for (const id of running.keys()) endRun(id, why);
  }

  async function release(): Promise<void> {
    for await (const { holder } of content.held(HOLDER)) kept.add(holder.slice(HOLDER.length));
    while (!over.signal.aborted) {
      try {
        const ids = [...kept];
        for (const id of ids.length === 0 ? [] : await desk.released(ids)) {
          kept.delete(id);
          await letGo(id);
        }
      } catch (error) {
        logger.debug("what is over cannot be asked now", { reason: messageOf(error) });
      }
      await pause(kept.size > 0 && draining.signal.aborted ? RELEASE_MS / 10 : RELEASE_MS, over.signal);
    }
  }

  async function letGo(id: string): Promise<void> {
    await letGoOf(content, `${HOLDER}${id} `);
  }

  /** Never throws: whoever paces itself sees to the signal. */
  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    await clock.sleep(ms, { signal }).catch(() => undefined);
  }

  async function untilEmpty(things: { readonly size: number }, timeoutMs: number): Promise<void> {
    const untilMs = clock.now() + timeoutMs;
    while (things.size > 0 && clock.now() < untilMs) await pause(50, over.signal);
  }

  async function drain(): Promise<void> {
    draining.abort();
    await loops[0];
    await untilEmpty(running, DRAIN_MS);
    endAll("the runner stops");
    await untilEmpty(kept, COLLECT_MS);
    if (kept.size > 0) logger.warn("results were not collected", { results: kept.size });
    over.abort();
    await Promise.all(loops);
    await desk.stop();
  }

  return {
    async start(options) {
      if (loops.length > 0) return;
      desk.onTakenBack((id) => endRun(id, "its worker took it back"));
      await desk.start(options);
      loops = [takeRuns(), renew(), release()];
      // Each handles its own failures; one that is left is a bug, and must not be lost.
      for (const loop of loops) {
        loop.catch((error: unknown) => logger.error("the runner is broken", { reason: messageOf(error) }));
      }
    },
    async stop() {
      await (stopping ??= loops.length === 0 ? desk.stop() : drain());
    },
  };
}
