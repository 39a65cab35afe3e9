import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, open, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { STORE_VERSION } from "../../src/adapters/store/migrations.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { backUp, restore } from "../../src/create-backup.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";
import { until } from "../helpers/until.ts";

const MIB = 1024 * 1024;
const TIMEOUT_MS = 60_000;
const PAIRS = 50;

describe("backUp and restore", function () {
  this.timeout(TIMEOUT_MS);
  let folder: string;
  let data: string;
  let file: string;
  let target: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-backup-"));
    data = join(folder, "data");
    file = join(folder, "backup");
    target = join(folder, "restored");
    await mkdir(join(data, "blocks", "AB"), { recursive: true });
    const store = createSqliteStore(join(data, "store.sqlite"));
    await store.apply([{ kind: "put", table: "attempts", key: "one", value: utf8("signed") }]);
    await store.close();
    await writeFile(join(data, "blocks", "AB", "block.data"), "content");
    // As the store of content names a block that it is writing.
    await writeFile(join(data, "blocks", "AB", "block.data.123"), "con");
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("should bring store and content back, and mark where they come from", async () => {
    expect(await backUp(data, file)).to.include({ entries: 1, files: 1, fileBytes: 7 });
    const { takenAtMs } = await restore(file, target);
    expect(await readdir(target)).to.have.members(["blocks", "store.sqlite"]);
    expect(await readFile(join(target, "blocks", "AB", "block.data"), "utf8")).to.equal("content");
    const store = createSqliteStore(join(target, "store.sqlite"));
    expect(await store.get("attempts", "one")).to.deep.equal(utf8("signed"));
    expect(await store.list("restored")).to.have.length(1);
    await store.close();
    expect(takenAtMs).to.be.greaterThan(0);
    expect((await readdir(folder)).toSorted()).to.deep.equal(["backup", "data", "restored"]);
  });

  it("should take one state of a store that is being written", async () => {
    const writer = spawn(process.execPath, [resolve("test/helpers/store-writer.ts"), join(data, "store.sqlite")], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await until(async () => (await lastOf(data)) > PAIRS, { timeoutMs: TIMEOUT_MS });
      await backUp(data, file);
      await restore(file, target);
      expect(writer.exitCode).to.equal(null);
    } finally {
      writer.kill("SIGKILL");
      await once(writer, "close");
    }
    const store = createSqliteStore(join(target, "store.sqlite"));
    const [left, right] = await Promise.all(
      ["left", "right"].map(async (table) => (await store.list(table, { limit: MIB })).map(({ key }) => key)),
    );
    const last = await store.get("last", "written");
    await store.close();
    expect(left).to.deep.equal(right);
    expect(left?.length).to.equal(Number(new TextDecoder().decode(last)) + 1);
  });

  it("should write over nothing", async () => {
    await writeFile(file, "mine");
    expect(await codeOf(backUp(data, file))).to.equal("BACKUP_EXISTS");
    await rm(file);
    await backUp(data, file);
    await mkdir(target);
    await writeFile(join(target, "mine"), "");
    expect(await codeOf(restore(file, target))).to.equal("BACKUP_EXISTS");
    expect(await readdir(target)).to.deep.equal(["mine"]);
  });

  it("should refuse what is damaged, no backup, or of a later release", async () => {
    expect(await codeOf(backUp(folder, file))).to.equal("CONFIG_INVALID");
    expect(await codeOf(restore(join(data, "store.sqlite"), target))).to.equal("BACKUP_INVALID");
    await writeFile(join(folder, "text"), "text");
    expect(await codeOf(restore(join(folder, "text"), target))).to.equal("BACKUP_INVALID");
    const faults = {
      BACKUP_INVALID: "UPDATE files SET data = x'00'",
      STORE_TOO_NEW: `UPDATE mark SET json = json_set(json, '$.storeVersion', ${STORE_VERSION + 1})`,
    };
    for (const [code, sql] of Object.entries(faults)) {
      await rm(file, { force: true });
      await backUp(data, file);
      alter(file, sql);
      expect(await codeOf(restore(file, target))).to.equal(code);
    }
    await rm(file);
    await backUp(data, file);
    const handle = await open(file, "r+");
    await handle.truncate(4_096);
    await handle.close();
    expect(await codeOf(restore(file, target))).to.equal("BACKUP_INVALID");
    expect(existsSync(target)).to.equal(false);
  });

  it("should let no name in a backup lead out of the directory", async () => {
    for (const path of ["../../outside", join(folder, "outside"), ".."]) {
      await rm(file, { force: true });
      await backUp(data, file);
      alter(file, `UPDATE files SET path = '${path}'`);
      expect(await codeOf(restore(file, target))).to.equal("BACKUP_INVALID");
      expect(existsSync(join(folder, "outside"))).to.equal(false);
    }
  });

  it("should leave nothing under its name when it is killed, and go on where that was", async () => {
    for (let i = 0; i < PAIRS; i++) await writeFile(join(data, "blocks", `${i}.data`), Buffer.alloc(MIB, i));
    await killDuring(["backup", data, file], `${file}.partial`);
    expect([existsSync(file), existsSync(`${file}.partial`)]).to.deep.equal([false, true]);
    expect(await backUp(data, file)).to.include({ files: PAIRS + 1 });
    await killDuring(["restore", file, target], `${target}.partial`);
    expect([existsSync(target), existsSync(`${target}.partial`)]).to.deep.equal([false, true]);
    await restore(file, target);
    expect((await readdir(join(target, "blocks"))).length).to.equal(PAIRS + 1);
    expect(existsSync(`${target}.partial`)).to.equal(false);
  });
});

/** Kills it once the path is there, which it makes first and takes away last. */
async function killDuring(words: readonly string[], path: string): Promise<void> {
  const child = spawn(process.execPath, [resolve("test/helpers/backup-process.ts"), ...words], { stdio: "inherit" });
  await until(() => existsSync(path), { timeoutMs: TIMEOUT_MS, everyMs: 1 });
  child.kill("SIGKILL");
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  expect(signal).to.equal("SIGKILL");
}

function alter(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

async function lastOf(data: string): Promise<number> {
  const store = createSqliteStore(join(data, "store.sqlite"));
  const last = await store.get("last", "written");
  await store.close();
  return last === undefined ? 0 : Number(new TextDecoder().decode(last));
}
