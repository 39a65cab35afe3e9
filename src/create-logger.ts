import { createPinoLogger, type LogLevel } from "./adapters/logger/pino.ts";
import type { Logger } from "./ports/logger.ts";

/** The log of a process: JSON lines on stderr, none of which shows one of the `hidden` values. */
export function createLogger(level: LogLevel, hidden: readonly string[] = []): Logger {
  return createPinoLogger({ level, hidden });
}
