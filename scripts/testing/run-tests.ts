import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { isTestCounts, type TestCounts } from "./protocol.ts";

const RUNNER = fileURLToPath(new URL("./run.ts", import.meta.url));

/** What a process that ran tests came to. */
export interface Outcome extends Omit<TestCounts, "isFinal"> {
  /** What went wrong beside the tests that failed. */
  readonly problem?: string;
}

const running = new Set<ChildProcess>();

/** Runs tests in a process: `args` are files, folders and options of `run.ts`. Its output is shown as it comes, or when it ends. */
export async function runTests(args: readonly string[], { isShown }: { readonly isShown: boolean }): Promise<Outcome> {
  return await new Promise((resolve) => {
    let counts: TestCounts = { passed: 0, failed: 0, failures: [], seconds: {}, isFinal: false };
    const output: Buffer[] = [];
    const child = fork(RUNNER, args, {
      stdio: isShown ? ["inherit", "inherit", "inherit", "ipc"] : ["ignore", "pipe", "pipe", "ipc"],
    });
    running.add(child);
    child.stdout?.on("data", (part: Buffer) => output.push(part));
    child.stderr?.on("data", (part: Buffer) => output.push(part));
    child.on("message", (message) => {
      if (isTestCounts(message)) counts = message;
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      process.stdout.write(Buffer.concat(output));
      const problem = whatWentWrong(counts, code, signal);
      resolve({ ...counts, ...(problem === undefined ? {} : { problem }) });
    });
  });
}

/** Passes a signal on to every process that runs tests. */
export function stopTests(signal: NodeJS.Signals): void {
  for (const child of running) child.kill(signal);
}

function whatWentWrong(
  { isFinal, failed }: TestCounts,
  code: number | null,
  signal: NodeJS.Signals | null,
): string | undefined {
  const end = signal ?? `exit code ${code}`;
  if (!isFinal) return `the tests did not run to their end (${end})`;
  return code === 0 || failed > 0 ? undefined : `the tests ended with ${end}`;
}
