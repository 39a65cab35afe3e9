import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createSqliteStore } from "../../../../src/adapters/store/sqlite.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { storeCompliance } from "../../../compliance/store.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { expectWholeBatches, writeAndKill } from "../../../helpers/write-and-kill.ts";

const KILLS = 5;
const WRITES_BEFORE_A_KILL = 40;

describe("SQLite store", () => {
  let folder: string;
  let count = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-store-"));
  });
  after(async () => await rm(folder, { recursive: true, force: true }));

  const newPath = (): string => join(folder, `${count++}.sqlite`);

  storeCompliance("sqlite", async () => createSqliteStore(newPath()));

  it("has everything after it was closed and opened again", async () => {
    const path = newPath();
    const first = createSqliteStore(path);
    await first.apply([{ kind: "put", table: "things", key: "a", value: utf8("kept") }]);
    await first.close();
    const second = createSqliteStore(path);
    expect(await second.get("things", "a")).to.deep.equal(utf8("kept"));
    await second.close();
  });

  for (let kill = 0; kill < KILLS; kill++) {
    it(`loses nothing that was applied, and keeps batches whole, when its process is killed (${kill + 1})`, async () => {
      const path = newPath();
      const applied = await writeAndKill(path, WRITES_BEFORE_A_KILL + kill * 7);
      const store = createSqliteStore(path);
      await expectWholeBatches(store, applied);
      await store.close();
    });
  }

  it("serves two processes at once: each sees what the other applied", async () => {
    const path = newPath();
    const mine = createSqliteStore(path);
    const other = createSqliteStore(path);
    await mine.apply([{ kind: "insert", table: "things", key: "a", value: utf8("mine") }]);
    expect(await codeOf(other.apply([{ kind: "insert", table: "things", key: "a", value: utf8("other") }]))).to.equal(
      "STORE_CONFLICT",
    );
    await Promise.all([mine.close(), other.close()]);
  });

  it("says so when its file cannot be opened or is none", async () => {
    expect(() => createSqliteStore(join(folder, "absent", "x.sqlite")))
      .to.throw()
      .with.property("code", "STORE_UNAVAILABLE");
    const path = newPath();
    await writeFile(path, "this is not a database, but long enough to be looked at as one ".repeat(20));
    expect(() => createSqliteStore(path))
      .to.throw()
      .with.property("code", "STORE_UNAVAILABLE");
  });
});
