import type { Logger } from "../../ports/logger.ts";
import { currentRequest } from "../../utils/request-scope.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** Keeps its lines, for tests that look at them. */
export function createMemoryLogger(lines: LogLine[] = [], bindings: Readonly<Record<string, unknown>> = {}): Logger {
  const at =
    (level: LogLine["level"]) =>
    (message: string, context: Readonly<Record<string, unknown>> = {}): void => {
      const requestId = currentRequest();
      lines.push({
        level,
        message,
        context: { ...bindings, ...(requestId === undefined ? {} : { requestId }), ...context },
      });
    };
  return {
    child: (more) => createMemoryLogger(lines, { ...bindings, ...more }),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
}
