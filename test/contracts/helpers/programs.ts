import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import {
  type BaseContract,
  concat,
  type ContractTransactionReceipt,
  id,
  type Result,
  solidityPacked,
  ZeroHash,
} from "ethers";
import { z } from "zod";

/** Whose calls are the channel's own. */
export const SYSTEM = `0x${id("sprf.channel.system").slice(-40)}`;

/** What stands behind the arguments of a program's call. */
export interface Context {
  readonly sender: string;
  readonly timeMs: bigint;
  readonly height: bigint;
  readonly randomness: string;
}

export interface Change {
  readonly slot: string;
  readonly oldValue: string;
  readonly newValue: string;
}

const DIFF = z.object({
  pre: z.record(z.string(), z.object({ storage: z.record(z.string(), z.string()).optional() })),
  post: z.record(z.string(), z.object({ storage: z.record(z.string(), z.string()).optional() })),
});

/** A program that runs at its own address, as a channel's nodes would run it: they append the context to the call. */
export class ProgramRun {
  readonly #ethers: HardhatEthers;
  readonly program: BaseContract;
  height = 0n;
  timeMs = 1_700_000_000_000n;

  constructor(ethers: HardhatEthers, program: BaseContract) {
    this.#ethers = ethers;
    this.program = program;
  }

  /** The next record: a call by `sender`. */
  async call(sender: string, name: string, args: readonly unknown[] = []): Promise<ContractTransactionReceipt> {
    this.height++;
    this.timeMs++;
    const [signer] = await this.#ethers.getSigners();
    if (signer === undefined) throw new Error("the network has no account");
    const data = this.#dataOf(sender, name, args);
    const response = await signer.sendTransaction({ to: await this.program.getAddress(), data, gasLimit: 4_000_000n });
    const receipt = await response.wait();
    if (receipt === null) throw new Error("the call was not mined");
    return receipt as ContractTransactionReceipt;
  }

  /** What the call would return. */
  async read(sender: string, name: string, args: readonly unknown[] = []): Promise<Result> {
    const to = await this.program.getAddress();
    const result = await this.#ethers.provider.call({ to, data: this.#dataOf(sender, name, args) });
    return this.program.interface.decodeFunctionResult(name, result);
  }

  /** What the channel itself calls. */
  async system(name: string, args: readonly unknown[] = []): Promise<ContractTransactionReceipt> {
    return await this.call(SYSTEM, name, args);
  }

  /** What a transaction changed in the program's storage, in order. */
  async changesOf(hash: string): Promise<Change[]> {
    const trace: unknown = await this.#ethers.provider.send("debug_traceTransaction", [
      hash,
      { tracer: "prestateTracer", tracerConfig: { diffMode: true } },
    ]);
    const { pre, post } = DIFF.parse(trace);
    const address = (await this.program.getAddress()).toLowerCase();
    const before = pre[address]?.storage ?? {};
    const after = post[address]?.storage ?? {};
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .toSorted()
      .map((slot) => ({ slot, oldValue: before[slot] ?? ZeroHash, newValue: after[slot] ?? ZeroHash }));
  }

  #dataOf(sender: string, name: string, args: readonly unknown[]): string {
    const context = { sender, timeMs: this.timeMs, height: this.height, randomness: id(`${this.height}`) };
    return concat([this.program.interface.encodeFunctionData(name, args), contextBytes(context)]);
  }
}

export function contextBytes({ sender, timeMs, height, randomness }: Context): string {
  return solidityPacked(["address", "uint64", "uint64", "bytes32"], [sender, timeMs, height, randomness]);
}
