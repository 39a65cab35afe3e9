/** A structured log: a constant message plus values. Never secrets; text from peers at `debug` only. */
export interface Logger {
  child(bindings: Readonly<Record<string, unknown>>): Logger;
  debug(message: string, context?: Readonly<Record<string, unknown>>): void;
  info(message: string, context?: Readonly<Record<string, unknown>>): void;
  warn(message: string, context?: Readonly<Record<string, unknown>>): void;
  error(message: string, context?: Readonly<Record<string, unknown>>): void;
}
