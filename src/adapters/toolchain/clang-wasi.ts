import { existsSync } from "node:fs";

import { SprfError } from "../../errors.ts";
import { runTool } from "./run-tool.ts";

const LIBRARIES = "/usr/lib/wasm32-wasi";
const HEADERS = "/usr/include/wasm32-wasi";
const INSTALL = "on Debian: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32";

/** As scripts/build-program-wasi.sh has them: nothing of this machine, its clock or its paths gets into the module. */
const FLAGS = [
  "--target=wasm32-wasi",
  "-Oz",
  "-std=gnu17",
  "-Wall",
  "-Wextra",
  "-fno-ident",
  "-nostdlibinc",
  "-isystem",
  HEADERS,
  `-L${LIBRARIES}`,
  "-Wl,--strip-all",
  "-Wl,-z,stack-size=65536",
];

/**
 * Compiles C sources to a WASI module with the clang that is on PATH; the same sources and compiler give the same bytes.
 *
 * @param output relative to the folder, as the sources are
 * @returns the compiler's warnings
 * @throws SprfError `TOOLCHAIN_MISSING`, `BUILD_FAILED`, `TIMEOUT`, `ABORTED`
 */
export async function compileWasi(
  {
    folder,
    sources,
    output,
  }: { readonly folder: string; readonly sources: readonly string[]; readonly output: string },
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  if (!existsSync(`${LIBRARIES}/libc.a`)) {
    throw new SprfError("TOOLCHAIN_MISSING", `there is no C library for WASI in ${LIBRARIES}; ${INSTALL}`);
  }
  return await runTool(["clang", ...FLAGS, `-ffile-prefix-map=${folder}=.`, "-o", output, ...sources], {
    folder,
    install: INSTALL,
    signal,
  });
}
