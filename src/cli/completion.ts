import { readFileSync } from "node:fs";

import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";

const NAME = "completion";
const SHELLS = ["bash", "zsh"] as const;

/**
 * Adds what completes words of all commands that were added before: `complete`, and the scripts that have a shell ask it. The
 * scripts are ours, because the library's for bash needs a package beside bash and evaluates what stands on the line. Where
 * `sprf` has nothing to offer, they offer files.
 */
export function addCompletion(sprf: Command): void {
  tab(sprf, { completionCommandName: NAME });
  const completion = sprf.commands.find((each) => each.name() === NAME);
  if (completion === undefined) return;
  completion.registeredArguments[0]?.choices(SHELLS);
  completion
    .description("Prints the script that has a shell complete words of sprf.")
    .action((shell: (typeof SHELLS)[number]) => {
      process.stdout.write(readFileSync(new URL(`completion.${shell}`, import.meta.url), "utf8"));
    });
}
