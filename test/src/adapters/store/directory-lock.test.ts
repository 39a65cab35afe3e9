import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { lockDirectory } from "../../../../src/adapters/store/directory-lock.ts";
import { SprfError } from "../../../../src/errors.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const PROCESS = fileURLToPath(new URL("../../../helpers/lock-process.ts", import.meta.url));

describe("adapters/store/directory-lock", () => {
  let folder: string;
  before(async () => (folder = await mkdtemp(join(tmpdir(), "sprf-lock-"))));
  after(async () => await rm(folder, { recursive: true, force: true }));

  it("should give a directory to one alone, until that lets go of it, and others beside it", async () => {
    const one = await lockDirectory(join(folder, "one"));
    expect(await codeOf(lockDirectory(join(folder, "one")))).to.equal("DIRECTORY_IN_USE");
    (await lockDirectory(join(folder, "other"))).release();
    one.release();
    one.release();
    (await lockDirectory(join(folder, "one"))).release();
  });

  it("should name the process that has it, and take it over when that is dead", async () => {
    const directory = join(folder, "killed");
    const holder = fork(PROCESS, [directory]);
    try {
      await once(holder, "message");
      const refused = await lockDirectory(directory).catch((error: unknown) => error);
      if (!(refused instanceof SprfError)) throw new Error("it was not refused");
      expect([refused.code, refused.context["pid"]]).to.deep.equal(["DIRECTORY_IN_USE", String(holder.pid)]);
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
    (await lockDirectory(directory)).release();
  }).timeout(20_000);

  it("should say so when there is no room for it", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    expect(await codeOf(lockDirectory(join(file, "below")))).to.equal("STORE_UNAVAILABLE");
  });
});
