import type { Logger } from "../ports/logger.ts";
import type { Metrics } from "../ports/metrics.ts";

/** The same log; its lines are counted by their level. */
export function countLines(logger: Logger, metrics: Metrics): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, context?: Readonly<Record<string, unknown>>): void => {
      metrics.count("sprf_daemon_log_lines_total", { level });
      logger[level](message, context);
    };
  return {
    child: (bindings) => countLines(logger.child(bindings), metrics),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}
