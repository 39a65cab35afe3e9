import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { SprfError, messageOf } from "../errors.ts";
import type { ProgramReference } from "../ports/engine.ts";

const MODULE = new URL("../../examples/programs/bookkeeping-wasi/bookkeeping.wasm", import.meta.url);
const BUILD_IMAGE = new URL("../../scripts/build-program-sqlite.sh", import.meta.url);
const PUSHED = /^(\S+) ([0-9a-f]{64})$/m;
const BUILD_TIMEOUT_MS = 300_000;

/** The bookkeeping program as a WASI module; `putFile` gives it to the workers. */
export async function exampleModule(
  putFile: (bytes: Uint8Array) => Promise<string>,
): Promise<Extract<ProgramReference, { kind: "wasi" }>> {
  return { kind: "wasi", cid: await putFile(await readFile(MODULE)) };
}

/**
 * The bookkeeping program as an image, built from its folder and pushed to a registry.
 *
 * @param registry such as `127.0.0.1:5000`
 * @throws SprfError `ENGINE_UNAVAILABLE` when it cannot be built or pushed
 */
export async function exampleImage(
  registry: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Extract<ProgramReference, { kind: "docker" }>> {
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)("bash", [fileURLToPath(BUILD_IMAGE), registry], {
      timeout: BUILD_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    }));
  } catch (error) {
    throw new SprfError("ENGINE_UNAVAILABLE", `the example image cannot be built: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const [, image, digest] = PUSHED.exec(stdout) ?? [];
  if (image === undefined || digest === undefined) {
    throw new SprfError("ENGINE_UNAVAILABLE", `building the example image printed no digest: ${stdout.slice(-200)}`);
  }
  return { kind: "docker", image, digest };
}
