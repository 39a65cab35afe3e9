import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { balancesCsv, entriesToCsv, generateEntries } from "../../examples/programs/journal.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { readDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { runMainJob } from "../../src/devnet/main-job.ts";
import { DEVNET_MARKET_SETTINGS } from "../../src/devnet/market-settings.ts";
import { messageOf } from "../../src/errors.ts";
import { dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { readEvents } from "../helpers/event-reader.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const run = promisify(execFile);
const PROJECT = `sprf-compose-${process.pid}`;
const IMAGE = "sprf-e2e";
const DAEMONS = ["worker-1", "worker-2", "worker-3", "tester", "dashboard"];
const DASHBOARD = "http://172.30.58.15:8080";
const SERVICES = ["devnet", ...DAEMONS];
const CLIENT_ACCOUNT = 1;
const SECOND_USER_ACCOUNT = 2;
const ENTRIES = 40;
const SUITE_TIMEOUT_MS = 600_000;
const HEALTHY_MS = 240_000;
/** The two images, without what Docker shares between them. */
const MOST_BYTES = { [IMAGE]: 260_000_000, [`${IMAGE}-devnet`]: 350_000_000 };

async function composeAbsence(): Promise<string | undefined> {
  try {
    await run("docker-compose", ["version"]);
    return await dockerNetworkAbsence();
  } catch (error) {
    return `${messageOf(error)}; scripts/ci/compose.sh installs it`;
  }
}

describeWithPart("compose", await composeAbsence(), "docker-compose.yml", function suite() {
  let client: SprfClient | undefined;

  before(async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    // docs-command: node scripts/image.ts
    await run("node", ["scripts/image.ts", "--tag", IMAGE]);
    // docs-command: docker-compose up -d
    await compose("up", "-d");
  });
  after(async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    await client?.close();
    // docs-command: docker-compose down --volumes
    await compose("down", "--volumes", "--timeout", "30");
  });

  it("should bring devnet, three workers, a tester and the dashboard up, healthy", async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    // docs-command: docker-compose ps
    await until(
      async () => (await Promise.all(SERVICES.map(stateOf))).every(({ Health }) => Health?.Status === "healthy"),
      { timeoutMs: HEALTHY_MS, everyMs: 1_000, what: "the health of all services" },
    );
  });

  it("should run a program to a state anchored by the majority, for a client outside", async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    // docs-command: docker-compose exec -T devnet /bin/node -p "fs.readFileSync('/devnet/devnet.json', 'utf8')"
    const script = "fs.readFileSync('/devnet/devnet.json', 'utf8')";
    const { stdout } = await compose("exec", "-T", "devnet", "/bin/node", "-p", script);
    const file = await devnetFileOf(stdout);
    client = await connect({
      networks: networksOf(file),
      keys: devnetKeys(CLIENT_ACCOUNT),
      logger: createMemoryLogger(),
    });
    const entries = generateEntries(ENTRIES, 1);
    const { executions } = await runMainJob(
      {
        client,
        friendbotUrl: file.friendbotUrl,
        secondUser: SECOND_USER_ACCOUNT,
        program: await exampleModule(async (bytes) => (await client?.putFile(bytes)) ?? ""),
        inputs: [new TextEncoder().encode(entriesToCsv(entries))],
        testerCount: 1,
        lengthBlocks: Number(DEVNET_MARKET_SETTINGS.epochLength),
      },
      () => undefined,
      { signal: AbortSignal.timeout(HEALTHY_MS) },
    );
    expect(new TextDecoder().decode(executions.at(-1)?.output)).to.equal(balancesCsv(entries));
  });

  it("should show the market in the dashboard, whose app is in the image", async () => {
    const page = await (await fetch(DASHBOARD)).text();
    const [, script = ""] = /<script type="module"[^>]* src="([^"]+)"/.exec(page) ?? [];
    expect((await fetch(new URL(script, DASHBOARD))).headers.get("content-type")).to.match(/^text\/javascript/);
    const reader = await readEvents(`${DASHBOARD}/events?topics=market`);
    try {
      await until(() => JSON.stringify(reader.events.at(-1)?.data ?? "").includes("pricePerBlock"));
    } finally {
      reader.close();
    }
  });

  it("should run daemons as a user of no rights, on a root that cannot be written", async () => {
    for (const service of SERVICES) {
      const { Config, HostConfig } = await inspect(service);
      expect([service, Config.User, HostConfig.ReadonlyRootfs, HostConfig.CapDrop]).to.deep.equal([
        service,
        "10001:10001",
        true,
        ["ALL"],
      ]);
    }
  });

  it("should keep images small", async () => {
    for (const [image, most] of Object.entries(MOST_BYTES)) {
      const { stdout } = await run("docker", ["image", "inspect", "--format", "{{.Size}}", image]);
      expect(Number(stdout), image).to.be.within(1, most);
    }
  });

  it("should end each daemon by SIGTERM with 0", async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    await compose("stop", "--timeout", "30", ...DAEMONS);
    for (const service of DAEMONS) expect([service, (await stateOf(service)).ExitCode]).to.deep.equal([service, 0]);
  });
});

async function compose(...words: readonly string[]): Promise<{ readonly stdout: string }> {
  const env = { ...process.env, SPRF_IMAGE: IMAGE };
  return await run("docker-compose", ["-p", PROJECT, ...words], { env });
}

interface Inspected {
  readonly State: { readonly ExitCode: number; readonly Health?: { readonly Status: string } };
  readonly Config: { readonly User: string };
  readonly HostConfig: { readonly ReadonlyRootfs: boolean; readonly CapDrop: readonly string[] };
}

async function inspect(service: string): Promise<Inspected> {
  const { stdout } = await run("docker", ["inspect", `${PROJECT}_${service}_1`]);
  const [found] = JSON.parse(stdout) as [Inspected];
  return found;
}

async function stateOf(service: string): Promise<Inspected["State"]> {
  return (await inspect(service)).State;
}

async function devnetFileOf(text: string): Promise<DevnetFile> {
  const folder = await mkdtemp(join(tmpdir(), "sprf-compose-"));
  try {
    await writeFile(join(folder, "devnet.json"), text);
    return await readDevnetFile(join(folder, "devnet.json"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function networksOf({ networks }: DevnetFile): Parameters<typeof connect>[0]["networks"] {
  const { listen, ...waku } = networks.waku;
  return { ...networks, waku: listen === undefined ? waku : { ...waku, listen } };
}
