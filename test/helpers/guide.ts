import { readFileSync } from "node:fs";

import { expect } from "chai";

import { commandsOf } from "../../scripts/checks/shown-commands.ts";
import { startCommand, succeed, type Environment, type RunningCommand } from "./command.ts";

const DAEMON_TIMEOUT_MS = 600_000;

/** A page whose commands are run one after the other, as a reader would type them. */
export interface Guide {
  /** Runs the next command of the page to its end; @returns what it printed */
  run(line: string): Promise<string>;
  /** Starts it in a terminal of its own. */
  start(line: string, environment?: Environment): RunningCommand;
  /** The next command of the page was run in another way. */
  ran(line: string): void;
  /** Fails when the page shows more than was run, or in another order. */
  expectWhole(): void;
}

/** Opens a page; `named` puts a run's own names in the places of the page's, as a reader would. */
export function openGuide(
  path: string,
  { environment, named = (line) => line }: { environment: () => Environment; named?: (line: string) => string },
): Guide {
  const lines: string[] = [];
  return {
    async run(line) {
      lines.push(line);
      return (await succeed(named(line), environment())).stdout;
    },
    start(line, more = {}) {
      lines.push(line);
      return startCommand(named(line), { ...environment(), ...more }, { timeoutMs: DAEMON_TIMEOUT_MS });
    },
    ran(line) {
      lines.push(line);
    },
    expectWhole() {
      expect(lines).to.deep.equal(commandsOf(readFileSync(path, "utf8")));
    },
  };
}
