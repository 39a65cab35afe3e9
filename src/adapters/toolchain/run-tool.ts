import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { SprfError, messageOf } from "../../errors.ts";
import { abortError } from "../../utils/abort.ts";

const TIMEOUT_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Of what a compiler says, which begins with the first fault. */
const SHOWN_CHARACTERS = 4_000;

/**
 * Runs a tool of this machine in a folder to its end.
 *
 * @returns what it wrote to stderr: warnings
 * @throws SprfError `TOOLCHAIN_MISSING`, `BUILD_FAILED` with the tool's own words, `TIMEOUT`, `ABORTED`
 */
export async function runTool(
  [program, ...words]: readonly [string, ...string[]],
  {
    folder,
    install,
    signal,
  }: { readonly folder: string; readonly install: string; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  try {
    const options = { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    const { stderr } = await promisify(execFile)(
      program,
      words,
      signal === undefined ? options : { ...options, signal },
    );
    return stderr;
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal);
    const { code, killed, stderr, stdout } = error as {
      code?: unknown;
      killed?: boolean;
      stderr?: string;
      stdout?: string;
    };
    if (code === "ENOENT") {
      throw new SprfError("TOOLCHAIN_MISSING", `there is no ${program} on PATH; ${install}`, { cause: error });
    }
    if (killed === true)
      throw new SprfError("TIMEOUT", `${program} did not end within ${TIMEOUT_MS} ms`, { cause: error });
    const said = `${stderr ?? ""}${stdout ?? ""}`.trim() || messageOf(error);
    throw new SprfError("BUILD_FAILED", `${program} failed:\n${said.slice(0, SHOWN_CHARACTERS)}`, { cause: error });
  }
}
