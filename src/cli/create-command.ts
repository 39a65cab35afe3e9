import { Command } from "commander";

import { ERRORS } from "../errors.ts";
import { EXIT_CODES } from "./run-command.ts";

/**
 * A command that ends with the code of a user's error when it is called with options that it does not have, and says so as JSON
 * where that was asked for.
 */
export function createCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showHelpAfterError("`--help` tells what there is.")
    .configureOutput({
      outputError: (text, write) => {
        if (!process.argv.includes("--json")) return write(text);
        const message = text.trim().replace(/^error: /, "");
        const error = { code: "INVALID_INPUT", message, ...ERRORS.INVALID_INPUT };
        return console.log(JSON.stringify({ error }));
      },
    })
    .exitOverride(({ exitCode }) => {
      process.exit(exitCode === 0 ? 0 : EXIT_CODES.user);
    });
}
