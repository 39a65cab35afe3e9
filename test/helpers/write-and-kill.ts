import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";

import type { Store } from "../../src/ports/store.ts";

/** Kills a writer of a store as soon as it has said `lines` batches, and gives the number of the last one it said. */
export async function writeAndKill(where: string, lines: number): Promise<number> {
  const writer = spawn(process.execPath, [resolve("test/helpers/store-writer.ts"), where], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(writer, "close");
  let last = -1;
  for await (const line of createInterface({ input: writer.stdout })) {
    last = Number(line);
    if (last >= lines) writer.kill("SIGKILL");
  }
  await closed;
  return last;
}

/** What was applied is there, and each batch as a whole. */
export async function expectWholeBatches(store: Store, applied: number): Promise<void> {
  const left = (await store.list("left")).map(({ key }) => key);
  const right = (await store.list("right")).map(({ key }) => key);
  expect(left.length).to.be.greaterThanOrEqual(applied + 1);
  expect(right).to.deep.equal(left);
  expect(left.map(Number)).to.deep.equal(left.map((_, i) => i));
}
