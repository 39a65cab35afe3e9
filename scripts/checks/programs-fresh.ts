// The committed WASI modules are what their sources give: builds them again with clang and compares the bytes. Without clang or
// wasi-libc it says so and passes, unless SPRF_REQUIRE names `wasi-sdk` (as CI does).
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MODULES: Readonly<Record<string, readonly string[]>> = {
  "examples/programs/bookkeeping-wasi/bookkeeping.wasm": [
    "examples/programs/bookkeeping-wasi/bookkeeping.c",
    "examples/programs/bookkeeping-entries/entries.c",
  ],
  "test/src/adapters/engine/fixtures/floats.wasm": ["test/src/adapters/engine/fixtures/floats.c"],
  "test/src/adapters/engine/fixtures/probe.wasm": ["test/src/adapters/engine/fixtures/probe.c"],
};
const BUILD = fileURLToPath(new URL("../build-program-wasi.sh", import.meta.url));
const CLANG = "clang";
const LIBRARY = "/usr/lib/wasm32-wasi/libc.a";
const COMPILER = /clang version 14\./;

const absent = compilerAbsence();
if (absent === undefined) checkAll();
else if ((process.env["SPRF_REQUIRE"] ?? "").split(",").includes("wasi-sdk")) fail(`wasi-sdk is missing: ${absent}`);
else console.log(`programs-fresh: left out: ${absent}`);

function checkAll(): void {
  const directory = mkdtempSync(join(tmpdir(), "sprf-programs-"));
  try {
    const output = join(directory, "module.wasm");
    for (const [path, sources] of Object.entries(MODULES)) {
      execFileSync(BUILD, [output, ...sources], { stdio: "inherit" });
      if (readFileSync(output).equals(readFileSync(path)))
        console.log(`programs-fresh: ${path} is what its source gives`);
      else fail(`${path} is stale; run: scripts/build-program-wasi.sh ${[path, ...sources].join(" ")}`);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function compilerAbsence(): string | undefined {
  if (!existsSync(LIBRARY)) return `no ${LIBRARY} (Debian: wasi-libc)`;
  try {
    const version = execFileSync(CLANG, ["--version"], { encoding: "utf8" });
    // Another compiler gives other bytes for the same program.
    return COMPILER.test(version) ? undefined : "the committed modules are built by clang 14";
  } catch {
    return "no clang";
  }
}

function fail(why: string): void {
  console.error(`programs-fresh: ${why}`);
  process.exitCode = 1;
}
