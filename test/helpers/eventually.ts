import { setTimeout as wait } from "node:timers/promises";

const POLL_MS = 5;

/** Waits until `condition` holds, as long as the test may take; its last words are in the error when it never does. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  { what = "the condition", timeoutMs = 20_000 }: { what?: string; timeoutMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come about within ${timeoutMs} ms`);
    await wait(POLL_MS);
  }
}
