import { lockDirectory } from "../../src/adapters/store/directory-lock.ts";

/** Takes a directory and says so; it keeps it until it is killed. */
async function main([directory = ""]: readonly string[]): Promise<void> {
  await lockDirectory(directory);
  process.send?.("holds");
  setInterval(() => {}, 1_000);
}

if (import.meta.main) await main(process.argv.slice(2));
