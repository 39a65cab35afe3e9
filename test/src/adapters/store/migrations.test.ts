import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { STORE_VERSION } from "../../../../src/adapters/store/migrations.ts";
import { createSqliteStore } from "../../../../src/adapters/store/sqlite.ts";
import { createDutyStore } from "../../../../src/tester/duty-store.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { verifyAnswer } from "../../../../src/wire/execution-answer.ts";
import { createAppealStore } from "../../../../src/worker/appeals/appeal-store.ts";
import { createAttempts } from "../../../../src/worker/executions/attempts.ts";

const FIXTURE = new URL("../../../vectors/store-5432dfb.sql", import.meta.url);
const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const OLD_SEQUENCE = 5n;

describe("stores of other releases", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-migrations-"));
    path = join(folder, "store.sqlite");
  });
  afterEach(async () => await rm(folder, { recursive: true }));

  it("should be read whole when they are older: answers, appeals and duties that must not be lost", async () => {
    const sql = await readFile(FIXTURE, "utf8");
    change(sql);
    const entries = sql.match(/^INSERT/gm)?.length ?? 0;
    const store = createSqliteStore(path);
    try {
      const attempts = createAttempts({ store, clock: { now: () => 0 }, latestBlock: () => 0 });
      const [attempt] = await attempts.of(new Uint8Array(32).fill(1));
      expect(attempt?.signed.answer).to.include({ sequence: OLD_SEQUENCE, status: "accepted", newState: CID });
      if (attempt !== undefined) verifyAnswer(attempt.signed);
      expect(await createAppealStore(store).get(`0x${"a1".repeat(20)}`, 2)).to.include({ phase: "appealed" });
      const [duty] = await createDutyStore(store).of(`0x${"b2".repeat(20)}`);
      expect(duty).to.deep.include({ phase: "committed", salt: new Uint8Array(32).fill(6), round: "epoch" });
    } finally {
      await store.close();
    }
    expect(read("SELECT count(*) FROM entries")).to.equal(entries);
    expect(read("PRAGMA user_version")).to.equal(STORE_VERSION);
  });

  it("should be refused when they are newer, and left as they are", async () => {
    change(`CREATE TABLE entries (of TEXT); PRAGMA user_version = ${STORE_VERSION + 1}`);
    const before = await readFile(path);
    expect(() => createSqliteStore(path))
      .to.throw()
      .with.property("code", "STORE_TOO_NEW");
    expect(Buffer.compare(await readFile(path), before)).to.equal(0);
  });

  it("should say their version, and be opened again without being written", async () => {
    const store = createSqliteStore(path);
    await store.apply([{ kind: "put", table: "things", key: "a", value: utf8("1") }]);
    await store.close();
    const before = await readFile(path);
    const again = createSqliteStore(path);
    expect(await again.get("things", "a")).to.deep.equal(utf8("1"));
    await again.close();
    expect(Buffer.compare(await readFile(path), before)).to.equal(0);
  });

  function change(sql: string): void {
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
  }

  function read(sql: string): unknown {
    const database = new DatabaseSync(path);
    const value = Object.values(database.prepare(sql).get() ?? {})[0];
    database.close();
    return value;
  }
});
