import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { writeDevnetFile, type DevnetFile } from "../../src/config/devnet-file.ts";
import { createStellarDevnet, type StellarDevnet } from "../../src/devnet/stellar/create-stellar-devnet.ts";
import { runCommandLine, type Ended, type Environment } from "../helpers/command.ts";
import { startDevnetCommand, type DevnetCommand } from "../helpers/devnet-command.ts";
import { postgresAbsent, startPostgres } from "../helpers/postgres.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { createSmallDisk, smallDiskAbsence } from "../helpers/small-disk.ts";

const SUITE_TIMEOUT_MS = 240_000;
const UNHEALTHY = 10;
const HOUR_MS = 3_600_000;
const noDisk = await smallDiskAbsence();

interface Found {
  readonly part: string;
  readonly health: string;
  readonly detail: string;
  readonly mend?: string;
}

describe("sprf doctor", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let devnet: DevnetCommand;
  let folder: string;

  /** The line with options of devnet's, and what it found of each part. */
  const examine = async (
    line: string,
    environment: Environment = {},
  ): Promise<{ ended: Ended; found: Readonly<Record<string, Found>> }> => {
    const ended = await runCommandLine(`${line} --json`, { ...devnet.environment, ...environment });
    const { findings } = JSON.parse(ended.stdout) as { findings: readonly Found[] };
    return { ended, found: Object.fromEntries(findings.map((finding) => [finding.part, finding])) };
  };
  const healthOf = (found: Readonly<Record<string, Found>>): Record<string, string> =>
    Object.fromEntries(Object.values(found).map(({ part, health }) => [part, health]));
  /** Devnet with a ledger of its own in the place of devnet's. */
  const withLedger = async ({ rpcUrl, networkPassphrase }: DevnetFile["networks"]["ledger"]): Promise<string> => {
    const file = await devnet.read();
    const path = join(folder, "other.json");
    await writeDevnetFile(path, {
      ...file,
      networks: { ...file.networks, ledger: { rpcUrl, networkPassphrase } },
    });
    return path;
  };
  const startLedger = async (shiftMs: number): Promise<StellarDevnet> =>
    await createStellarDevnet({
      logger: createMemoryLogger(),
      clock: { ...systemClock, now: () => systemClock.now() + shiftMs },
    });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-doctor-"));
    devnet = await startDevnetCommand("npx sprf devnet", { timeoutMs: SUITE_TIMEOUT_MS });
  });
  after(async () => {
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("should find nothing amiss where nothing is", async () => {
    // docs-command: npx sprf doctor --devnet --account 5
    const { code, stdout } = await runCommandLine("npx sprf doctor --devnet --account 5", devnet.environment);
    expect(code, stdout).to.equal(0);
    for (const part of ["settings", "disk", "wasi", "chain", "ledger", "clock", "messages", "account"]) {
      expect(stdout).to.match(new RegExp(`^(ok|warning) +${part} +\\S`, "m"));
    }
    expect(stdout).to.match(/^all is well$/m);
  });

  it("should find a machine without Docker, which matters where the settings name it", async () => {
    const absent = { SPRF_DOCKER_SOCKET: join(folder, "absent.sock") };
    const idle = await examine("npx sprf doctor --devnet --account 5", absent);
    expect(idle.ended.code).to.equal(0);
    expect(idle.found["docker"]).to.include({ health: "warning" });
    expect(idle.found["docker"]?.mend).to.contain("Not needed");

    const wanted = await examine("npx sprf doctor --devnet --account 5 --engines wasi,docker", absent);
    expect(wanted.ended.code).to.equal(UNHEALTHY);
    expect(wanted.found["docker"]).to.include({ health: "failed" });
    expect(wanted.found["docker"]?.detail).to.contain("absent.sock");
    expect(wanted.found["docker"]?.mend).to.contain("dockerd");
    expect(healthOf(wanted.found)).to.include({ wasi: "ok", chain: "ok", ledger: "ok", messages: "ok" });
  });

  it("should find a ledger that was stopped, and examine the rest", async () => {
    const ledger = await startLedger(0);
    const line = `npx sprf doctor --devnet ${await withLedger(ledger)} --account 5`;
    expect((await examine(line)).found["ledger"]).to.include({ health: "ok" });
    await ledger.stop();
    const { ended, found } = await examine(line);
    expect(ended.code).to.equal(UNHEALTHY);
    expect(found["ledger"]).to.include({ health: "failed" });
    expect(found["ledger"]?.mend).to.contain("Stellar RPC");
    expect(healthOf(found)).to.include({ clock: "skipped", chain: "ok", messages: "ok", disk: "ok" });
    const text = await runCommandLine(line, devnet.environment);
    expect(text.code).to.equal(UNHEALTHY);
    expect(text.stdout).to.match(/^FAILED +ledger +.+\n +Check the Stellar RPC endpoint/m);
  });

  it("should find a clock that is wrong", async () => {
    for (const [shiftMs, health, detail] of [
      [HOUR_MS, "failed", /^3\d\d\d s behind the last ledger$/],
      [-HOUR_MS, "warning", /^3\d\d\d s after the last ledger$/],
    ] as const) {
      const ledger = await startLedger(shiftMs);
      try {
        const line = `npx sprf doctor --devnet ${await withLedger(ledger)} --account 5`;
        const { ended, found } = await examine(line);
        expect(found["clock"]).to.include({ health });
        expect(found["clock"]?.detail).to.match(detail);
        expect(found["clock"]?.mend).to.contain("clock (NTP)");
        expect(ended.code).to.equal(health === "failed" ? UNHEALTHY : 0);
      } finally {
        await ledger.stop();
      }
    }
  });

  it("should find that there are no keys, or none that a password opens, and say how to make some", async () => {
    const { networks } = await devnet.read();
    const config = join(folder, "settings.json");
    await writeFile(config, JSON.stringify({ networks }));
    const none = await examine(`npx sprf doctor --config ${config}`);
    expect(none.ended.code).to.equal(UNHEALTHY);
    expect(none.found["account"]).to.include({ health: "failed" });
    expect(none.found["account"]?.mend).to.contain("npx sprf keys create");
    expect(healthOf(none.found)).to.include({ chain: "ok", ledger: "ok", messages: "ok" });

    const absent = { SPRF_KEYSTORE: join(folder, "absent.json"), SPRF_PASSWORD_FILE: config };
    const lost = await examine(`npx sprf doctor --config ${config}`, absent);
    expect(lost.found["account"]).to.include({ health: "failed" });
    expect(lost.found["account"]?.detail).to.contain("absent.json");
  });

  it("should say what settings lack, and still examine the machine", async () => {
    const { ended, found } = await examine("npx sprf doctor");
    expect(ended.code).to.equal(UNHEALTHY);
    expect(found["settings"]).to.include({ health: "failed" });
    expect(healthOf(found)).to.include({ disk: "ok", wasi: "ok" });
    expect(found).to.not.have.property("chain");
  });

  describeWithPart("tmpfs", noDisk, "disks", () => {
    it("should find a full disk, and one that soon will be", async () => {
      for (const [kib, health, detail] of [
        [512, "failed", /^nothing can be written in .*: ENOSPC/],
        [4 * 1024, "warning", / is writable, \d MiB are free$/],
      ] as const) {
        const disk = await createSmallDisk(kib);
        try {
          const { ended, found } = await examine(`npx sprf doctor --devnet --account 5 --data ${disk.path}`);
          expect(found["disk"]).to.include({ health });
          expect(found["disk"]?.detail).to.match(detail);
          expect(found["disk"]?.mend).to.match(/^Make room/);
          expect(ended.code).to.equal(health === "failed" ? UNHEALTHY : 0);
        } finally {
          await disk.remove();
        }
      }
    });
  });

  describeWithPart("postgres", postgresAbsent(), "a database", () => {
    it("should find one that tables can be made in, and say what to do about one that is down", async () => {
      const postgres = await startPostgres();
      try {
        const there = await examine("npx sprf doctor --devnet --account 5", { DATABASE_URL: postgres.url });
        expect(there.found["database"]).to.include({ health: "ok" });
        await postgres.stop();
        const { ended, found } = await examine("npx sprf doctor --devnet --account 5", { DATABASE_URL: postgres.url });
        expect(found["database"]).to.include({ health: "failed" });
        expect(found["database"]?.detail).to.match(/ECONNREFUSED/);
        expect(found["database"]?.mend).to.match(/DATABASE_URL|PostgreSQL/);
        expect(ended.code).to.equal(UNHEALTHY);
      } finally {
        await postgres.remove();
      }
    });
  });
});
