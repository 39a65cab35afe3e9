import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";

import { readText } from "../config/load.ts";
import { SprfError } from "../errors.ts";

/** Where a keystore's password comes from. */
export interface PasswordOptions {
  readonly passwordFile?: string;
}

/**
 * A password from a file (without its last line end), or asked for on the terminal without showing it; a new one twice.
 *
 * @throws SprfError `CONFIG_INVALID` for a file that cannot be read, `INVALID_INPUT` without a terminal or when the two differ
 */
export async function passwordOf(
  { passwordFile }: PasswordOptions,
  { isNew, signal }: { readonly isNew: boolean; readonly signal: AbortSignal },
): Promise<string> {
  if (passwordFile !== undefined) return (await readText(passwordFile)).trimEnd();
  const password = await askHidden(isNew ? "New password: " : "Password: ", signal);
  if (isNew && (await askHidden("Once more: ", signal)) !== password) {
    throw new SprfError("INVALID_INPUT", "the two passwords differ; nothing was written");
  }
  return password;
}

/** Asks on the terminal; what is typed is not shown. @throws SprfError `INVALID_INPUT` without a terminal */
export async function askHidden(question: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new SprfError("INVALID_INPUT", `there is no terminal to ask on ("${question.trim()}"); give it as a file`);
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  process.stderr.write(question);
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await terminal.question("", { signal });
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
