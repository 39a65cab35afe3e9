import type { LogEntry, Workloads } from "../ports/workloads.ts";

const MAX_TAIL_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** The last lines of a container's log, and what is written later if it is to be followed. */
export async function* tailLogs(
  workloads: Pick<Workloads, "logs">,
  { contractId, container }: { readonly contractId: string; readonly container: string },
  options: { readonly tailLines: number; readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<LogEntry> {
  const { tailLines, follow, signal } = options;
  let kept: LogEntry[] = [];
  let bytes = 0;
  let newest: LogEntry | undefined;
  // All that the engine keeps is bounded; of it, no more is held than is given.
  for await (const entry of workloads.logs(contractId, container, { maxBytes: Number.MAX_SAFE_INTEGER, signal })) {
    newest = entry;
    kept.push(entry);
    bytes += entry.bytes.length;
    while (kept.length > 2 * tailLines + 1 || bytes > MAX_TAIL_BYTES) bytes -= kept.shift()?.bytes.length ?? 0;
  }
  kept = lastLines(kept, tailLines);
  yield* kept;
  if (!follow) return;
  const since = newest === undefined ? undefined : Math.floor(Date.parse(newest.at) / 1_000);
  for await (const entry of workloads.logs(contractId, container, { follow: true, since, signal })) {
    // The second that was read already comes once more.
    if (newest !== undefined && entry.at <= newest.at) continue;
    yield entry;
  }
}

/** Long lines come in parts, of which the last has the end of the line. */
function lastLines(entries: LogEntry[], lines: number): LogEntry[] {
  if (lines === 0) return [];
  let count = 0;
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    const beginsLine = index === 0 || entries[index - 1]?.bytes.at(-1) === NEWLINE;
    if (beginsLine) count += 1;
    if (count === lines) return entries.slice(index);
  }
  return entries;
}
