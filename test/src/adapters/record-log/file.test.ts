import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";
import fc from "fast-check";

import { createMemoryLogger, type LogLine } from "../../../../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../../../../src/adapters/record-log/file.ts";
import type { RecordLog } from "../../../../src/ports/record-log.ts";
import { recordLogCompliance } from "../../../compliance/record-log.ts";
import { codeOf } from "../../../helpers/code-of.ts";

/** A handful of entries a file. */
const SEGMENT_BYTES = 80;
const KILL_AFTER = 60;

describe("adapters/record-log/file", () => {
  let folder: string;
  let count = 0;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "sprf-log-"))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  const newDirectory = (): string => join(folder, String((count += 1)));
  const open = async (directory: string, lines: LogLine[] = []): Promise<RecordLog> =>
    await openFileRecordLog({ directory, logger: createMemoryLogger(lines), segmentBytes: SEGMENT_BYTES });
  const heightsOf = async (log: RecordLog): Promise<number[]> => {
    const heights: number[] = [];
    for await (const { height } of log.entries()) heights.push(height);
    return heights;
  };
  const filesOf = async (directory: string): Promise<string[]> =>
    (await readdir(directory))
      .filter((name) => name.endsWith(".log"))
      .sort()
      .map((name) => join(directory, name));
  const fill = async (directory: string, entries: number): Promise<void> => {
    const log = await open(directory);
    for (let height = 1; height <= entries; height += 1)
      await log.append([{ height, bytes: new Uint8Array(10).fill(7) }]);
    await log.close();
  };

  recordLogCompliance("file", async () => {
    const directory = newDirectory();
    return async () => await open(directory);
  });

  it("should cut off an end that was torn, wherever, and go on behind what is left", async () => {
    const ENTRY_BYTES = 26;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 25 }), fc.boolean(), async (missing, hasRest) => {
        const directory = newDirectory();
        await fill(directory, 2);
        const [file = ""] = await filesOf(directory);
        await truncate(file, 2 * ENTRY_BYTES - missing);
        // What stood on that part of the disk before.
        if (hasRest) await appendFile(file, new Uint8Array(missing).fill(0xab));
        const lines: LogLine[] = [];
        const log = await open(directory, lines);
        expect(await heightsOf(log)).to.deep.equal([1]);
        expect(lines.map(({ level }) => level)).to.deep.equal(["warn"]);
        await log.append([{ height: 2, bytes: new Uint8Array(1) }]);
        expect(await heightsOf(log)).to.deep.equal([1, 2]);
        await log.close();
      }),
      { numRuns: 15 },
    );
  });

  it("should refuse a file that is damaged and was finished", async () => {
    const directory = newDirectory();
    await fill(directory, 10);
    const [first = ""] = await filesOf(directory);
    const content = await readFile(first);
    content[30]! ^= 1;
    await writeFile(first, content);
    expect(await codeOf(open(directory))).to.equal("STORE_UNAVAILABLE");
  });

  it("should say so when its folder is none", async () => {
    const file = newDirectory();
    await writeFile(file, "");
    expect(await codeOf(open(join(file, "below")))).to.equal("STORE_UNAVAILABLE");
  });

  it("should delete whole files below a pruned height", async () => {
    const directory = newDirectory();
    await fill(directory, 20);
    const files = await filesOf(directory);
    const log = await open(directory);
    await log.prune(18);
    expect((await filesOf(directory)).length).to.be.lessThan(files.length / 2);
    await log.close();
  });

  it("should have all that it said it kept when its process is killed", async () => {
    const directory = newDirectory();
    const writer = spawn(process.execPath, [resolve("test/helpers/log-writer.ts"), directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(writer, "close");
    let last = 0;
    for await (const line of createInterface({ input: writer.stdout })) {
      last = Number(line);
      if (last >= KILL_AFTER) writer.kill("SIGKILL");
    }
    await closed;
    const log = await open(directory);
    const heights = await heightsOf(log);
    await log.close();
    expect(heights).to.deep.equal(heights.map((_, index) => index + 1));
    expect(heights.length).to.be.greaterThanOrEqual(last);
  }).timeout(20_000);
});
