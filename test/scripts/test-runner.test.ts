import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

/** How a file of tests can go wrong, with the last line and the exit code that must come of it. */
const CASES: readonly { name: string; source: string; last: RegExp; code: number }[] = [
  {
    name: "counts what passed",
    source: 'it("a", () => {}); it("b", () => {});',
    last: /^2 passed, 0 failed$/,
    code: 0,
  },
  {
    name: "fails when a test ends the process as if all were well",
    source: 'it("a", () => {}); it("b", () => process.exit(0)); it("c", () => {});',
    last: /^1 passed, 1 failed$/,
    code: 1,
  },
  {
    name: "fails when the process is killed",
    source: 'it("a", () => {}); it("b", () => process.kill(process.pid, "SIGKILL"));',
    last: /^1 passed, 1 failed$/,
    code: 1,
  },
  {
    name: "fails on a rejection that nobody handles",
    source: 'it("a", () => { void Promise.reject(new Error("lost")); });',
    last: /^\d passed, [1-9] failed$/,
    code: 1,
  },
  {
    name: "does not count tests behind a failed hook as passed",
    source: 'describe("x", () => { before(() => { throw new Error("no"); }); it("a", () => {}); it("b", () => {}); });',
    last: /^0 passed, 1 failed$/,
    code: 1,
  },
  { name: "fails on a skipped test", source: 'it.skip("a", () => {});', last: /^0 passed, 1 failed$/, code: 1 },
  { name: "fails when there is no test", source: "", last: /^0 passed, 1 failed$/, code: 1 },
];

describe("scripts/test.ts", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-runner-"));
  });

  after(async () => await rm(folder, { recursive: true, force: true }));

  for (const [index, { name, source, last, code }] of CASES.entries()) {
    it(name, async () => {
      const file = join(folder, `case-${index}.test.mjs`);
      await writeFile(file, source);
      const outcome = await runTests("--build=never", file);
      expect(outcome.lastLine).to.match(last);
      expect(outcome.code).to.equal(code);
    });
  }

  it("counts Solidity tests", async () => {
    const outcome = await runTests("test/contracts/libraries/WeightedDraw.t.sol");
    expect(outcome.lastLine).to.match(/^[1-9]\d* passed, 0 failed$/);
    expect(outcome.code).to.equal(0);
  });
});

async function runTests(...args: readonly string[]): Promise<{ code: number; lastLine: string }> {
  return await new Promise((done) => {
    const child = execFile(process.execPath, ["scripts/test.ts", ...args], (_, stdout) => {
      done({ code: child.exitCode ?? -1, lastLine: stdout.trim().split("\n").at(-1) ?? "" });
    });
  });
}
