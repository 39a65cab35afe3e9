import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { makeDirectory } from "../../../../src/adapters/record-log/make-directory.ts";

describe("record log: the folder of a log", () => {
  let folder: string;

  before(async () => (folder = await mkdtemp(join(tmpdir(), "sprf-folders-"))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  it("should be synced with all that are made above it, each before anything is made in it", async () => {
    const [one, two, three] = [join(folder, "one"), join(folder, "one/two"), join(folder, "one/two/three")];
    const synced: (readonly [string, boolean])[] = [];
    const inside = new Map([
      [folder, two],
      [one, three],
    ]);
    const sync = async (directory: string): Promise<void> =>
      void synced.push([directory, existsSync(inside.get(directory) ?? "")]);
    await makeDirectory(three, sync);
    expect(existsSync(three)).to.equal(true);
    const order = synced.map(([directory]) => directory).filter((directory) => directory.startsWith(folder));
    expect(order).to.deep.equal([folder, one, two]);
    expect(synced.some(([, isLate]) => isLate)).to.equal(false);
    // Whoever was killed before the last sync does it at the next start.
    synced.length = 0;
    await makeDirectory(three, sync);
    expect(synced).to.deep.equal([[two, false]]);
    await makeDirectory(three);
  });

  it("should fail where it cannot be made or synced, but for a folder that is somebody else's", async () => {
    const failing = (code: string) => async (): Promise<void> => {
      throw Object.assign(new Error(code), { code });
    };
    const failed = async (work: Promise<void>): Promise<boolean> =>
      await work.then(
        () => false,
        () => true,
      );
    expect(await failed(makeDirectory(folder, failing("EACCES")))).to.equal(false);
    expect(await failed(makeDirectory(folder, failing("EIO")))).to.equal(true);
    expect(await failed(makeDirectory(join(folder, "new"), failing("EACCES")))).to.equal(true);
    await writeFile(join(folder, "file"), "");
    expect(await failed(makeDirectory(join(folder, "file/in it")))).to.equal(true);
  });
});
