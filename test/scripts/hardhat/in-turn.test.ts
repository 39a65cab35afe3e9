import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

const PROCESS = fileURLToPath(new URL("../../helpers/in-turn-process.ts", import.meta.url));
const PROCESSES = 4;
const TURNS = 20;

describe("scripts/hardhat/in-turn", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-turn-"));
    await writeFile(join(folder, "count"), "0");
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const start = (turns: number, hold: boolean): ChildProcess => fork(PROCESS, [folder, String(turns), String(hold)]);
  const count = async (): Promise<number> => Number(await readFile(join(folder, "count"), "utf8"));

  it("should let one process at a time do its work", async () => {
    const processes = Array.from({ length: PROCESSES }, () => start(TURNS, false));
    await Promise.all(processes.map(async (process) => void (await once(process, "exit"))));
    expect(processes.map(({ exitCode }) => exitCode)).to.deep.equal(processes.map(() => 0));
    expect(await count()).to.equal(PROCESSES * TURNS);
  }).timeout(30_000);

  it("should go on when the process whose turn it is dies", async () => {
    const holder = start(1, true);
    await once(holder, "message");
    const next = start(1, false);
    holder.kill("SIGKILL");
    await once(next, "exit");
    expect(await count()).to.equal(1);
  }).timeout(30_000);
});
