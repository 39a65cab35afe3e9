import { isSprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { WorkerApiComponents } from "./api.ts";

const MS_PER_SECOND = 1_000;

type Measured = Pick<WorkerApiComponents, "execute" | "endorse" | "consent">;

/** The same work; how much of it there is, how long it takes and what it signs is counted. */
export function measureApi<C extends Measured>(
  components: C,
  { metrics, clock }: { readonly metrics: Metrics; readonly clock: Clock },
): C {
  async function timed<T>(kind: "execution" | "batch" | "change", work: Promise<T>): Promise<T> {
    const beganMs = clock.now();
    let code = "OK";
    try {
      return await work;
    } catch (error) {
      code = isSprfError(error) ? error.code : "INTERNAL";
      throw error;
    } finally {
      metrics.count("sprf_worker_requests_total", { kind, code });
      metrics.observe("sprf_worker_request_seconds", (clock.now() - beganMs) / MS_PER_SECOND, { kind });
    }
  }
  const signed = (on: "answer" | "transition" | "batch" | "change"): void =>
    metrics.count("sprf_worker_signatures_total", { on });
  return {
    ...components,
    async execute(request) {
      const answer = await timed("execution", components.execute(request));
      metrics.count("sprf_worker_executions_total", { status: answer.signed.answer.status });
      signed("answer");
      if (answer.signed.transactionSignature !== undefined) signed("transition");
      return answer;
    },
    async endorse(proposal) {
      const verdict = await timed("batch", components.endorse(proposal));
      if (verdict.kind === "signed") signed("batch");
      return verdict;
    },
    async consent(proposal) {
      const consent = await timed("change", components.consent(proposal));
      signed("change");
      return consent;
    },
  };
}
