import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { z } from "zod";

import type { BuiltContract, BuiltProject } from "./built-project.ts";

const CODE = z.object({ object: z.string() });
const OUTPUT = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z
    .record(z.string(), z.record(z.string(), z.object({ evm: z.object({ bytecode: CODE, deployedBytecode: CODE }) })))
    .default({}),
});

/** Code in hexadecimal with its prefix. */
export interface Bytecode {
  readonly creation: string;
  readonly runtime: string;
}

/** Code by artifact, or why there is none. */
export type Compiled =
  { readonly code: ReadonlyMap<BuiltContract, Bytecode> } | { readonly error: string; readonly code?: never };

/** Another text for one of the sources. */
export interface SourceChange {
  readonly sourceName: string;
  readonly content: string;
}

/** Compiles a built project again, a few contracts at a time, in a thread of its own. */
export class Compiler {
  readonly #project: BuiltProject;
  #worker: Worker | undefined;

  constructor(project: BuiltProject) {
    this.#project = project;
  }

  /** Throws when the compiler at hand is not the one that built the project. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) return;
    this.#worker = new Worker(new URL("./compile-worker.ts", import.meta.url));
    const version = await this.#ask("");
    if (!version.startsWith(this.#project.solcLongVersion)) {
      throw new Error(`the project was built by solc ${this.#project.solcLongVersion}, at hand is ${version}`);
    }
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** One call at a time. */
  async compile(contracts: readonly BuiltContract[], change?: SourceChange): Promise<Compiled> {
    const output = OUTPUT.parse(JSON.parse(await this.#ask(JSON.stringify(this.#inputFor(contracts, change)))));
    const error = output.errors.find(({ severity }) => severity === "error");
    if (error !== undefined) return { error: error.formattedMessage };
    return {
      code: new Map(
        contracts.map((contract) => {
          const evm = output.contracts[contract.sourceName]?.[contract.name]?.evm;
          if (evm === undefined) throw new Error(`solc gave no code for ${contract.path}:${contract.name}`);
          const { bytecode, deployedBytecode } = evm;
          return [contract, { creation: `0x${bytecode.object}`, runtime: `0x${deployedBytecode.object}` }];
        }),
      ),
    };
  }

  #inputFor(contracts: readonly BuiltContract[], change: SourceChange | undefined): unknown {
    const { input, closures } = this.#project;
    // solc checks every source that it is given, also those that no wanted contract needs.
    const needed = new Set(contracts.flatMap(({ sourceName }) => [...(closures.get(sourceName) ?? [])]));
    const sources = Object.fromEntries(Object.entries(input.sources).filter(([name]) => needed.has(name)));
    if (change !== undefined) sources[change.sourceName] = { content: change.content };
    const outputSelection: Record<string, Record<string, string[]>> = {};
    for (const { sourceName, name } of contracts) {
      (outputSelection[sourceName] ??= {})[name] = ["evm.bytecode.object", "evm.deployedBytecode.object"];
    }
    // The metadata's hash would tell any two sources apart.
    const metadata = { bytecodeHash: "none", appendCBOR: false };
    return { ...input, sources, settings: { ...input.settings, metadata, outputSelection } };
  }

  async #ask(message: string): Promise<string> {
    if (this.#worker === undefined) throw new Error("the compiler was not started");
    const answer = once(this.#worker, "message");
    this.#worker.postMessage(message);
    const [output] = (await answer) as [string];
    return output;
  }
}
