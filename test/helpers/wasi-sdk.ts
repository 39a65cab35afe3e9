import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";

import { messageOf } from "../../src/errors.ts";

/** Why no C program can be compiled for the wasi engine here, or undefined when it can. */
export async function wasiSdkAbsence(): Promise<string | undefined> {
  try {
    await access("/usr/lib/wasm32-wasi/libc.a");
    await promisify(execFile)("clang", ["--version"]);
    await promisify(execFile)("wasm-ld", ["--version"]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
