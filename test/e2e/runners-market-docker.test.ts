import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Keypair } from "@stellar/stellar-sdk";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres } from "../../src/adapters/postgres/connect.ts";
import { walletOf, type Wallet } from "../../src/client/wallet.ts";
import { readDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { connect, type SprfClient } from "../../src/create-client.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { exampleImage } from "../../src/devnet/example-program.ts";
import { fundAccount } from "../../src/devnet/fund.ts";
import type { ProgramReference } from "../../src/ports/engine.ts";
import type { Chain } from "../../src/ports/chain.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { succeed } from "../helpers/command.ts";
import { startDaemon, type Daemon } from "../helpers/daemon.ts";
import { REGISTRY, dockerAbsence } from "../helpers/docker-programs.ts";
import { MARKET_PROGRAMS, type MarketProgram } from "../helpers/market-programs.ts";
import { runPatiently, type UserExecution } from "../helpers/market-user.ts";
import { createTestNetwork, namespacesAbsence, type Namespace, type TestNetwork } from "../helpers/namespaces.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../helpers/postgres.ts";
import { recordReports, type TakenReport } from "../helpers/report-record.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { seededRandom } from "../helpers/seeded-random.ts";
import { until } from "../helpers/until.ts";

const SEED = Number(process.env["SPRF_RUNNERS_SEED"] ?? "4");
const SUITE_TIMEOUT_MS = 300_000;
const CLIENT_ACCOUNT = 5;
const USERS = 3;
const LEAST_INPUTS_EACH = 2;
const AGREEMENTS = 3;
const LENGTH_BLOCKS = 900;
/** Longer than a lease. */
const CUT_MS = 12_000;
const SLOW_KBIT = 256;
const dockerAbsent = await dockerAbsence();

describeWithPart(
  "netns",
  (await namespacesAbsence()) ?? postgresAbsent(),
  `a market whose worker has runners in networks of their own, seed ${SEED}`,
  function () {
    this.timeout(SUITE_TIMEOUT_MS);
    // What follows a failure would only repeat it.
    this.bail(true);
    let folder: string;
    let network: TestNetwork;
    let server: PostgresServer;
    let postgres: Postgres;
    let devnet: DevnetFile;
    let client: SprfClient;
    let worker: Member;
    let agreement: string;
    let image: Extract<ProgramReference, { kind: "docker" }> | undefined;
    let reports: () => Promise<readonly TakenReport[]>;
    let runners: readonly { readonly link: Namespace; readonly member: Member }[] = [];
    const closers: (() => Promise<void>)[] = [];
    /** How daemons ended that nobody had killed. */
    const problems: string[] = [];

    /** A daemon that is killed, and started again by the same command. */
    interface Member {
      daemon(): Daemon;
      kill(): Promise<void>;
      start(more?: readonly string[]): Promise<void>;
    }

    async function startMember(
      role: string,
      options: readonly string[],
      how: { readonly within?: readonly string[]; readonly environment?: Readonly<Record<string, string>> } = {},
    ): Promise<Member> {
      const killed = new Set<Daemon>();
      let current: Daemon;
      const start = async (more: readonly string[] = []): Promise<void> => {
        const daemon = await startDaemon(role, [...options, "--json", ...more], how);
        current = daemon;
        void daemon.ended.then(({ how: end, log }) => {
          if (!killed.has(daemon)) problems.push(`${role} ended by itself with ${end}:\n${log}`);
        });
      };
      await start();
      const kill = async (): Promise<void> => {
        killed.add(current);
        await current.kill();
      };
      closers.push(kill);
      return { daemon: () => current, kill, start };
    }

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "sprf-runners-market-"));
      const file = join(folder, "devnet.json");
      network = await createTestNetwork();
      server = await startPostgres(network);
      image = dockerAbsent === undefined ? await exampleImage(REGISTRY) : undefined;
      await startMember("devnet", ["--file", file]);
      devnet = await readDevnetFile(file);
      const kinds = image === undefined ? "wasi" : "wasi,docker";
      const common = ["--devnet", file, "--engines", kinds];
      const environment = {
        DATABASE_URL: server.url,
        SPRF_RUNS: "0",
        SPRF_SLOTS: `${AGREEMENTS}`,
        SPRF_HTTP_HOST: network.host,
        SPRF_WAKU_LISTEN: `/ip4/${network.host}/tcp/0`,
      };
      const vetted = image === undefined ? [] : ["--vetted", image.digest];
      [worker] = await Promise.all([
        startMember("worker", [...common, "--account", "3", "--data", join(folder, "worker"), ...vetted], {
          environment,
        }),
        startMember("tester", [...common, "--account", "7", "--data", join(folder, "tester")]),
      ]);
      postgres = createPostgres({ url: server.url, clock: systemClock, logger: createMemoryLogger() });
      reports = await recordReports(postgres);
      const starting = ["runner-0", "runner-1", "runner-2"].map(async (name) => {
        const link = await network.add();
        return { link, member: await startRunner(name, "wasi", link.command) };
      });
      runners = await Promise.all(starting);
      const { listen: _, ...waku } = devnet.networks.waku;
      client = await connect({
        networks: { ...devnet.networks, waku: { ...waku, messenger: "light" } },
        keys: devnetKeys(CLIENT_ACCOUNT),
        logger: createMemoryLogger(),
      });
      await client.ensureTwin();
      await fundAccount(devnet.friendbotUrl, client.wallet.account);
      ({ agreement } = await client.buy({ redundancy: 1, lengthBlocks: LENGTH_BLOCKS, testerCount: 1 }));
    });
    after(async () => {
      await client?.close();
      await postgres?.close();
      for (const close of closers.splice(0).reverse()) await close();
      await server?.remove();
      await network?.remove();
      await rm(folder, { recursive: true, force: true });
    });

    async function startRunner(name: string, engines: string, within: readonly string[] = []): Promise<Member> {
      const options = ["--name", name, "--data", join(folder, name), "--engines", engines, "--runs", "1"];
      return await startMember("runner", [...options, "--database", server.url], { within });
    }

    async function createProgram(program: ProgramReference, of = agreement): Promise<string> {
      const [found] = await client.findWorkers(of);
      const created = await client.createProgram({
        agreement: of,
        terms: {
          program,
          baseFeeStroops: 1_000n,
          gasPriceStroops: 1_000n,
          owner: client.wallet.account,
          workers: [{ address: found!.apiUrl, ledgerKey: found!.ledgerKey }],
        },
      });
      return created.program;
    }

    /** Users who each do one thing after the other, as long as `isOn` says so. */
    async function use(
      name: string,
      program: string,
      of: MarketProgram,
      isOn: (n: number) => boolean,
    ): Promise<readonly UserExecution[]> {
      const user = async (own: string): Promise<readonly UserExecution[]> => {
        const wallet: Wallet = walletOf(Keypair.random());
        await fundAccount(devnet.friendbotUrl, wallet.account);
        const done: UserExecution[] = [];
        for (let n = 0; isOn(n); n++) {
          const init = { client, wallet, program, chain: SECONDS, untilBlock: Number.POSITIVE_INFINITY };
          done.push(await runPatiently(init, of.input(own, n)));
        }
        return done;
      };
      return (await Promise.all(Array.from({ length: USERS }, async (_, n) => await user(`${name}${n}`)))).flat();
    }

    /** Each of them landed once, by its own payment, and all that was signed follows from the program. */
    async function expectWhole(
      program: string,
      executions: readonly UserExecution[],
      engine: ProgramReference["kind"],
    ): Promise<readonly Uint8Array[]> {
      for (const { error } of executions) expect(error).to.equal(undefined);
      const landed: { readonly payment: string; readonly input: Uint8Array }[] = [];
      for await (const { record } of client.history(program)) {
        if (record.kind !== "transition") continue;
        const { request, paymentHash } = record.signedRequest;
        landed.unshift({
          payment: toHex(paymentHash),
          input: "bytes" in request.input ? request.input.bytes : new Uint8Array(),
        });
      }
      expect(landed.map(({ input }) => toHex(input))).to.have.members(executions.map(({ input }) => toHex(input)));
      expect(new Set(landed.map(({ payment }) => payment)).size, "payments used").to.equal(landed.length);
      const audited = await succeed(`npx sprf audit ${program} --devnet --engines ${engine}`, {
        SPRF_DEVNET_FILE: join(folder, "devnet.json"),
      });
      expect(audited.stdout).to.match(/clean/);
      return landed.map(({ input }) => input);
    }

    it("should lose no execution, sign none twice, and take no stale result, whatever ends, waits or is cut off", async () => {
      const random = seededRandom(SEED);
      const notes = MARKET_PROGRAMS.notes;
      const program = await createProgram(await notes.reference(client));
      let isOver = false;
      let hasBegun = false;
      const using = use("a", program, notes, (n) => {
        hasBegun ||= n > 0;
        return !isOver || n < LEAST_INPUTS_EACH;
      });
      using.catch(() => undefined);
      await until(() => hasBegun, { timeoutMs: SUITE_TIMEOUT_MS / 3, what: "a first execution" });
      const [first, second, third] = random.shuffle(runners);
      const { port } = new URL(worker.daemon().info["apiUrl"] as string);
      const faults: readonly (() => Promise<void>)[] = [
        async () => {
          await second!.link.cut();
          await pause(CUT_MS);
          await second!.link.mend();
        },
        async () => {
          await first!.member.kill();
          await pause(random.below(3_000));
          await first!.member.start();
        },
        async () => {
          await worker.kill();
          await worker.start(["--port", port]);
        },
        async () => {
          await server.kill();
          await server.start();
        },
        async () => {
          await third!.link.slow(SLOW_KBIT);
          process.kill(third!.member.daemon().pid, "SIGSTOP");
          await pause(1_000 + random.below(5_000));
          process.kill(third!.member.daemon().pid, "SIGCONT");
        },
      ];
      const startAtMs = faults.map(() => random.below(8_000));
      try {
        await Promise.all(
          faults.map(async (fault, n) => {
            await pause(startAtMs[n]!);
            await fault();
          }),
        );
      } finally {
        isOver = true;
      }

      const executions = await using;
      expect(problems, "daemons that ended by themselves").to.deep.equal([]);
      const landed = await expectWhole(program, executions, "wasi");
      const { bytes } = await client.readState(program);
      expect(toHex(bytes)).to.equal(toHex(notes.stateAfter(landed)!));
      const taken = await reports();
      expect(new Set(taken.map(({ run }) => run)).size, "one result a run").to.equal(taken.length);
      for (const { attempt, jobAttempt } of taken) expect(attempt, "of the last attempt").to.equal(jobAttempt);
    });

    async function pause(ms: number): Promise<void> {
      const untilMs = performance.now() + ms;
      await until(() => performance.now() >= untilMs, { timeoutMs: 2 * ms + 1_000, what: "the next fault" });
    }

    /** Tries a second apart. */
    const SECONDS = {
      async *blocks() {
        yield 0;
        await pause(1_000);
        yield 1;
      },
    } satisfies Pick<Chain, "blocks">;

    describeWithPart("docker", dockerAbsent, "with a runner that has a Docker Engine", () => {
      it("should have it make what the others cannot, and the others what they can", async () => {
        // Its registry is on this machine's loopback.
        await startRunner("runner-docker", "docker");
        const { journal, notes } = MARKET_PROGRAMS;
        const bought = await client.buy({ redundancy: 1, lengthBlocks: LENGTH_BLOCKS, testerCount: 1 });
        const other = await client.buy({ redundancy: 1, lengthBlocks: LENGTH_BLOCKS, testerCount: 1 });
        const inDocker = await createProgram(image!, bought.agreement);
        const inWasi = await createProgram(await notes.reference(client), other.agreement);
        const isOn = (n: number): boolean => n < LEAST_INPUTS_EACH;
        const [docker, wasi] = await Promise.all([use("d", inDocker, journal, isOn), use("w", inWasi, notes, isOn)]);
        expect(problems, "daemons that ended by themselves").to.deep.equal([]);
        await expectWhole(inWasi, wasi, "wasi");
        await expectWhole(inDocker, docker, "docker");
        const makers = new Set((await reports()).map(({ runner }) => runner));
        expect([...makers]).to.include("runner-docker");
      });
    });
  },
);
