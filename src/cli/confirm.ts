import { createInterface } from "node:readline/promises";

import { SprfError } from "../errors.ts";

/**
 * Asks whether to go on with what costs money. Without a terminal there is nobody to ask, so it takes `--yes`.
 *
 * @throws SprfError `INVALID_INPUT` without a terminal, `ABORTED` for any answer but yes
 */
export async function confirm({ yes }: { readonly yes: boolean }, signal: AbortSignal): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new SprfError("INVALID_INPUT", "nothing was paid: there is no terminal to ask on, so say --yes to go on");
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question("Go on? (y/N) ", { signal });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } finally {
    terminal.close();
  }
  throw new SprfError("ABORTED", "nothing was paid");
}
