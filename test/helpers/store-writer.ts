// Started by the test of the SQLite store: writes pairs of entries one batch after the other, says each that has been applied,
// and is killed at some point.
import { createSqliteStore } from "../../src/adapters/store/sqlite.ts";
import { utf8 } from "../../src/utils/bytes.ts";

if (process.argv[1] === import.meta.filename) await writeUntilKilled(process.argv[2] ?? "");

async function writeUntilKilled(path: string): Promise<void> {
  const store = createSqliteStore(path);
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

function keyOf(i: number): string {
  return String(i).padStart(9, "0");
}
