import { destination, pino } from "pino";

import type { Logger } from "../../ports/logger.ts";
import { currentRequest } from "../../utils/request-scope.ts";

export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

const HIDDEN = "(hidden)";

export interface PinoLoggerInit {
  readonly level: LogLevel;
  /** Secrets: wherever one would stand in a line, something else does. @default none */
  readonly hidden?: readonly string[];
  /** Takes the lines. @default stderr */
  readonly write?: (line: string) => void;
}

/** JSON lines on stderr, so that stdout stays free for answers; each of a request with its id. */
export function createPinoLogger({ level, hidden = [], write }: PinoLoggerInit): Logger {
  const stderr = write === undefined ? destination({ fd: 2, sync: true }) : { write };
  const hide = hiderOf(hidden);
  const mixin = (): object => {
    const requestId = currentRequest();
    return requestId === undefined ? {} : { requestId };
  };
  return wrap(pino({ level, base: null, mixin }, { write: (line) => stderr.write(hide(line)) }));
}

/** Replaces values, also as JSON writes them. The longest come first: one may be a part of another. */
function hiderOf(values: readonly string[]): (line: string) => string {
  const forms = new Set(values.flatMap((value) => [value, JSON.stringify(value).slice(1, -1)]));
  forms.delete("");
  const ordered = [...forms].toSorted((a, b) => b.length - a.length);
  return (line) => ordered.reduce((text, value) => text.replaceAll(value, HIDDEN), line);
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
