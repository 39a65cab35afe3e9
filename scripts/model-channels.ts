// Searches the model of channels for states that must not be, prints what came of it with the traces, and writes it to
// bench/results/channel-model.json: `node scripts/model-channels.ts`, in three minutes of one processor.
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";

import { printTrace } from "../test/model/channel/print-trace.ts";
import { search } from "../test/model/channel/search.ts";
import { FAULTS, LOCKED_SEARCHES, SOUND_SEARCHES } from "../test/model/channel/searches.ts";

const RESULT = new URL("../bench/results/channel-model.json", import.meta.url);
const MICROSECONDS = 1_000_000;

const searches = [];
for (const { name, bounds, rules, options, isUnsafe } of [...SOUND_SEARCHES, ...FAULTS, ...LOCKED_SEARCHES]) {
  const before = process.cpuUsage();
  const { states, steps, depth, breach } = search(bounds, rules, options);
  const { user } = process.cpuUsage(before);
  const trace = breach === undefined ? [] : printTrace(bounds, rules, breach.trace);
  searches.push({
    name,
    bounds,
    states,
    steps,
    depth,
    cpuSeconds: Math.round((user / MICROSECONDS) * 10) / 10,
    ...(breach === undefined ? {} : { breach: breach.what, trace }),
  });
  const came = breach === undefined ? "nothing wrong" : breach.what;
  console.log(`${name}: ${states} states, ${steps} steps, depth ${depth}, ${came}`);
  for (const line of trace) console.log(`  ${line}`);
  if ((breach !== undefined) !== isUnsafe) process.exitCode = 1;
}
const machine = `${cpus().length} x ${cpus()[0]?.model.trim() ?? "?"}`;
const summary = { machine, versions: { node: process.versions.node }, date: new Date().toISOString(), searches };
await writeFile(RESULT, `${JSON.stringify(summary, undefined, 2)}\n`);
