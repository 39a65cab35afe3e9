// What a node pays to watch its deployments on a Docker Engine: `node bench/workloads.ts [deployments]`.
import { readFile } from "node:fs/promises";

import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { createDockerWorkloads } from "../src/adapters/workloads/docker/create-docker-workloads.ts";
import { busyboxImage, dockerNetworkAbsence } from "../test/helpers/docker-workloads-fixture.ts";
import { isRequired } from "../test/helpers/require-parts.ts";
import { ask, freePort, serverOf, specOf } from "../test/helpers/workload-specs.ts";
import { cpuMsOf } from "./processes.ts";
import { type ReportRow, round, timing, writeReport } from "./report.ts";

const DEPLOYMENTS = Number(process.argv[2] ?? 50);
const ROUNDS = 5;
const UPDATES = 5;
const ADDRESS = "127.0.10.19";
const MIB = 1024 * 1024;

const absent = await dockerNetworkAbsence();
if (absent === undefined) await writeReport("workloads", await measure(), { versions: {} });
else if (isRequired("docker-networks")) throw new Error(`docker-networks is missing: ${absent}`);
else console.log(`left out: docker-networks is missing (${absent})`);

async function measure(): Promise<ReportRow[]> {
  const init = { owner: `bench-${process.pid}`, firewall: "managed-elsewhere" as const };
  const workloads = createDockerWorkloads({ logger: createMemoryLogger() }, init);
  const image = await busyboxImage();
  const volumes = [{ name: "data", path: "/data", sizeBytes: MIB }];
  const specs = Array.from({ length: DEPLOYMENTS }, (_, at) =>
    specOf(`b${at}`, "aa", serverOf(image, "x", { volumes, memoryBytes: 16 * MIB, healthCheck: undefined })),
  );
  try {
    const gaps = await measureSwitch();
    const first = await timed(specs.map((spec) => async () => await workloads.deploy(spec)));
    const again = await timed(specs.map((spec) => async () => await workloads.deploy(spec)));
    const own = process.cpuUsage();
    const engine = await engineCpuMs();
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now();
      await Promise.all(specs.map(async ({ contractId }) => await workloads.usage(contractId)));
      rounds.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(own);
    const ownMs = (user + system) / 1000 / ROUNDS;
    const engineMs = ((await engineCpuMs()) - engine) / ROUNDS;
    const lists = await timed(Array.from({ length: ROUNDS }, () => async () => await workloads.list()));
    return [
      timing(`usage of ${DEPLOYMENTS} deployments, all at once`, rounds),
      { name: "of which CPU time of the node's process", value: round(ownMs), unit: "ms" },
      { name: "of which CPU time of dockerd", value: round(engineMs), unit: "ms" },
      {
        name: "share of one core, when usage is read once a minute (node and dockerd)",
        value: round((ownMs + engineMs) / 600),
        unit: "%",
      },
      timing(`list of ${DEPLOYMENTS} deployments`, lists),
      timing("deploy: first time, a second of running included (one container, one volume, two networks)", first),
      timing("deploy: again, nothing to do", again),
      timing("update beside: longest time without an answer", gaps),
    ];
  } finally {
    for (const { contractId } of await workloads.list()) await workloads.remove(contractId);
  }

  async function measureSwitch(): Promise<number[]> {
    const port = await freePort(ADDRESS);
    const gaps: number[] = [];
    for (let update = 0; update <= UPDATES; update++) {
      const deploying = workloads.deploy(specOf("switch", "aa", serverOf(image, `v${update}`, { ports: [port] })));
      let done = update === 0;
      const finished = deploying.then(() => (done = true));
      let longest = 0;
      let last = performance.now();
      while (!done) {
        if ((await ask(port)) === undefined) continue;
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
      }
      await finished;
      if (update > 0) gaps.push(longest);
    }
    return gaps;
  }
}

async function timed(works: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const samples: number[] = [];
  for (const work of works) {
    const began = performance.now();
    await work();
    samples.push(performance.now() - began);
  }
  return samples;
}

/** CPU time that the Docker Engine has used, with its shims left out. */
async function engineCpuMs(): Promise<number> {
  return await cpuMsOf(Number((await readFile("/var/run/docker.pid", "utf8")).trim()));
}
