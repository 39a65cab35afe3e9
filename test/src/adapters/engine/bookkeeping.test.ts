import { expect } from "chai";
import fc from "fast-check";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, PreparedProgram, ProgramReference, RunResult } from "../../../../src/ports/engine.ts";
import { balancesCsv, entriesToCsv, generateEntries, journalState } from "../../../../examples/programs/journal.ts";
import { contentOf } from "../../../helpers/content-of.ts";
import { dockerAbsence, REGISTRY } from "../../../helpers/docker-programs.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

const EXAMPLES = new URL("../../../../examples/programs/", import.meta.url);
const BUILD = fileURLToPath(new URL("../../../../scripts/build-program-sqlite.sh", import.meta.url));
const MIB = 1024 * 1024;

const HEADER = "date,debit_account,credit_account,amount_minor,description";
const GOOD = "2026-01-02,Assets,Equity,100,start";
const REFUSED: readonly [string, string, string][] = [
  ["too few columns", "2026-01-02,Assets,Equity,100", "line 2: expected 5 columns, found 4"],
  ["too many columns", `${GOOD},more`, "line 2: expected 5 columns, found 6"],
  ["a day that does not exist", "2026-02-29,Assets,Equity,100,x", "line 2: the date is not a day as YYYY-MM-DD"],
  ["another form of date", "02/01/2026,Assets,Equity,100,x", "line 2: the date is not a day as YYYY-MM-DD"],
  ["one account on both sides", "2026-01-02,Assets,Assets,100,x", "line 2: unbalanced"],
  ["no account", "2026-01-02,,Equity,100,x", "line 2: the debit account"],
  ["an account with a quote", `2026-01-02,Assets,"Eq'uity",100,x`, "line 2: the credit account"],
  ["a negative amount", "2026-01-02,Assets,Equity,-100,x", "line 2: the amount"],
  ["an amount of nothing", "2026-01-02,Assets,Equity,0,x", "line 2: the amount"],
  ["a decimal amount", "2026-01-02,Assets,Equity,1.00,x", "line 2: the amount"],
  ["an amount that is too large", "2026-01-02,Assets,Equity,1000000000000000,x", "line 2: the amount"],
  ["a quote out of place", `2026-01-02,Assets,Equity,100,a "b`, "line 2: a quote is out of place"],
  ["a quote that never ends", `2026-01-02,Assets,Equity,100,"b`, "line 2: a quote is out of place"],
  ["a control character", "2026-01-02,Assets,Equity,100,a\u0007", "line 2: the description"],
];

interface Bookkeeper {
  readonly engine: Engine;
  readonly reference: ProgramReference;
  readonly home: string;
}

