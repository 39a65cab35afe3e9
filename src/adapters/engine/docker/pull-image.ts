import type Docker from "dockerode";

import { messageOf, SprfError } from "../../../errors.ts";
import { raceAbort } from "../../../utils/abort.ts";
import { statusOf, translateDockerError } from "./docker-errors.ts";

export type OnProgress = (progress: { done: number; total: number }) => void;

interface PullEvent {
  readonly id?: string;
  readonly status?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/**
 * Pulls an image by digest.
 *
 * @throws SprfError `PROGRAM_NOT_FOUND` when the registry does not have it or cannot be reached, `ENGINE_UNAVAILABLE`
 */
export async function pullImage(
  docker: Docker,
  image: string,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined },
): Promise<void> {
  const layers = new Map<string, { done: number; total: number }>();
  const follow = async (): Promise<void> => {
    const stream = await docker.pull(image, signal === undefined ? {} : { abortSignal: signal });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error === null ? resolve() : reject(error)),
      (event: PullEvent) => {
        if (event.error !== undefined) reject(new Error(event.error));
        if (onProgress === undefined || event.id === undefined) return;
        const { current, total } = event.progressDetail ?? {};
        if (event.status !== "Downloading" || current === undefined || total === undefined) return;
        layers.set(event.id, { done: current, total });
        onProgress(sumOf([...layers.values()]));
      },
    );
    await promise;
  };
  try {
    await raceAbort(follow(), signal);
  } catch (error) {
    const translated = translateDockerError(error, "the image cannot be pulled");
    if (translated.code !== "ENGINE_FAILED" || signal?.aborted) throw translated;
    const why = statusOf(error) === 404 ? "the registry does not have" : "the registry did not give";
    throw new SprfError("PROGRAM_NOT_FOUND", `${why} ${image}: ${messageOf(error)}`, {
      cause: error,
      context: { image },
    });
  }
}

function sumOf(parts: readonly { done: number; total: number }[]): { done: number; total: number } {
  return parts.reduce((sum, part) => ({ done: sum.done + part.done, total: sum.total + part.total }), {
    done: 0,
    total: 0,
  });
}
