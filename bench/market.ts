// From a purchase to a majority-signed state, and from a request to its majority, with three workers on this machine; ledger and
// chain are devnet's. The bound of a majority is one bare `docker run --rm` of the bookkeeping image in the same run of this
// benchmark; on wasi one run of the engine alone is told as well.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { entriesToCsv, generateEntries } from "../examples/programs/journal.ts";
import { createEthersChain } from "../src/adapters/chain/ethers.ts";
import { createWasiEngine } from "../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../src/adapters/logger/memory.ts";
import { connect, type SprfClient } from "../src/create-client.ts";
import { devnetKeys } from "../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../src/devnet/create-devnet.ts";
import { exampleImage, exampleModule } from "../src/devnet/example-program.ts";
import { startFleet } from "../src/devnet/fleet.ts";
import { fundAccount } from "../src/devnet/fund.ts";
import { limitsFor } from "../src/execution/limits.ts";
import type { ProgramReference } from "../src/ports/engine.ts";
import { REGISTRY, dockerAbsence } from "../test/helpers/docker-programs.ts";
import { contentOf } from "../test/helpers/content-of.ts";
import { runBareDocker } from "./bare-docker.ts";
import { percentile, round, timing, writeReport, type ReportRow } from "./report.ts";

const PURCHASES = 5;
const EXECUTIONS = Number(process.argv[2] ?? 30);
const ENTRIES = 100;
const LENGTH_BLOCKS = 900;
const WORKERS = 3;
const TESTERS = 3;
const CLIENT_ACCOUNT = 1;
const FIRST_DAEMON_ACCOUNT = 3;
const MAJORITY_TARGET_RATIO = 3;

type DockerProgram = Extract<ProgramReference, { kind: "docker" }>;

const home = await mkdtemp(join(tmpdir(), "sprf-bench-"));
const logger = createMemoryLogger();
const input = new TextEncoder().encode(entriesToCsv(generateEntries(ENTRIES, 1)));
const rows: ReportRow[] = [];
try {
  const absent = await dockerAbsence();
  if (absent !== undefined) throw new Error(`the bound needs a Docker Engine: ${absent}`);
  const image = await exampleImage(REGISTRY);
  rows.push(...(await measure("wasi", image)), ...(await measure("docker", image)));
  await writeReport("market", rows);
} finally {
  await rm(home, { recursive: true, force: true });
}

async function measure(kind: ProgramReference["kind"], image: DockerProgram): Promise<ReportRow[]> {
  const devnet = await startDevnet({ logger });
  await registerTesters(devnet);
  const fleet = await startFleet({
    devnet,
    workers: WORKERS,
    testers: 0,
    firstAccount: FIRST_DAEMON_ACCOUNT,
    engines: { kinds: [kind] },
    dataDirectory: join(home, kind),
    logger,
  });
  const client = await connect({ networks: devnet.networks, keys: devnetKeys(CLIENT_ACCOUNT), logger });
  try {
    await Promise.all([client.ensureTwin(), fundAccount(devnet.friendbotUrl, client.wallet.account)]);
    const reference = kind === "docker" ? image : await exampleModule(async (bytes) => await client.putFile(bytes));
    const first: number[] = [];
    let program = "";
    for (let count = 0; count < PURCHASES; count++) {
      const began = performance.now();
      program = await buy(client, reference);
      first.push((await untilMajority(client, program)).at - began);
    }
    const alone = reference.kind === "wasi" ? await engineAlone(reference) : undefined;
    const majorities: number[] = [];
    const bare: number[] = [];
    const aloneRuns: number[] = [];
    // In turns, so that whatever else the machine does falls on all.
    for (let count = 0; count < EXECUTIONS; count++) {
      majorities.push((await untilMajority(client, program)).tookMs);
      bare.push(await runBare(image));
      if (alone !== undefined) aloneRuns.push(await alone.run());
    }
    await alone?.close();
    const boundRow = timing(`bound, ${kind}: docker run --rm, same flags`, bare);
    const majority = timing(`${kind}: request sent to majority of ${WORKERS} workers, ${ENTRIES} entries`, majorities);
    const ratio = round(majority.p50 / boundRow.p50);
    return [
      {
        name: `${kind}: purchase to first majority-signed state`,
        value: round(percentile(first, 0.5) / 1_000),
        unit: "s",
        p50: round(percentile(first, 0.5) / 1_000),
        p99: round(percentile(first, 0.99) / 1_000),
      },
      { ...majority, bound: boundRow.p50, ratio, target: MAJORITY_TARGET_RATIO, met: ratio <= MAJORITY_TARGET_RATIO },
      boundRow,
      ...(alone === undefined ? [] : [timing(`${kind}: one run of the engine alone`, aloneRuns)]),
    ];
  } finally {
    await client.close();
    await fleet.stop();
    await devnet.stop();
  }
}

