import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { runCommandLine, succeed } from "../helpers/command.ts";

describe("sprf backup and sprf restore", function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-commands-backup-"));
    await mkdir(join(folder, "data"));
    const store = createSqliteStore(join(folder, "data", "store.sqlite"));
    await store.apply([{ kind: "put", table: "attempts", key: "a", value: new Uint8Array(1) }]);
    await store.close();
  });
  after(async () => await rm(folder, { recursive: true }));

  it("should write a file, make a directory of it, and write over neither", async () => {
    // docs-command: npx sprf backup --data .sprf/data/worker-0 worker.backup
    const backup = `npx sprf backup --data ${folder}/data ${folder}/worker.backup`;
    expect((await succeed(backup)).stdout).to.match(/has 1 entries and 0 files .* was read back/);
    // docs-command: npx sprf restore --data .sprf/restored worker.backup
    const restore = `npx sprf restore --data ${folder}/restored ${folder}/worker.backup`;
    const { stdout } = await succeed(`${restore} --json`);
    expect(JSON.parse(stdout)).to.include({ entries: 1, files: 0 });
    expect(existsSync(join(folder, "restored", "store.sqlite"))).to.equal(true);
    for (const line of [backup, restore]) {
      const { code, stderr } = await runCommandLine(line);
      expect([code, stderr]).to.deep.include.members([2]);
      expect(stderr).to.match(/^error BACKUP_EXISTS: /);
    }
  });
});
