import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

export const HELP = `Alters the contracts one operator, constant or statement at a time and sees whether a test notices.

  npm run mutate                       about 200 mutants of the market's and the grid's contracts and libraries
  npm run mutate -- --all              every mutant

Options
  --max N            judge N mutants that compile and change the code (default 200)
  --all              judge every mutant
  --contract NAME    only this contract's or library's (may be repeated; any under contracts/)
  --only ID          only this mutant, <Contract>:<line>:<column>:<operator> (may be repeated)
  --seed N           choose other mutants (default 1); the same seed chooses the same ones
  --jobs J           so many at once (default: one for each processor)
  --minutes M        begin no further mutant after so long; what was judged until then is spread over all contracts
  --resume FILE      keep verdicts in FILE, and go on from what it holds: all of it counts that continues a contract's sample,
                     but for what other tests may judge otherwise
  --json FILE        write the outcome to FILE
  --join FILE        write it together with what FILE holds, from an earlier --json, about other contracts that are as they were
  --list             list the chosen mutants and judge none
  --root DIR         the Hardhat project to mutate (default: this repository)
  --help

Mocha tests under test/contracts/ judge first, then the Solidity tests. A mutant that no test can notice is argued in
test/contracts/equivalent-mutants.json: contract, function, operator, source (as --json gives them), nth, reason.

The last line is: mutants N survived K equivalent E. Exit code 1 when more than 5 % of N - E survived, when an argued
equivalent does not exist any more or is killed; 2 when nothing could be judged.`;

export interface MutateOptions {
  readonly help: boolean;
  readonly list: boolean;
  readonly max: number;
  readonly contracts: readonly string[];
  readonly only: readonly string[];
  readonly seed: number;
  readonly jobs: number;
  /** Infinite when nothing was said. */
  readonly minutes: number;
  readonly resume: string | undefined;
  readonly json: string | undefined;
  readonly join: string | undefined;
  readonly root: string;
}

const DEFAULT_MAX = 200;

/** Throws with a message for people when the arguments are wrong. */
export function parseOptions(args: readonly string[], repository: string): MutateOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      all: { type: "boolean", default: false },
      max: { type: "string" },
      contract: { type: "string", multiple: true, default: [] },
      only: { type: "string", multiple: true, default: [] },
      seed: { type: "string" },
      jobs: { type: "string" },
      minutes: { type: "string" },
      resume: { type: "string" },
      json: { type: "string" },
      join: { type: "string" },
      root: { type: "string", default: repository },
    },
  });
  if (values.all && values.max !== undefined) throw new Error("--all and --max exclude each other");
  if (values.join !== undefined && values.json === undefined) throw new Error("--join needs --json");
  return {
    help: values.help,
    list: values.list,
    max: values.all ? Number.MAX_SAFE_INTEGER : whole("--max", values.max, 1, DEFAULT_MAX),
    contracts: values.contract,
    only: values.only,
    seed: whole("--seed", values.seed, 0, 1),
    jobs: whole("--jobs", values.jobs, 1, availableParallelism()),
    minutes: whole("--minutes", values.minutes, 1, Number.POSITIVE_INFINITY),
    resume: values.resume,
    json: values.json,
    join: values.join,
    root: values.root,
  };
}

function whole(name: string, given: string | undefined, least: number, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isSafeInteger(value) || value < least) throw new Error(`${name} wants a whole number from ${least} up`);
  return value;
}
