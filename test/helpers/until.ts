import { setTimeout as wait } from "node:timers/promises";

/** Waits for a condition that has no event, looking every 5 ms, or less often at what is dear to look at; fails after `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  {
    timeoutMs = 10_000,
    everyMs = 5,
    what = "the condition",
  }: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`);
    await wait(everyMs);
  }
}
