import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { exampleModule } from "../../src/devnet/example-program.ts";
import { startFleet, type Fleet } from "../../src/devnet/fleet.ts";
import { runMainJob } from "../../src/devnet/main-job.ts";
import { DEVNET_MARKET_SETTINGS } from "../../src/devnet/market-settings.ts";
import { codeOf } from "../helpers/code-of.ts";

const REQUEST_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const WORKERS = 3;

describe("a request's id", function () {
  this.timeout(120_000);
  const lines: LogLine[] = [];
  let folder: string;
  let devnet: Devnet;
  let fleet: Fleet;
  let client: SprfClient;
  let program: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-request-ids-"));
    devnet = await startDevnet({ logger: createMemoryLogger() });
    fleet = await startFleet({
      devnet,
      workers: WORKERS,
      testers: 1,
      firstAccount: 3,
      engines: { kinds: ["wasi"] },
      dataDirectory: folder,
      logger: createMemoryLogger(lines),
    });
    client = await connect({ networks: devnet.networks, keys: devnetKeys(1), logger: createMemoryLogger() });
    const job = await runMainJob(
      {
        client,
        friendbotUrl: devnet.friendbotUrl,
        secondUser: 2,
        program: await exampleModule(async (bytes) => await client.putFile(bytes)),
        inputs: [new TextEncoder().encode("")],
        testerCount: 1,
        lengthBlocks: Number(DEVNET_MARKET_SETTINGS.epochLength),
      },
      () => undefined,
    );
    ({ program } = job);
  });
  after(async () => {
    await client?.close();
    await fleet?.stop();
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("should be in the logs of all workers that answer it, and in no others' lines", async () => {
    const from = lines.length;
    const { requestHash } = await client.execute(
      { program, input: { bytes: new Uint8Array() } },
      { requestId: REQUEST_ID },
    );
    const ofRequest = (line: LogLine): boolean => line.context["requestId"] === REQUEST_ID;
    const answered = lines.filter(({ message, context }) => {
      return message === "request answered" && context["request"] === requestHash;
    });
    expect(answered.filter(ofRequest)).to.deep.equal(answered);
    expect(new Set(answered.map(({ context }) => context["worker"])).size).to.be.within(2, WORKERS);
    expect(lines.slice(0, from).filter(ofRequest)).to.deep.equal([]);
    // The tester's probe asks all workers under one id too, as users do.
    const byRequest = Map.groupBy(
      lines.filter(({ message }) => message === "request answered"),
      ({ context }) => context["request"],
    );
    for (const [request, answers] of byRequest) {
      expect(new Set(answers.map(({ context }) => context["requestId"])).size, String(request)).to.equal(1);
    }
  });

  it("should be the caller's or a random one, and nothing else", async () => {
    const parts = { program, input: { bytes: new Uint8Array() } };
    expect(await codeOf(client.execute(parts, { requestId: "mine\n" }))).to.equal("INVALID_INPUT");
  });
});
