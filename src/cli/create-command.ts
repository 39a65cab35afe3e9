import { Command } from "commander";

import { EXIT_CODES } from "./run-command.ts";

/** A command that ends with the code of a user's error when it is called with options that it does not have. */
export function createCommand(name: string, description: string): Command {
  return new Command(name).description(description).exitOverride(({ exitCode }) => {
    process.exit(exitCode === 0 ? 0 : EXIT_CODES.user);
  });
}
