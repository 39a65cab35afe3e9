import { expect } from "chai";
import Docker from "dockerode";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { promisify } from "node:util";

import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createDockerWorkloads } from "../../../../src/adapters/workloads/docker/create-docker-workloads.ts";
import type { ContainerUsage, WorkloadContainer, Workloads } from "../../../../src/ports/workloads.ts";
import { gridAbsence, nginxImage, postgresImage } from "../../../helpers/debian-image.ts";
import { DOCKER_SOCKET } from "../../../helpers/docker-programs.ts";
import { busyboxImage } from "../../../helpers/docker-workloads-fixture.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { until } from "../../../helpers/until.ts";
import { freePort, scriptOf, specOf } from "../../../helpers/workload-specs.ts";

const MIB = 1024 * 1024;
const PAGE_BYTES = 10_000;
const LOAD_SECONDS = 2;
/** Images may have to be built first. */
const SLOW_MS = 180_000;
const run = promisify(execFile);

describeWithPart("grid", await gridAbsence(), "real workloads on a Docker Engine", () => {
  const owner = `real-${process.pid}`;
  const address = `127.0.10.${(process.pid % 200) + 20}`;
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  let workloads: Workloads;

  const create = (): Workloads => createDockerWorkloads({ logger: createMemoryLogger() }, { owner });
  beforeEach(async function () {
    this.timeout(60_000);
    workloads = create();
    await workloads.check();
  });
  afterEach(async function () {
    this.timeout(60_000);
    for (const { contractId } of await workloads.list()) await workloads.remove(contractId);
  });

  it("keeps a PostgreSQL's data through an update, a pause and the end of the node's process", async () => {
    const port = { ...(await freePort(address)), containerPort: 5432 };
    const password = "of-a-test";
    const database: WorkloadContainer = {
      name: "db",
      image: await postgresImage(),
      environment: { POSTGRES_PASSWORD: password },
      cpuMillis: 1000,
      memoryBytes: 256 * MIB,
      volumes: [{ name: "data", path: "/data", sizeBytes: 512 * MIB }],
      ports: [port],
      restart: "always",
      healthCheck: {
        command: ["sh", "-c", "$(ls -d /usr/lib/postgresql/*/bin)/pg_isready -h 127.0.0.1"],
        intervalMs: 500,
        timeoutMs: 10_000,
        retries: 100,
      },
    };
    const psql = async (query: string): Promise<string> => {
      const { stdout } = await run(
        "psql",
        ["-h", port.hostAddress, "-p", String(port.hostPort), "-U", "postgres", "-At", "-c", query],
        { env: { PATH: process.env["PATH"], PGPASSWORD: password, PGCONNECT_TIMEOUT: "20" } },
      );
      return stdout.trim();
    };
    await workloads.deploy(specOf("1", "aa", database));
    await psql("create table kept (line text)");
    await psql("insert into kept values ('before the update')");
    await workloads.deploy(specOf("1", "bb", { ...database, memoryBytes: 320 * MIB }));
    await psql("insert into kept values ('after it')");
    workloads = create();
    await workloads.pause("1");
    await workloads.resume("1");
    expect(await psql("select string_agg(line, ', ') from kept")).to.equal("before the update, after it");
    const { disk } = await workloads.usage("1");
    expect(disk.find(({ kind }) => kind === "volume")?.bytes).to.be.within(20 * MIB, 512 * MIB);
  }).timeout(SLOW_MS);

  it("serves an nginx's page on an address of its own, and counts what Docker counts", async () => {
    const port = await freePort(address);
    const server: WorkloadContainer = {
      name: "web",
      image: await nginxImage(PAGE_BYTES),
      environment: {},
      cpuMillis: 500,
      memoryBytes: 64 * MIB,
      volumes: [],
      ports: [port],
      restart: "always",
      healthCheck: {
        command: ["wget", "-qO", "/dev/null", "http://127.0.0.1/"],
        intervalMs: 500,
        timeoutMs: 10_000,
        retries: 100,
      },
    };
    await workloads.deploy(specOf("2", "aa", server));
    const usage = async (): Promise<ContainerUsage> => {
      const [only] = (await workloads.usage("2")).containers;
      if (only === undefined) throw new Error("nothing runs");
      return only;
    };
    const before = await usage();
    const url = `http://${port.hostAddress}:${port.hostPort}/`;
    const { stdout } = await run("wrk", ["-t", "1", "-c", "8", "-d", `${LOAD_SECONDS}s`, url], { timeout: 60_000 });
    const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
    expect(requests).to.be.greaterThan(0);
    const after = await usage();
    expect(after.identity).to.equal(before.identity);
    expect(Number(after.sentBytes - before.sentBytes)).to.be.within(
      requests * PAGE_BYTES,
      requests * PAGE_BYTES * 1.2 + MIB,
    );
    expect(Number(after.cpuNanoseconds - before.cpuNanoseconds)).to.be.greaterThan(requests * 1000);
    // Docker's own tool rounds to three digits.
    const [id = ""] = after.identity.split("@");
    const { stdout: shown } = await run("docker", ["stats", "--no-stream", "--format", "{{.NetIO}}", id]);
    const [received = 0, sent = 0] = shown.split(" / ").map(bytesOf);
    expect(Number(after.sentBytes)).to.be.closeTo(sent, sent * 0.02);
    expect(Number(after.receivedBytes)).to.be.closeTo(received, received * 0.02 + 1000);
  }).timeout(SLOW_MS);

  it("keeps deployments from what listens on the node, which other containers reach", async () => {
    const image = await busyboxImage();
    const host = createServer((_, answer) => answer.end("REACHED"));
    const listening = Promise.withResolvers<void>();
    host.listen(0, "0.0.0.0", listening.resolve);
    await listening.promise;
    try {
      const { port } = host.address() as { port: number };
      // The gateway of the default route and that of each network are the node.
      const gateways = `ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p'`;
      const reach = `for at in $(${gateways}); do echo "at $at"; timeout 2 wget -qO- http://$at:${port}/; done; echo done`;
      const container = await docker.createContainer({ Image: image, Cmd: ["sh", "-c", reach] });
      await container.start();
      await container.wait();
      const seen = (await container.logs({ stdout: true, follow: false })).toString("latin1");
      await container.remove({ force: true });
      expect(seen).to.include("at ").and.to.include("REACHED");

      await workloads.deploy(specOf("3", "aa", scriptOf(image, reach, { restart: "no" })));
      await until(async () => (await workloads.status("3"))[0]?.state === "exited", { timeoutMs: 60_000 });
      let text = "";
      for await (const { bytes } of workloads.logs("3", "script")) text += Buffer.from(bytes).toString();
      expect(text).to.include("at 10.").and.to.include("done").and.not.to.include("REACHED");
    } finally {
      host.closeAllConnections();
      const closed = Promise.withResolvers<void>();
      host.close(() => closed.resolve());
      await closed.promise;
    }
  }).timeout(SLOW_MS);
});

function bytesOf(shown: string): number {
  const [, number = "0", unit = "B"] = /^([0-9.]+)([kMG]?B)$/.exec(shown.trim()) ?? [];
  return Number(number) * { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[unit as "B"];
}
