import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { balancesCsv, entriesToCsv, generateEntries } from "../../examples/programs/journal.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { createWorker, type Worker } from "../../src/create-worker.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { startFleet, type Fleet } from "../../src/devnet/fleet.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import { runMainJob } from "../../src/devnet/main-job.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { kuboAbsent, startKubo, type KuboDaemon } from "../helpers/kubo.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 240_000;
const CLIENT_ACCOUNT = 1;
const SECOND_USER = 2;
const KUBO_ACCOUNT = 4;
const FIRST_FLEET_ACCOUNT = 10;
const READER_ACCOUNT = 30;
const LENGTH_BLOCKS = 600;
const ENTRIES_AN_EXECUTION = 20;
const ENGINES = { kinds: ["wasi"] as const };

describeWithPart("kubo", kuboAbsent(), "a worker whose content is in Kubo, among others on Helia", function () {
  const logger = createMemoryLogger();
  let directory: string;
  let kubo: KuboDaemon;
  let devnet: Devnet;
  let fleet: Fleet;
  let onKubo: Worker;
  let client: SprfClient;
  let reader: SprfClient | undefined;

  before(async function () {
    this.timeout(SUITE_TIMEOUT_MS);
    directory = await mkdtemp(join(tmpdir(), "sprf-kubo-worker-"));
    [kubo, devnet] = await Promise.all([startKubo(), startDevnet({ logger })]);
    const { networks, friendbotUrl } = devnet;
    fleet = await startFleet({
      devnet,
      workers: 2,
      testers: 3,
      firstAccount: FIRST_FLEET_ACCOUNT,
      engines: ENGINES,
      dataDirectory: directory,
      logger,
    });
    const keys = devnetKeys(KUBO_ACCOUNT);
    await fundAccount(friendbotUrl, keys.ledgerKeypair.publicKey());
    onKubo = await createWorker({
      networks,
      keys,
      dataDirectory: join(directory, "on-kubo"),
      content: { kind: "kubo", kuboUrl: kubo.url },
      logger,
      engines: ENGINES,
      http: {},
      registration: {
        terms: {
          pricePerBlockWei: 1_000_000_000n,
          maxLengthBlocks: 1_000,
          slots: 1,
          applicationType: `0x${"0".repeat(64)}`,
          vettedDigests: [],
        },
      },
    });
    await onKubo.start();
    client = await connect({ networks, keys: devnetKeys(CLIENT_ACCOUNT), logger });
  });
  after(async function () {
    this.timeout(60_000);
    await reader?.close();
    await client?.close();
    await onKubo?.stop();
    await fleet?.stop();
    await devnet?.stop();
    await kubo?.remove();
    await rm(directory, { recursive: true, force: true });
  });

  it("should sell, run and anchor, and serve the state to a reader that has nobody else", async () => {
    const entries = generateEntries(3 * ENTRIES_AN_EXECUTION, 11);
    const inputs = [0, 1, 2].map(
      (n) =>
        new Uint8Array(utf8(entriesToCsv(entries.slice(n * ENTRIES_AN_EXECUTION, (n + 1) * ENTRIES_AN_EXECUTION)))),
    );
    const job = await runMainJob(
      {
        client,
        friendbotUrl: devnet.friendbotUrl,
        secondUser: SECOND_USER,
        program: await exampleModule(async (bytes) => await client.putFile(bytes)),
        inputs,
        lengthBlocks: LENGTH_BLOCKS,
        workers: [...fleet.workers, onKubo].map(({ workerId }) => workerId),
      },
      () => undefined,
    );
    expect(job.executions.map(({ transition }) => transition !== undefined)).to.deep.equal([true, true, true]);
    expect(new TextDecoder().decode(job.executions[2]?.output)).to.equal(balancesCsv(entries));

    // Each worker keeps the state; a majority need not have waited for the one on Kubo.
    await until(async () => (await kubo.rpc("pin/ls", { type: "recursive" })).includes(job.state.cid), {
      what: "Kubo keeps the state",
      timeoutMs: 60_000,
    });
    await client.close();
    await fleet.stop();
    reader = await connect({ networks: devnet.networks, keys: devnetKeys(READER_ACCOUNT), logger });
    const { cid, bytes } = await reader.readState(job.program);
    expect(cid).to.equal(job.state.cid);
    expect(Buffer.from(bytes).equals(Buffer.from(job.state.bytes))).to.equal(true);
  }).timeout(SUITE_TIMEOUT_MS);
});
