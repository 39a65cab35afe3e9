import type { SandboxOptions } from "../../src/channel/sandbox/sandbox.ts";

/** Where test programs say that they are. */
export const PROGRAM_ADDRESS = "0x00000000000000000000000000000000000c0de0";
export const GENESIS_MS = 1_767_225_600_000;

/** What a sandbox of a test program is made with; it does not tick. */
export function sandboxOptions(
  { code }: Pick<SandboxOptions, "code">,
  options: Partial<SandboxOptions> = {},
): SandboxOptions {
  return {
    address: PROGRAM_ADDRESS,
    code,
    ticks: { tickMs: 0, maxCatchUpTicks: 0, genesisMs: GENESIS_MS },
    ...options,
  };
}
