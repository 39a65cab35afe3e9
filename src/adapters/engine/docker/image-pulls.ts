import type Docker from "dockerode";

import type { Clock } from "../../../ports/clock.ts";
import { raceAbort, throwIfAborted } from "../../../utils/abort.ts";
import { pullImage, type OnProgress, type PullLimits } from "./pull-image.ts";

/** Pulls that go on when those who asked for them give up, so that an image that takes longer than any run still comes. */
export interface ImagePulls {
  /** Joins the pull of the image that is under way, or begins one. @throws what `pullImage` throws, `ABORTED` */
  pull(
    image: string,
    options: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined },
  ): Promise<void>;
  /** Ends all pulls; safe to repeat. */
  close(): Promise<void>;
}

interface Pull {
  readonly listeners: Set<OnProgress>;
  readonly done: Promise<void>;
}

export function createImagePulls(
  components: {
    readonly docker: Docker;
    readonly clock: Clock;
    /** Done after each pull, before those who wait for it go on. */
    readonly onPulled: (image: string) => Promise<void>;
  },
  limits: PullLimits = {},
): ImagePulls {
  const pulls = new Map<string, Pull>();
  const closing = new AbortController();

  function begin(image: string): Pull {
    const listeners = new Set<OnProgress>();
    const onProgress: OnProgress = (progress) => {
      for (const listener of listeners) listener(progress);
    };
    const done = pullImage(components, image, { signal: closing.signal, onProgress, limits })
      .then(async () => await components.onPulled(image))
      .finally(() => pulls.delete(image));
    // Perhaps nobody waits for it any more.
    done.catch(() => undefined);
    const pull = { listeners, done };
    pulls.set(image, pull);
    return pull;
  }

  return {
    async pull(image, { signal, onProgress }) {
      throwIfAborted(signal);
      const { listeners, done } = pulls.get(image) ?? begin(image);
      if (onProgress !== undefined) listeners.add(onProgress);
      try {
        await raceAbort(done, signal);
      } finally {
        if (onProgress !== undefined) listeners.delete(onProgress);
      }
    },
    async close() {
      closing.abort();
      await Promise.allSettled([...pulls.values()].map(({ done }) => done));
    },
  };
}
