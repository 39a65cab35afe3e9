import { createPinoLogger, type LogLevel } from "./adapters/logger/pino.ts";
import type { Logger } from "./ports/logger.ts";

/** The log of a process: JSON lines on stderr. */
export function createLogger(level: LogLevel): Logger {
  return createPinoLogger({ level });
}
