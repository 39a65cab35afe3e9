// The committed typechain-types/ is what a fresh build of the committed tree gives. The build runs in a copy, so that looking
// changes nothing.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const TYPES = "typechain-types";
const INPUTS = ["contracts", "hardhat.config.ts", "package.json", "tsconfig.json", "scripts/hardhat"];

const copy = mkdtempSync(join(tmpdir(), "sprf-typechain-"));
try {
  for (const input of INPUTS) cpSync(input, join(copy, input), { recursive: true });
  symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
  const hardhat = resolve("node_modules/hardhat/dist/src/cli.js");
  execFileSync(process.execPath, [hardhat, "build"], { cwd: copy, stdio: ["ignore", "ignore", "inherit"] });
  const stale = differences(filesIn(join(copy, TYPES)), committed());
  for (const path of stale) console.error(`typechain-fresh: ${TYPES}/${path} is stale`);
  if (stale.length > 0) {
    console.error(`typechain-fresh: run: rm -r ${TYPES}; npx hardhat build --force; then commit ${TYPES}`);
    process.exitCode = 1;
  } else console.log("typechain-fresh: the committed types are what the contracts give");
} finally {
  rmSync(copy, { recursive: true });
}

/** What git has in its index, because the build before this check has already refreshed the files on disk. */
function committed(): Map<string, string> {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const paths = git("ls-files", "-z", TYPES).split("\0").filter(Boolean);
  return new Map(paths.map((path) => [path.slice(TYPES.length + 1), git("show", `:${path}`)]));
}

function filesIn(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(directory.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

function differences(fresh: ReadonlyMap<string, string>, old: ReadonlyMap<string, string>): string[] {
  const paths = new Set([...fresh.keys(), ...old.keys()]);
  return [...paths].filter((path) => fresh.get(path) !== old.get(path)).sort();
}