function bookkeepingSuite(name: string, setUp: (home: string) => Promise<Omit<Bookkeeper, "home">>): void {
  describe(name, () => {
    let b: Bookkeeper;
    let program: PreparedProgram;
    let statePath: string;

    before(async () => {
      const home = await mkdtemp(join(tmpdir(), "sprf-bookkeeping-"));
      b = { home, ...(await setUp(home)) };
      program = await b.engine.prepare(b.reference);
      statePath = join(home, "state");
    });
    after(async () => {
      await b.engine.close();
      await rm(b.home, { recursive: true, force: true });
    });
    beforeEach(async () => {
      await writeFile(statePath, "");
    });

    const run = async (input: string | Uint8Array, path = statePath): Promise<RunResult> =>
      await b.engine.run({
        program,
        statePath: path,
        input: Buffer.from(input),
        environment: { program: "G", sequence: "1", time: "1767225600", seed: "00".repeat(32) },
        limits: { memoryBytes: 256 * MIB, outputBytes: MIB, stateBytes: 16 * MIB, timeoutMs: 30_000 },
      });
    const balances = async (input: string, path?: string): Promise<string> => {
      const result = await run(input, path);
      if (result.status === "rejected") expect.fail(result.stderrTail);
      return Buffer.from(result.output).toString();
    };

    it("answers with the balances that an independent reference computes", async () => {
      const entries = generateEntries(300, 7);
      for (const end of [100, 200, 300]) {
        const answer = await balances(entriesToCsv(entries.slice(end - 100, end)));
        expect(answer).to.equal(balancesCsv(entries.slice(0, end)));
      }
      const state = await readFile(statePath);
      expect(await balances("")).to.equal(balancesCsv(entries));
      expect(await balances(`${HEADER}\n`)).to.equal(balancesCsv(entries));
      expect((await readFile(statePath)).equals(state), "reading changed the state").to.equal(true);
    });

    it("gives the same bytes for the same entries", async () => {
      const other = join(b.home, "other");
      await writeFile(other, "");
      const entries = generateEntries(500, 11);
      for (const path of [statePath, other]) {
        await balances(entriesToCsv(entries.slice(0, 200)), path);
        await balances(entriesToCsv(entries.slice(200)), path);
      }
      expect((await readFile(statePath)).equals(await readFile(other))).to.equal(true);
    });

    it("begins with nothing", async () => {
      expect(await balances("")).to.equal("account,balance_minor\n");
      expect((await readFile(statePath)).length).to.equal(0);
    });

    it("takes lines that end as on Windows, and a last line without an end", async () => {
      const answer = await balances(`${HEADER}\r\n${GOOD}\r\n2026-01-03,Cash,Assets,40,"quoted, with ""both"""`);
      expect(answer).to.equal("account,balance_minor\nAssets,60\nCash,40\nEquity,-100\n");
    });

    for (const [what, line, why] of REFUSED) {
      it(`refuses ${what}, and the good entry before it`, async () => {
        const result = await run(`${GOOD}\n${line}\n`);
        if (result.status === "accepted") expect.fail("accepted");
        expect(result).to.deep.include({ reason: "exit", exitCode: 1 });
        expect(result.stderrTail)
          .to.match(/^[^\n]*\n$/)
          .and.include(why);
        expect((await readFile(statePath)).length).to.equal(0);
      });
    }

    it("refuses bytes that are no UTF-8", async () => {
      expect((await run(Buffer.concat([Buffer.from(GOOD), Buffer.from([0xc3])]))).status).to.equal("rejected");
    });
  });
}

describe("bookkeeping programs", () => {
  bookkeepingSuite("bookkeeping-wasi", async (home) => {
    const module = await readFile(new URL("bookkeeping-wasi/bookkeeping.wasm", EXAMPLES));
    const components = { content: contentOf({ module }), logger: createMemoryLogger() };
    return {
      engine: createWasiEngine(components, { scratchDirectory: home }),
      reference: { kind: "wasi", cid: "module" },
    };
  });

  it("keep a journal that is their input in canonical form", async () => {
    const module = await readFile(new URL("bookkeeping-wasi/bookkeeping.wasm", EXAMPLES));
    const home = await mkdtemp(join(tmpdir(), "sprf-bookkeeping-"));
    const components = { content: contentOf({ module }), logger: createMemoryLogger() };
    const engine = createWasiEngine(components, { scratchDirectory: home });
    try {
      const program = await engine.prepare({ kind: "wasi", cid: "module" });
      const statePath = join(home, "state");
      await fc.assert(
        fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 60 }), async (seed, count) => {
          const entries = generateEntries(count, seed);
          await writeFile(statePath, "");
          const result = await engine.run({
            program,
            statePath,
            input: Buffer.from(entriesToCsv(entries)),
            environment: { program: "G", sequence: "1", time: "1", seed: "00".repeat(32) },
            limits: { memoryBytes: 16 * MIB, outputBytes: MIB, stateBytes: MIB, timeoutMs: 20_000 },
          });
          expect(Buffer.from(result.output).toString()).to.equal(balancesCsv(entries));
          expect(await readFile(statePath, "utf8")).to.equal(journalState(entries));
        }),
        { numRuns: 20 },
      );
    } finally {
      await engine.close();
      await rm(home, { recursive: true, force: true });
    }
  });
});

describeWithPart("docker", await dockerAbsence(), "bookkeeping programs on a Docker Engine", () => {
  bookkeepingSuite("bookkeeping-sqlite", async (home) => {
    const { stdout } = await promisify(execFile)(BUILD, [REGISTRY, "sprf-test/bookkeeping-sqlite:1"]);
    const [image = "", digest = ""] = stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
    return {
      engine: createDockerEngine({ logger: createMemoryLogger() }, { scratchDirectory: home }),
      reference: { kind: "docker", image, digest },
    };
  });
});
