import { fork } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";

import { startHeliaNode } from "./helia-node.ts";

export interface ContentProcess {
  readonly multiaddrs: readonly string[];
  readonly cid: string;
  kill(): Promise<void>;
}

/** Bytes that are the same in every process. */
export function sampleBytes(name: string, length: number): Uint8Array {
  return new Uint8Array(createHash("shake256", { outputLength: length }).update(name).digest());
}

/** Starts a store in its own process that puts `length` sample bytes and then serves them. */
export async function startContentProcess(name: string, directory: string, length: number): Promise<ContentProcess> {
  const child = fork(fileURLToPath(import.meta.url), [name, directory, String(length)]);
  const ready = await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the process ended with ${code}`)));
  });
  return {
    ...(ready as { multiaddrs: readonly string[]; cid: string }),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await gone;
    },
  };
}

async function main(name: string, directory: string, length: number): Promise<void> {
  const { node, content } = await startHeliaNode(name, directory, []);
  const cid = await content.putFile(sampleBytes(name, length));
  process.send?.({ multiaddrs: node.multiaddrs(), cid });
  process.on("disconnect", () => process.exit(0));
}

if (import.meta.main) {
  const [name = "", directory = "", length = "0"] = process.argv.slice(2);
  await main(name, directory, Number(length));
}
