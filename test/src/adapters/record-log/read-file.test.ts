import { appendFile, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../../../../src/adapters/record-log/file.ts";
import { readFileRecordLog } from "../../../../src/adapters/record-log/read-file.ts";
import { codeOf } from "../../../helpers/code-of.ts";

describe("adapters/record-log/read-file", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sprf-read-log-"));
  });
  afterEach(async () => await rm(directory, { recursive: true, force: true }));

  const heightsOf = async (fromHeight = 0): Promise<number[]> => {
    const heights: number[] = [];
    for await (const { height } of readFileRecordLog(directory).entries({ fromHeight })) heights.push(height);
    return heights;
  };

  it("should read what its writer has, while that has it open, and leave a half-written end alone", async () => {
    const log = await openFileRecordLog({ directory, logger: createMemoryLogger(), segmentBytes: 100 });
    for (let height = 1; height <= 9; height += 1) {
      await log.append([{ height, bytes: new Uint8Array(40).fill(height) }]);
    }
    async function* parts(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1, 2, 3);
    }
    await log.saveSnapshot(4, parts());
    expect(await heightsOf()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await heightsOf(6)).to.deep.equal([6, 7, 8, 9]);
    expect(await readFileRecordLog(directory).snapshots()).to.deep.equal([4]);
    const newest = join(
      directory,
      (await readdir(directory))
        .filter((name) => name.endsWith(".log"))
        .toSorted()
        .at(-1) ?? "",
    );
    await appendFile(newest, Uint8Array.of(0, 0, 0, 9, 1, 2));
    const before = await readFile(newest);
    expect(await heightsOf()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect((await readFile(newest)).equals(before)).to.equal(true);
    await log.close();
  });

  it("should say that there is nothing to read", async () => {
    await rm(directory, { recursive: true });
    expect(await codeOf(heightsOf())).to.equal("STORE_UNAVAILABLE");
  });
});
