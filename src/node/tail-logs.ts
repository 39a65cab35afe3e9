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
  let lines = 0;
  let newest: LogEntry | undefined;
  // All that the engine keeps is bounded; of it, no more is held than is given.
  for await (const entry of workloads.logs(contractId, container, { maxBytes: Number.MAX_SAFE_INTEGER, signal })) {
    newest = entry;
    kept.push(entry);
    bytes += entry.bytes.length;
    if (endsLine(entry)) lines += 1;
    while (lines > tailLines || bytes > MAX_TAIL_BYTES) {
      const oldest = kept.shift();
      bytes -= oldest?.bytes.length ?? 0;
      if (oldest !== undefined && endsLine(oldest)) lines -= 1;
    }
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
    const beginsLine = index === 0 || endsLine(entries[index - 1]);
    if (beginsLine) count += 1;
    if (count === lines) return entries.slice(index);
  }
  return entries;
}

function endsLine(entry: LogEntry | undefined): boolean {
  return entry?.bytes.at(-1) === NEWLINE;
}
