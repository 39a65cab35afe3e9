import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { exampleImage } from "../../src/devnet/example-program.ts";
import { REGISTRY, dockerAbsence } from "../helpers/docker-programs.ts";
import { mainJobSuite } from "../helpers/main-job-suite.ts";
import { describeWithPart } from "../helpers/require-parts.ts";

const absent = await dockerAbsence();
const image = absent === undefined ? await exampleImage(REGISTRY) : undefined;

describeWithPart("docker", absent, "with a Docker Engine and a registry", () => {
  if (image === undefined) return;
  const reference = `${image.image.replace(/:[^:/]*$/, "")}@sha256:${image.digest}`;

  mainJobSuite({
    kind: "docker",
    vetted: [image.digest],
    program: async () => await Promise.resolve(image),
    // The same image by the Docker command line alone: no part of SPRF has a hand in it.
    async stateAfter(inputs) {
      const directory = await mkdtemp(join(tmpdir(), "sprf-bare-"));
      try {
        const state = join(directory, "state");
        await writeFile(state, "");
        for (const input of inputs) {
          const flags = ["--rm", "--interactive", "--network", "none", "--read-only", "--tmpfs", "/tmp"];
          const run = promisify(execFile)("docker", ["run", ...flags, "--volume", `${state}:/sprf/state`, reference]);
          run.child.stdin?.end(input);
          await run;
        }
        return await readFile(state);
      } finally {
        await rm(directory, { recursive: true, force: true });
      }
    },
  });
});