async function buy(client: SprfClient, reference: ProgramReference): Promise<string> {
  const { agreement } = await client.buy({ redundancy: WORKERS, lengthBlocks: LENGTH_BLOCKS });
  const workers = await client.findWorkers(agreement);
  const { program } = await client.createProgram({
    agreement,
    terms: {
      program: reference,
      baseFeeStroops: 1_000n,
      gasPriceStroops: 1_000n,
      workers: workers.map(({ apiUrl, ledgerKey }) => ({ address: apiUrl, ledgerKey })),
    },
  });
  return program;
}

/** When a majority had signed, and how long that took from when the payment had landed; then the state is anchored. */
async function untilMajority(
  client: SprfClient,
  program: string,
): Promise<{ readonly at: number; readonly tookMs: number }> {
  let paid = 0;
  let at = 0;
  await client.execute(
    { program, input: { bytes: input } },
    {
      onProgress: ({ step }) => {
        if (step === "paid") paid = performance.now();
        if (step === "answered") at = performance.now();
      },
    },
  );
  return { at, tookMs: at - paid };
}

async function runBare({ image, digest }: DockerProgram): Promise<number> {
  const reference = `${image.replace(/:[^:/]*$/, "")}@sha256:${digest}`;
  return (await runBareDocker({ image: reference, statePath: join(home, "bare-state"), input })).tookMs;
}

async function engineAlone(
  reference: Extract<ProgramReference, { kind: "wasi" }>,
): Promise<{ run(): Promise<number>; close(): Promise<void> }> {
  const statePath = join(home, "alone-state");
  const module = await readFile(new URL("../examples/programs/bookkeeping-wasi/bookkeeping.wasm", import.meta.url));
  const engine = createWasiEngine({ content: contentOf({ [reference.cid]: module }), logger });
  const program = await engine.prepare(reference);
  const environment = { program: "G", sequence: "1", time: "1767225600", seed: "00".repeat(32) };
  return {
    async run() {
      await writeFile(statePath, "");
      const began = performance.now();
      await engine.run({
        program,
        statePath,
        input,
        environment,
        limits: limitsFor(program.reference.kind, program.seconds),
      });
      return performance.now() - began;
    },
    close: async () => await engine.close(),
  };
}

/** Purchases need testers; these are registered and never run, so that nothing but the workers is measured. */
async function registerTesters({ networks }: Devnet): Promise<void> {
  for (let index = 0; index < TESTERS; index++) {
    const keys = devnetKeys(FIRST_DAEMON_ACCOUNT + WORKERS + index);
    const chain = await createEthersChain({ ...networks.chain, privateKey: keys.accountPrivateKey });
    const ledgerKey = new Uint8Array(keys.ledgerKeypair.rawPublicKey());
    await chain.ensureTwin({ messagePrivateKey: keys.messagePrivateKey, ledgerKey });
    await chain.registerTester({ feePerEpochWei: 1n, capacity: 16 }, await chain.requiredTesterStakeWei(16));
    chain.close();
  }
}
