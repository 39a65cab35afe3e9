import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Common, Hardfork, Mainnet } from "@ethereumjs/common";
import { createEVM, type EVM } from "@ethereumjs/evm";

/** The only version whose inside is known to look like {@link PatchableInterpreter}. */
const KNOWN_VERSION = "10.1.3";
/** No opcode of any hardfork, so that the interpreter can be met without a deep import. */
const PROBE_OPCODE = 0x0c;

interface Analysis {
  readonly opcodes: unknown;
  readonly table: unknown;
}

/** What {@link memoiseJumpTables} relies on. */
interface PatchableInterpreter {
  readonly _evm: { readonly _opcodeMap: unknown };
  _getValidJumpDestinations: (this: PatchableInterpreter, code: Uint8Array) => unknown;
}

const kept = new WeakMap<Uint8Array, Analysis>();
let isPatched: Promise<boolean> | undefined;

/**
 * Has the EVM analyse a program's jump destinations once for each array of code that {@link keepJumpTable} was told of, and not
 * anew for every call, which is most of the time of a short call of a large program. Other code takes the stock way.
 *
 * @returns whether it does: false under any other version of the EVM, which then works as it comes, slower and to the same result
 */
export async function memoiseJumpTables(version = installedVersion()): Promise<boolean> {
  if (version !== KNOWN_VERSION) return false;
  isPatched ??= patch();
  return await isPatched;
}

/** Lets the analysis of this array be kept; the array must never change. */
export function keepJumpTable(code: Uint8Array): void {
  kept.set(code, { opcodes: undefined, table: undefined });
}

/** The version of the EVM that is installed. */
function installedVersion(): string {
  const manifest = new URL("../../package.json", import.meta.resolve("@ethereumjs/evm"));
  return (JSON.parse(readFileSync(fileURLToPath(manifest), "utf8")) as { version: string }).version;
}

async function patch(): Promise<boolean> {
  const prototype = await meetInterpreter();
  if (typeof prototype?._getValidJumpDestinations !== "function") return false;
  const analyse = prototype._getValidJumpDestinations;
  prototype._getValidJumpDestinations = function memoised(code) {
    const known = kept.get(code);
    if (known === undefined) return analyse.call(this, code);
    // The table names the handlers of one hardfork.
    const opcodes = this._evm._opcodeMap;
    if (known.opcodes === opcodes) return known.table;
    const table = analyse.call(this, code);
    kept.set(code, { opcodes, table });
    return table;
  };
  return true;
}

/** The prototype of the EVM's interpreters, which the package does not export: an opcode of our own is handed one. */
async function meetInterpreter(): Promise<PatchableInterpreter | undefined> {
  let met: PatchableInterpreter | undefined;
  const evm: EVM = await createEVM({
    common: new Common({ chain: Mainnet, hardfork: Hardfork.Osaka }),
    customOpcodes: [
      {
        opcode: PROBE_OPCODE,
        opcodeName: "PROBE",
        baseFee: 0,
        logicFunction: (runState: { readonly interpreter: object }) => {
          met = Object.getPrototypeOf(runState.interpreter) as PatchableInterpreter;
        },
      },
    ],
  });
  await evm.runCode({ code: Uint8Array.of(PROBE_OPCODE) });
  return met;
}
