import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { inTurn } from "../../scripts/hardhat/in-turn.ts";

/** Adds to a number in a file, in turn with other processes; with `hold` it stays there for ever once it is its turn. */
async function main([folder = "", turns = "", hold = ""]: readonly string[]): Promise<void> {
  const file = join(folder, "count");
  for (let turn = 0; turn < Number(turns); turn++) {
    await inTurn(join(folder, "lock"), async () => {
      if (hold === "true") {
        process.send?.("holds");
        await new Promise(() => void setInterval(() => {}, 1_000));
      }
      const before = Number(await readFile(file, "utf8"));
      await writeFile(file, String(before + 1));
    });
  }
  process.disconnect();
}

if (import.meta.main) await main(process.argv.slice(2));
