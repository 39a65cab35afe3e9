import type { StellarDevnet } from "../../src/devnet/stellar/create-stellar-devnet.ts";
import { until } from "./until.ts";

/** Time enough for who waits for a ledger to look at it. */
const BETWEEN_MS = 40;

/** Closes one ledger after the other until `work` has ended; before each, `prepare` may put something into its queue. */
export async function closeWhile<T>(
  devnet: Pick<StellarDevnet, "closeLedger">,
  work: Promise<T>,
  { prepare, timeoutMs = 30_000 }: { readonly prepare?: () => Promise<void>; readonly timeoutMs?: number } = {},
): Promise<T> {
  let ended = false;
  const end = (): void => void (ended = true);
  work.then(end, end);
  let next = 0;
  await until(
    async () => {
      if (ended || performance.now() < next) return ended;
      await prepare?.();
      devnet.closeLedger();
      next = performance.now() + BETWEEN_MS;
      return ended;
    },
    { timeoutMs, what: "what waits for ledgers" },
  );
  return await work;
}
