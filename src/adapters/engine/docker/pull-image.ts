import type Docker from "dockerode";

import { messageOf, SprfError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import { raceAbort } from "../../../utils/abort.ts";
import { statusOf, translateDockerError } from "./docker-errors.ts";
import { PullProgress, type PullEvent } from "./pull-progress.ts";

export type OnProgress = (progress: { done: number; total: number }) => void;

export interface PullLimits {
  /**
   * How long nothing may come from the registry; engines tell of every 512 KiB, or hundredth of a layer.
   *
   * @default 30,000
   */
  readonly silenceMs?: number | undefined;
  /**
   * How long a pull may take altogether.
   *
   * @default 1,800,000
   */
  readonly timeoutMs?: number | undefined;
}

const SILENCE_MS = 30_000;
const TIMEOUT_MS = 30 * 60_000;
/** Unpacking is this machine's work, of which a slow disk says nothing for long. */
const UNPACKING_SILENCES = 10;

/**
 * Pulls an image by digest.
 *
 * @throws SprfError `PROGRAM_NOT_FOUND` when the registry does not have it or cannot be reached, `REGISTRY_STALLED` when it does
 * not go on, `ENGINE_UNAVAILABLE`
 */
export async function pullImage(
  { docker, clock }: { readonly docker: Docker; readonly clock: Clock },
  image: string,
  { signal, onProgress, limits = {} }: { signal: AbortSignal; onProgress: OnProgress; limits?: PullLimits | undefined },
): Promise<void> {
  const progress = new PullProgress();
  const ended = new AbortController();
  const stalled = new AbortController();
  const watch = { clock, progress, signal: ended.signal, limits };
  whenStalled(watch).then(
    (why) => stalled.abort(new SprfError("REGISTRY_STALLED", `${image}: ${why}`, { context: { image } })),
    () => undefined,
  );
  const either = AbortSignal.any([signal, stalled.signal]);
  const follow = async (): Promise<void> => {
    const stream = await docker.pull(image, { abortSignal: either });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error === null ? resolve() : reject(error)),
      (event: PullEvent) => {
        if (event.error !== undefined) reject(new Error(event.error));
        progress.hear(event);
        if (progress.total > 0) onProgress({ done: progress.done, total: progress.total });
      },
    );
    await promise;
  };
  try {
    await raceAbort(follow(), either);
  } catch (error) {
    const translated = translateDockerError(error, "the image cannot be pulled");
    if (translated.code !== "ENGINE_FAILED" || either.aborted) throw translated;
    const why = statusOf(error) === 404 ? "the registry does not have" : "the registry did not give";
    throw new SprfError("PROGRAM_NOT_FOUND", `${why} ${image}: ${messageOf(error)}`, {
      cause: error,
      context: { image },
    });
  } finally {
    ended.abort();
  }
}

/** Resolves with why a pull should be given up. */
async function whenStalled({
  clock,
  progress,
  signal,
  limits: { silenceMs = SILENCE_MS, timeoutMs = TIMEOUT_MS },
}: {
  readonly clock: Clock;
  readonly progress: PullProgress;
  readonly signal: AbortSignal;
  readonly limits: PullLimits;
}): Promise<string> {
  const silence = async (): Promise<string> => {
    for (let silent = 0; silent < (progress.waitsForRegistry ? 1 : UNPACKING_SILENCES);) {
      const before = progress.steps;
      await clock.sleep(silenceMs, { signal });
      silent = progress.steps === before ? silent + 1 : 0;
    }
    return `nothing has come from the registry for ${silenceMs} ms`;
  };
  const time = async (): Promise<string> => {
    await clock.sleep(timeoutMs, { signal });
    return `it could not be pulled within ${timeoutMs} ms`;
  };
  return await Promise.race([silence(), time()]);
}
