// Started by the test of backups: backs up or restores, and is killed in the middle.
import { backUp, restore } from "../../src/create-backup.ts";

if (process.argv[1] === import.meta.filename) {
  const [, , what, from = "", to = ""] = process.argv;
  await (what === "backup" ? backUp(from, to) : restore(from, to));
}
