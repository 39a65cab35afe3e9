// Started by the tests of stores on disk: writes pairs of entries one batch after the other, says each that has been applied, and is
// killed at some point.
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createPostgres } from "../../src/adapters/postgres/connect.ts";
import { openPostgresStore } from "../../src/adapters/store/postgres.ts";
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import type { Store } from "../../src/ports/store.ts";
import { utf8 } from "../../src/utils/bytes.ts";

if (process.argv[1] === import.meta.filename) await writeUntilKilled(process.argv[2] ?? "");

async function writeUntilKilled(where: string): Promise<void> {
  const store = await open(where);
  for (let i = 0; ; i++) {
    const value = utf8(String(i));
    await store.apply([
      { kind: "insert", table: "left", key: keyOf(i), value },
      { kind: "put", table: "right", key: keyOf(i), value },
      { kind: "put", table: "last", key: "written", value },
    ]);
    process.stdout.write(`${i}\n`);
  }
}

/** A file's path, or the URL of a database. */
async function open(where: string): Promise<Store> {
  if (!where.startsWith("postgres:")) return createSqliteStore(where);
  const logger = createMemoryLogger();
  const postgres = createPostgres({ url: where, clock: systemClock, logger });
  return await openPostgresStore({ postgres, name: "killed", logger });
}

function keyOf(i: number): string {
  return String(i).padStart(9, "0");
}
