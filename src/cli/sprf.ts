import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

import { COMMANDS, type CommandEntry } from "./commands.ts";
import { createCommand } from "./create-command.ts";

const EXIT_CODES_HELP =
  "\nExit codes: 0 done, 2 wrong use, 3 a program's fault, 4 a peer's or the network's, 5 time-out, 70 a bug, 130 aborted.";

const words = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const called = words[0] === "help" || words[0] === "complete" ? words[1] : words[0];
const sprf = createCommand("sprf", "An open marketplace for computing that nobody has to trust.")
  .usage("<command> [options]")
  .addHelpText("after", EXIT_CODES_HELP);
for (const entry of COMMANDS) sprf.addCommand(await commandOf(entry, entry.name === called));
// Completes words, and prints the script that has a shell ask for them.
tab(sprf, { completionCommandName: "completion" });
await sprf.parseAsync();

/** With its options only if they are asked for. */
async function commandOf({ name, description, group, load }: CommandEntry, isCalled: boolean): Promise<Command> {
  const command = createCommand(name, description).helpGroup(group);
  if (isCalled) (await load())(command);
  return command;
}
