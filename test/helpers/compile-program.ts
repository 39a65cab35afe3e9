import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { z } from "zod";

interface Solc {
  compile(input: string, callbacks: { import: (path: string) => { contents: string } | { error: string } }): string;
}

const ROOT = new URL("../../", import.meta.url);
const OUTPUT = z.object({
  errors: z.array(z.object({ severity: z.string(), formattedMessage: z.string() })).default([]),
  contracts: z.record(
    z.string(),
    z.record(z.string(), z.object({ evm: z.object({ deployedBytecode: z.object({ object: z.string() }) }) })),
  ),
});

export interface CompilerSettings {
  readonly viaIR: boolean;
  /** Undefined: no optimizer. */
  readonly runs: number | undefined;
}

const solc = createRequire(import.meta.url)("solc") as Solc;

/** Runtime code in hex of the contract that a source below the repository's root is named for. Blocks for seconds. */
export function compileProgram(source: string, { viaIR, runs }: CompilerSettings): string {
  const input = {
    language: "Solidity",
    sources: { [source]: { content: readFileSync(new URL(source, ROOT), "utf8") } },
    settings: {
      viaIR,
      evmVersion: "osaka",
      metadata: { appendCBOR: false },
      optimizer: runs === undefined ? { enabled: false } : { enabled: true, runs },
      outputSelection: { [source]: { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const output = OUTPUT.parse(JSON.parse(solc.compile(JSON.stringify(input), { import: readImport })));
  const error = output.errors.find(({ severity }) => severity === "error");
  if (error !== undefined) throw new Error(error.formattedMessage);
  const [contract] = Object.values(output.contracts[source] ?? {});
  if (contract === undefined) throw new Error(`${source} has no contract`);
  return `0x${contract.evm.deployedBytecode.object}`;
}

function readImport(path: string): { contents: string } | { error: string } {
  for (const base of [ROOT, new URL("node_modules/", ROOT)]) {
    const file = fileURLToPath(new URL(path, base));
    if (existsSync(file)) return { contents: readFileSync(file, "utf8") };
  }
  return { error: `no file ${path}` };
}
