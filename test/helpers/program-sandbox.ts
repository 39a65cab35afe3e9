import { Interface } from "ethers";
import { artifacts } from "hardhat";

import type { RecordContext } from "../../src/channel/sandbox/program-context.ts";
import type { RecordInput } from "../../src/channel/sandbox/record-input.ts";
import { createSandbox, type Execution, type Sandbox, type SandboxOptions } from "../../src/channel/sandbox/sandbox.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { GENESIS_MS, PROGRAM_ADDRESS, sandboxOptions } from "./sandbox-options.ts";

const CALL_GAS = 1_000_000n;

/** A compiled test program. */
export interface TestProgram {
  readonly abi: Interface;
  readonly code: Uint8Array;
}

/** A sandbox with the numbers of a channel counted along. */
export interface TestChannel {
  readonly sandbox: Sandbox;
  /** Plays the next record: one millisecond after the one before. */
  play(input: RecordInput, context?: Partial<RecordContext>): Promise<Execution>;
  /** Plays a call with the sender's next nonce. */
  call(sender: string, name: string, args?: readonly unknown[], gasLimit?: bigint): Promise<Execution>;
  /** A view's results. */
  view(name: string, args?: readonly unknown[], sender?: string): Promise<readonly unknown[]>;
}

export async function compiledProgram(name: string): Promise<TestProgram> {
  const { abi, deployedBytecode } = await artifacts.readArtifact(name);
  return { abi: new Interface(abi), code: fromHex(deployedBytecode) };
}

/** A channel of a test program, before record 0 or at the sandbox's head. */
export async function openTestChannel(
  program: TestProgram,
  { sandbox, ...options }: Partial<SandboxOptions> & { readonly sandbox?: Sandbox } = {},
): Promise<TestChannel> {
  const own = sandbox ?? (await createSandbox(sandboxOptions(program, options)));
  const contextOf = (height: number): RecordContext => ({
    height,
    timeMs: GENESIS_MS + height,
    randomness: new Uint8Array(32).fill(height % 251),
  });
  const play: TestChannel["play"] = async (input, context = {}) =>
    await own.execute(input, { ...contextOf(own.height + 1), ...context });
  return {
    sandbox: own,
    play,
    call: async (sender, name, args = [], gasLimit = CALL_GAS) => {
      const data = fromHex(program.abi.encodeFunctionData(name, args));
      return await play({ kind: "call", call: { sender, nonce: own.nonceOf(sender), data, gasLimit } });
    },
    view: async (name, args = [], sender = PROGRAM_ADDRESS) => {
      const data = fromHex(program.abi.encodeFunctionData(name, args));
      const { returnData } = await own.read({ sender, data, context: contextOf(own.height) });
      return [...program.abi.decodeFunctionResult(name, returnData)] as unknown[];
    },
  };
}
