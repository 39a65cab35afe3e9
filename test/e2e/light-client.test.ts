import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { balancesCsv, entriesToCsv, generateEntries } from "../../examples/programs/journal.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { startFleet, type Fleet } from "../../src/devnet/fleet.ts";
import { runMainJob } from "../../src/devnet/main-job.ts";

const CLIENT_ACCOUNT = 1;
const SECOND_USER = 2;
const FIRST_DAEMON_ACCOUNT = 10;

describe("a client that sends through devnet's service node", function () {
  this.timeout(120_000);
  let devnet: Devnet;
  let fleet: Fleet;
  let client: SprfClient;
  let dataDirectory: string;

  before(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), "sprf-light-"));
    const logger = createMemoryLogger();
    devnet = await startDevnet({ logger });
    fleet = await startFleet({
      devnet,
      workers: 3,
      testers: 3,
      firstAccount: FIRST_DAEMON_ACCOUNT,
      engines: { kinds: ["wasi"] },
      dataDirectory,
      logger,
    });
    const waku = { ...devnet.networks.waku, messenger: "light", peers: [] } as const;
    client = await connect({ networks: { ...devnet.networks, waku }, keys: devnetKeys(CLIENT_ACCOUNT), logger });
  });
  after(async () => {
    await client?.close();
    await fleet?.stop();
    await devnet?.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it("should do the main job without taking part in the mesh", async () => {
    const entries = generateEntries(20, 3);
    const job = await runMainJob(
      {
        client,
        friendbotUrl: devnet.friendbotUrl,
        secondUser: SECOND_USER,
        program: await exampleModule(async (bytes) => await client.putFile(bytes)),
        inputs: [new TextEncoder().encode(entriesToCsv(entries))],
        lengthBlocks: 100,
      },
      () => undefined,
    );
    expect(new TextDecoder().decode(job.executions[0]?.output)).to.equal(balancesCsv(entries));
  });

  it("should be told that a service node is needed", async () => {
    const waku = { ...devnet.networks.waku, messenger: "light", serviceNodes: [] } as const;
    const error: unknown = await connect({
      networks: { ...devnet.networks, waku },
      keys: devnetKeys(CLIENT_ACCOUNT),
      logger: createMemoryLogger(),
    }).catch((reason: unknown) => reason);
    expect(error).to.have.property("code", "CONFIG_INVALID");
  });
});
