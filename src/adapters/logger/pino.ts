import { destination, pino } from "pino";

import type { Logger } from "../../ports/logger.ts";

export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

/** JSON lines on stderr, so that stdout stays free for answers. */
export function createPinoLogger({ level }: { level: LogLevel }): Logger {
  return wrap(pino({ level, base: null }, destination({ fd: 2, sync: true })));
}

function wrap(log: ReturnType<typeof pino>): Logger {
  return {
    child: (bindings) => wrap(log.child(bindings)),
    debug: (message, context = {}) => log.debug(context, message),
    info: (message, context = {}) => log.info(context, message),
    warn: (message, context = {}) => log.warn(context, message),
    error: (message, context = {}) => log.error(context, message),
  };
}
