// One run of tests in a process of its own, in the project that is its working folder: loads Hardhat, waits to be told what to run,
// and tells how it ended. Started by test-runner.ts.
import { relative } from "node:path";

import hre from "hardhat";
import Mocha from "mocha";

import { isTestOrder, type TestOrder, type TestVerdict } from "./test-protocol.ts";

/** An eighth of what the whole suite plays: a mutant that this does not show counts as one that the tests let live. */
const INVARIANT_RUNS = 8;

interface SolidityResults {
  readonly suiteResults: readonly {
    readonly testResults: readonly { readonly name: string; readonly status: string }[];
  }[];
}

process.once("message", (order) => {
  if (!isTestOrder(order)) throw new Error("the order to this test process makes no sense");
  void perform(order);
});
process.on("disconnect", () => process.exit(1));
process.on("unhandledRejection", (reason) => void tell({ failure: `a rejection nobody handled: ${String(reason)}` }));

async function perform(order: TestOrder): Promise<void> {
  try {
    await tell(order.kind === "mocha" ? await runMocha(order.files) : await runSolidity(order.files));
  } catch (error) {
    // Not a failed test: the machine may be at fault, and a mutant must not count as killed for that.
    await tell({ error: error instanceof Error ? error.message : String(error) });
  }
}

async function runMocha(files: readonly string[]): Promise<TestVerdict> {
  hre.config.test.mocha.reporter = class extends Mocha.reporters.Base {
    constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
      super(runner, options);
      runner.on("fail", (test) => {
        void tell({
          failure: test.fullTitle(),
          ...(test.file === undefined ? {} : { file: relative(process.cwd(), test.file) }),
        });
      });
    }
  };
  const outcome: unknown = await hre.tasks.getTask(["test", "mocha"]).run({
    testFiles: [...files],
    noCompile: true,
    bail: true,
  });
  return isSuccess(outcome) ? {} : { error: "mocha failed outside of any test" };
}

/** File after file, so that the quick ones can end it. */
async function runSolidity(files: readonly string[]): Promise<TestVerdict> {
  for (const profile of Object.values(hre.config.test.solidity.profiles))
    profile.invariant = { ...profile.invariant, runs: INVARIANT_RUNS };
  for (const file of files) {
    const outcome: unknown = await hre.tasks.getTask(["test", "solidity"]).run({ testFiles: [file], noCompile: true });
    const { value, error } = outcome as { value?: SolidityResults; error?: SolidityResults };
    const results = ((value ?? error)?.suiteResults ?? []).flatMap(({ testResults }) => testResults);
    const failed = results.find(({ status }) => status === "Failure");
    if (failed !== undefined) return { failure: `${file}: ${failed.name}`, file };
    if (!isSuccess(outcome) || results.length === 0) return { error: `${file} failed outside of any test` };
  }
  return {};
}

function isSuccess(outcome: unknown): boolean {
  return typeof outcome === "object" && outcome !== null && "success" in outcome && outcome.success === true;
}

/** The first verdict is the last: the process ends with it. */
async function tell(verdict: TestVerdict): Promise<void> {
  await new Promise<void>((resolve) => process.send?.(verdict, () => resolve()));
  process.exit();
}
