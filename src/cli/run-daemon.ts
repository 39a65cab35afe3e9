import { flushCompileCache } from "node:module";

import type { Startable } from "../ports/startable.ts";

/** Starts a daemon, says so, and keeps it until `signal` aborts; it is stopped in order whatever happens. */
export async function runDaemon(daemon: Startable, signal: AbortSignal, onStarted: () => void): Promise<void> {
  try {
    await daemon.start({ signal });
    onStarted();
    // Node writes what it has compiled at a proper exit only, and it is after the other kind that a fast start counts.
    flushCompileCache();
    await untilAborted(signal);
  } finally {
    await daemon.stop();
  }
}

/** Resolves when `signal` aborts; keeps the process alive until then. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
