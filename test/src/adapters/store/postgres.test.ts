import { randomUUID } from "node:crypto";

import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createPostgres, type Postgres } from "../../../../src/adapters/postgres/connect.ts";
import { migrate } from "../../../../src/adapters/postgres/migrate.ts";
import { openPostgresStore } from "../../../../src/adapters/store/postgres.ts";
import { STORE_TABLES } from "../../../../src/adapters/store/postgres-tables.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { storeCompliance } from "../../../compliance/store.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { postgresAbsent, startPostgres, type PostgresServer } from "../../../helpers/postgres.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { until } from "../../../helpers/until.ts";
import { expectWholeBatches, writeAndKill } from "../../../helpers/write-and-kill.ts";

const SUITE_TIMEOUT_MS = 120_000;
const START_TIMEOUT_MS = 60_000;
const KILLS = 3;
const WRITES_BEFORE_A_KILL = 40;
const WRITES = 60;
const logger = createMemoryLogger();

describeWithPart("postgres", postgresAbsent(), "PostgreSQL store", function () {
  this.timeout(SUITE_TIMEOUT_MS);
  let server: PostgresServer;
  let postgres: Postgres;

  before(async () => {
    server = await startPostgres();
    postgres = createPostgres({ url: server.url, clock: systemClock, logger });
  });
  after(async () => {
    await postgres.close();
    await server.remove();
  });

  const open = async (name: string = randomUUID(), on = postgres): Promise<Store> =>
    await openPostgresStore({ postgres: on, name, logger });
  const put = async (store: Store, key: string): Promise<void> =>
    await store.apply([{ kind: "insert", table: "things", key, value: utf8(key) }]);

  storeCompliance("postgres", open);

  it("has everything after it was closed and opened again, and nothing of another store", async () => {
    const first = await open("again");
    await put(first, "kept");
    await first.close();
    const [second, other] = [await open("again"), await open("another")];
    expect(await second.get("things", "kept")).to.deep.equal(utf8("kept"));
    expect(await other.get("things", "kept")).to.equal(undefined);
    await Promise.all([second.close(), other.close()]);
    expect(await codeOf(second.get("things", "kept"))).to.equal("STORE_UNAVAILABLE");
  });

  it("is open in one process at a time", async () => {
    const first = await open("one");
    const elsewhere = createPostgres({ url: server.url, clock: systemClock, logger });
    expect(await codeOf(open("one", elsewhere))).to.equal("STORE_IN_USE");
    await first.close();
    const second = await open("one", elsewhere);
    await put(second, "a");
    await second.close();
    await elsewhere.close();
  });

  it("takes nothing from who had it open before", async () => {
    const elsewhere = createPostgres({ url: server.url, clock: systemClock, logger });
    const first = await open("lost", elsewhere);
    await put(first, "mine");
    // As when the server restarts, and another process is faster than the one that had it.
    await postgres.pool.query("UPDATE sprf.stores SET term = term + 1 WHERE name = 'lost'");
    expect(await codeOf(put(first, "late"))).to.equal("STORE_IN_USE");
    await first.close();
    await elsewhere.close();
    const second = await open("lost");
    expect((await second.list("things")).map(({ key }) => key)).to.deep.equal(["mine"]);
    await second.close();
  });

  for (let kill = 0; kill < KILLS; kill++) {
    it(`loses nothing that was applied, and keeps batches whole, when its process is killed (${kill + 1})`, async () => {
      await postgres.pool.query("DELETE FROM sprf.entries WHERE store = 'killed'");
      const applied = await writeAndKill(server.url, WRITES_BEFORE_A_KILL + kill * 7);
      const opened: Store[] = [];
      // The server notices the end of the connection a moment later.
      await until(
        async () => {
          await open("killed").then(
            (store) => opened.push(store),
            () => undefined,
          );
          return opened.length > 0;
        },
        { everyMs: 50 },
      );
      await expectWholeBatches(opened[0]!, applied);
      await opened[0]!.close();
    });
  }

  for (const end of ["stop", "kill"] as const) {
    it(`waits while the server restarts after a ${end}, and applies each change once`, async () => {
      const store = await open(`restarted by ${end}`);
      const keys = Array.from({ length: WRITES }, (_, n) => String(n).padStart(3, "0"));
      let written = 0;
      // Made twice, an insert would find its own key.
      const writing = Promise.all(
        keys.map(async (key) => {
          await put(store, key);
          written += 1;
        }),
      );
      await until(() => written > 2);
      await server[end]();
      const reading = store.get("things", "000");
      await server.start();
      await writing;
      expect(await reading).to.deep.equal(utf8("000"));
      expect((await store.list("things")).map(({ key }) => key)).to.deep.equal(keys);
      // And is still this process's alone.
      await until(async () => (await codeOf(open(`restarted by ${end}`))) === "STORE_IN_USE", { everyMs: 50 });
      await store.close();
    }).timeout(START_TIMEOUT_MS);
  }

  it("says when there is no server, no database of that kind, or one of a newer program", async () => {
    expect(() => createPostgres({ url: "mysql://x", clock: systemClock, logger }))
      .to.throw()
      .with.property("code", "CONFIG_INVALID");
    const nowhere = createPostgres({ url: "postgres://127.0.0.1:1/x", clock: systemClock, logger, patienceMs: 100 });
    expect(await codeOf(open("a", nowhere))).to.equal("DATABASE_UNAVAILABLE");
    await nowhere.close();
    const step = "SELECT 1";
    await migrate(postgres.pool, { part: "later", steps: [step, step, step] });
    expect(await codeOf(migrate(postgres.pool, { part: "later", steps: [step, step] }))).to.equal("DATABASE_NEWER");
    await migrate(postgres.pool, STORE_TABLES);
  });

  it("takes a migration's step once, and whole or not at all", async () => {
    const made = "CREATE TABLE sprf.made (n int)";
    await migrate(postgres.pool, { part: "steps", steps: [made] });
    const broken = [made, "INSERT INTO sprf.made VALUES (1)", "SELECT * FROM sprf.there_is_no_such_table"];
    expect(await migrate(postgres.pool, { part: "steps", steps: broken }).catch(() => "refused")).to.equal("refused");
    const good = [made, "INSERT INTO sprf.made VALUES (2)"];
    await Promise.all([1, 2, 3].map(async () => await migrate(postgres.pool, { part: "steps", steps: good })));
    expect((await postgres.pool.query("SELECT n FROM sprf.made")).rows).to.deep.equal([{ n: 2 }]);
  });
});
