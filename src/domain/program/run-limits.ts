import type { ProgramReference, RunLimits } from "../../ports/engine.ts";

type Limits = Omit<RunLimits, "timeoutMs">;

const NAMES = ["memoryBytes", "outputBytes", "stateBytes"] as const;

/** In what the limits that a record names differ from those of every table, said of the newest; undefined when one of them has them. */
export function differenceOfLimits(
  limits: Limits,
  kind: ProgramReference["kind"],
  tables: ReadonlyArray<Readonly<Record<ProgramReference["kind"], Limits>>>,
): string | undefined {
  if (tables.some((table) => NAMES.every((name) => limits[name] === table[kind][name]))) return undefined;
  const newest = tables.at(-1)?.[kind];
  const name = NAMES.find((each) => limits[each] !== newest?.[each]) ?? NAMES[0];
  return `${name} ${limits[name]} instead of ${newest?.[name] ?? "any"}`;
}
