import type { StepPage } from "../src/dashboard/program-types.ts";

/** Newer steps before those that are known; where they do not meet, the newer ones alone. */
export function joinPages(newer: StepPage, known: StepPage): StepPage {
  const places = new Map(known.steps.map(({ recordCid }, index) => [recordCid, index]));
  const meets = newer.steps.findIndex(({ recordCid }) => places.has(recordCid));
  const at = places.get(newer.steps[meets]?.recordCid ?? "");
  if (at === undefined) return { steps: newer.steps, next: newer.next };
  return { steps: [...newer.steps.slice(0, meets), ...known.steps.slice(at)], next: known.next };
}
