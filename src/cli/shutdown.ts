const FORCED_EXIT_CODE = 130;

/**
 * A signal that aborts on the first SIGINT or SIGTERM, so that everything closes in order; the second ends the process at once.
 */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(FORCED_EXIT_CODE);
    controller.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}
