import type { Metrics } from "../../ports/metrics.ts";

/** Where nobody asks for metrics. */
export const noMetrics: Metrics = {
  count: () => undefined,
  observe: () => undefined,
  gauge: () => undefined,
  total: () => undefined,
};
