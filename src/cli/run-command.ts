import { SprfError, messageOf, type Fault } from "../errors.ts";
import { paint } from "./paint.ts";
import { shutdownSignal } from "./shutdown.ts";

/** Exit codes by whose fault an error is; 0 is success. */
export const EXIT_CODES = {
  user: 2,
  program: 3,
  peer: 4,
  network: 4,
  timeout: 5,
  internal: 70,
  aborted: 130,
} as const satisfies Record<Fault, number>;

/**
 * Runs a command to its end and sets the exit code. What a user can mend is one line without a stack; anything else is a bug
 * and shows where it happened.
 */
export async function runCommand(
  command: (signal: AbortSignal) => Promise<void>,
  { json = false }: { readonly json?: boolean } = {},
): Promise<void> {
  try {
    await command(shutdownSignal());
  } catch (thrown) {
    const error =
      thrown instanceof SprfError ? thrown : new SprfError("INTERNAL", messageOf(thrown), { cause: thrown });
    if (json) {
      const { code, message, fault, next } = error;
      console.log(JSON.stringify({ error: { code, message, fault, next } }));
    } else {
      console.error(`${paint("red", `error ${error.code}:`, "stderr")} ${error.message}\n${error.next}`);
      if (error.fault === "internal") console.error(thrown instanceof Error ? thrown.stack : thrown);
    }
    process.exitCode = EXIT_CODES[error.fault];
  }
}
