import { execFile, spawn } from "node:child_process";
import { promisify, stripVTControlCharacters } from "node:util";

import { messageOf } from "../../src/errors.ts";

/** Of util-linux: gives a program a terminal. */
const SCRIPT = "script";
const BACKSPACE = "\u0008";

/** A program on a terminal of its own. */
export interface Terminal {
  /** Presses keys. */
  type(keys: string): void;
  /** All that was shown so far, with what moves the cursor and changes colours. */
  readonly shown: string;
  /** The same as a reader sees it, a line after the other. */
  readonly text: string;
  readonly ended: Promise<number | string>;
  kill(): void;
}

/** Runs a command line of `sh` on a new terminal. */
export function openTerminal(line: string, environment: Readonly<Record<string, string>> = {}): Terminal {
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const child = spawn(SCRIPT, ["--quiet", "--return", "--command", line, "/dev/null"], {
    env: { ...inherited, TERM: "xterm", ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  child.stdout.on("data", (chunk: Buffer) => (shown += chunk.toString()));
  return {
    type: (keys) => void child.stdin.write(keys),
    get shown() {
      return shown;
    },
    get text() {
      // A letter that the cursor goes back over is written again.
      return stripVTControlCharacters(shown).replaceAll(new RegExp(`[^${BACKSPACE}]${BACKSPACE}`, "g"), "");
    },
    ended: new Promise((resolve) => child.once("close", (code, signal) => resolve(signal ?? code ?? -1))),
    kill: () => void child.kill("SIGKILL"),
  };
}

/** Why there can be no such terminal with this program, or undefined when there can. */
export async function terminalAbsence(program: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(SCRIPT, ["--version"]);
    await promisify(execFile)(program, ["--version"]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
