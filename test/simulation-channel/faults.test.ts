import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect } from "chai";

import { NODE_FAULTS } from "../helpers/channel-simulation/faults.ts";

const run = promisify(execFile);
/** A process that plays one seed: seconds of processor time, and many more on a loaded machine. */
const TIMEOUT_MS = 300_000;
const [HOOK, SCRIPT] = ["test/helpers/channel-simulation/seed-fault.ts", "scripts/simulate-channels.ts"];

interface Played {
  readonly seed: number;
  readonly breaches: readonly string[];
}

/** What a seed comes to when all nodes have a fault. */
async function playWith(fault: string, seed: number): Promise<Played> {
  const args = [
    "--import",
    `./${HOOK}`,
    "--no-warnings",
    SCRIPT,
    "--part",
    "0/1",
    "--seeds",
    "1",
    "--first",
    `${seed}`,
  ];
  const env = { ...process.env, SPRF_CHANNEL_FAULT: fault };
  const { stdout } = await run(process.execPath, args, { env, timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as Played;
}

describe("faults of channels' nodes, in the simulation", () => {
  for (const [fault, { seed, foundBy }] of Object.entries(NODE_FAULTS)) {
    it(`finds a node that ${fault}`, async () => {
      const { breaches } = await playWith(fault, seed);
      expect(breaches[0] ?? "nothing").to.match(new RegExp(`^${foundBy}`));
    }).timeout(TIMEOUT_MS);
  }
});
