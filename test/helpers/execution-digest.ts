import { createHash } from "node:crypto";

import { createSandbox, loadSandbox, type Execution, type Sandbox } from "../../src/channel/sandbox/sandbox.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { sandboxOptions } from "./sandbox-options.ts";
import type { RandomCall } from "./random-calls.ts";

/** Calls of a program to play from its beginning or from a snapshot, in a form that goes between processes. */
export interface PlayJob {
  readonly codeHex: string;
  readonly calls: readonly { readonly sender: string; readonly dataHex: string; readonly gasLimit: number }[];
  readonly from?: { readonly snapshotHex: string; readonly height: number; readonly rootHex: string };
}

export interface PlayedJob {
  readonly sandbox: Sandbox;
  /** Of all that the calls came to: two plays that differ anywhere have different ones. */
  readonly digest: string;
}

/** Calls in the form of {@link PlayJob}. */
export function jobCalls(calls: readonly RandomCall[]): PlayJob["calls"] {
  return calls.map(({ sender, data, gasLimit }) => ({
    sender,
    dataHex: Buffer.from(data).toString("hex"),
    gasLimit: Number(gasLimit),
  }));
}

export async function playJob({ codeHex, calls, from }: PlayJob): Promise<PlayedJob> {
  const options = sandboxOptions({ code: fromHex(codeHex) });
  const sandbox =
    from === undefined
      ? await createSandbox(options)
      : await loadSandbox(options, partsOf(fromHex(from.snapshotHex)), {
          height: from.height,
          root: fromHex(from.rootHex),
        });
  const hash = createHash("sha256");
  for (const { sender, dataHex, gasLimit } of calls) {
    const height = sandbox.height + 1;
    const call = { sender, nonce: sandbox.nonceOf(sender), data: fromHex(dataHex), gasLimit: BigInt(gasLimit) };
    const context = { height, timeMs: height, randomness: new Uint8Array(32).fill(height) };
    hash.update(describeExecution(await sandbox.execute({ kind: "call", call }, context)));
  }
  return { sandbox, digest: hash.digest("hex") };
}

/** All of an execution as text. */
export function describeExecution(execution: Execution): string {
  return JSON.stringify(execution, (_key, each: unknown) =>
    each instanceof Uint8Array ? Buffer.from(each).toString("hex") : each,
  );
}

/** Bytes in parts of a size that fits nothing. */
export async function* partsOf(bytes: Uint8Array, size = 1_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function joined(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return new Uint8Array(Buffer.concat(all));
}
