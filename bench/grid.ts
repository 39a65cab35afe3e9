// What the grid bears: reports a second of a node, bills a second of a user, and what a node costs the machine that it is on, beside
// its deployments. `node bench/grid.ts [deployments] [seconds]`; the seconds are those in which the daemon is watched, with and
// without deployments.
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";

import { dockerNetworkAbsence } from "../test/helpers/docker-workloads-fixture.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { startGridNetwork } from "./grid-network.ts";
import { measureOverhead } from "./grid-overhead.ts";
import { measureReportsAndBills } from "./grid-reports.ts";
import { round, writeReport, type ReportRow } from "./report.ts";

const DEPLOYMENTS = Number(process.argv[2] ?? 50);
const SECONDS = Number(process.argv[3] ?? 120);

const absent = await dockerNetworkAbsence();
if (absent !== undefined && isRequired("docker-networks")) throw new Error(`docker-networks is missing: ${absent}`);

const loads = [loadOf("before")];
const directory = await mkdtemp(join(tmpdir(), "sprf-bench-grid-"));
const network = await startGridNetwork(directory);
const rows: ReportRow[] = [];
try {
  rows.push(...(await measureReportsAndBills(network, directory)));
  if (absent === undefined) {
    rows.push(...(await measureOverhead(network, { directory, deployments: DEPLOYMENTS, seconds: SECONDS })));
  } else console.log(`a node's daemon is left out: docker-networks is missing (${absent})`);
} finally {
  await network.stop();
  await rm(directory, { recursive: true, force: true });
}
await writeReport("grid", [...rows, ...loads, loadOf("after")], { versions: {} });

/** What else the machine did: these figures are of a shared one when it is more than what the benchmark does. */
function loadOf(when: string): ReportRow {
  return { name: `load of the machine ${when}, over a minute`, value: round(loadavg()[0] ?? 0), unit: "processes" };
}
