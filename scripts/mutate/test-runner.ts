import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { environmentForHardhat } from "../hardhat/project-copy.ts";
import { isTestVerdict, type TestOrder, type TestVerdict } from "./test-protocol.ts";

/** How the tests judged the code: the test that failed, nothing failed, too slow, or no word about any test. */
export type TestOutcome =
  | { readonly kind: "failed"; readonly test: string; readonly file: string | undefined }
  | { readonly kind: "passed" }
  | { readonly kind: "timed-out" }
  | { readonly kind: "died"; readonly why: string };

const ERROR_CHARACTERS = 2_000;

/** Runs tests in a built project, each time in a fresh process that was started beforehand and has loaded Hardhat meanwhile. */
export class TestRunner {
  readonly #root: string;
  #spare: ChildProcess | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** Starts the next process, which takes a second. */
  warm(): void {
    this.#spare ??= spawn(process.execPath, [fileURLToPath(new URL("./test-process.ts", import.meta.url))], {
      cwd: this.#root,
      env: environmentForHardhat(),
      // Tests print for people; what matters comes as a message.
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
  }

  async run(order: TestOrder, timeoutMs: number): Promise<TestOutcome> {
    this.warm();
    const child = this.#spare as ChildProcess;
    this.#spare = undefined;
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors = (errors + text).slice(-ERROR_CHARACTERS)));
    let outcome: TestOutcome | undefined;
    child.on("message", (message) => {
      if (isTestVerdict(message)) outcome ??= outcomeOf(message);
    });
    const ended = once(child, "close");
    // Kept for the process until it listens.
    child.send(order);
    const timer = setTimeout(() => {
      outcome ??= { kind: "timed-out" };
      child.kill("SIGKILL");
    }, timeoutMs);
    try {
      const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
      return outcome ?? { kind: "died", why: `${signal ?? `exit code ${code}`} ${errors}`.trim() };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Safe to call twice. */
  stop(): void {
    this.#spare?.kill("SIGKILL");
    this.#spare = undefined;
  }
}

function outcomeOf({ failure, file, error }: TestVerdict): TestOutcome {
  if (error !== undefined) return { kind: "died", why: error };
  return failure === undefined ? { kind: "passed" } : { kind: "failed", test: failure, file };
}
