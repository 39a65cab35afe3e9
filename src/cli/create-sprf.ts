import type { Command } from "commander";

import manifest from "../../package.json" with { type: "json" };
import { COMMANDS, type CommandEntry } from "./commands.ts";
import { addCompletion } from "./completion.ts";
import { createCommand } from "./create-command.ts";

const EXIT_CODES_HELP =
  "\nExit codes: 0 done, 2 wrong use, 3 a program's fault, 4 a peer's or the network's, 5 time-out, 70 a bug, 130 aborted.";

/**
 * The whole command line.
 *
 * @param isCalled whether a command's own options are wanted: each is loaded with all that it needs @default all are
 */
export async function createSprf(isCalled: (name: string) => boolean = () => true): Promise<Command> {
  const sprf = createCommand("sprf", "An open marketplace for computing that nobody has to trust.")
    .usage("<command> [options]")
    .version(manifest.version)
    // What follows a command is its own, also where the command has commands below it and options besides.
    .enablePositionalOptions()
    .addHelpText("after", EXIT_CODES_HELP);
  for (const entry of COMMANDS) sprf.addCommand(await commandOf(entry, isCalled(entry.name)));
  addCompletion(sprf);
  return sprf;
}

async function commandOf({ name, description, group, load }: CommandEntry, isCalled: boolean): Promise<Command> {
  const command = createCommand(name, description).helpGroup(group);
  if (isCalled) (await load())(command);
  return command;
}
