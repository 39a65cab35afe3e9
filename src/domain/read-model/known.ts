import { SprfError } from "../../errors.ts";

/**
 * A row that an event takes for granted.
 *
 * @throws SprfError `EVENTS_MISSING` when there is none: the log that is read begins too late or has gaps
 */
export function known<T>(row: T | undefined, what: string): T {
  if (row === undefined) throw new SprfError("EVENTS_MISSING", `an event names ${what}, which no event before it made`);
  return row;
}
