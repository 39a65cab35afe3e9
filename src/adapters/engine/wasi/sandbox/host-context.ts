import type { Descriptors } from "./descriptors.ts";
import type { FileSystem } from "./file-system.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { OutputBuffer, TailBuffer } from "./output-buffer.ts";
import type { RandomStream } from "./random-stream.ts";
import type { WasiFunction } from "./signatures.ts";

/** All that the functions of the host work on. */
export interface HostContext {
  readonly memory: GuestMemory;
  readonly files: FileSystem;
  readonly descriptors: Descriptors;
  readonly input: { readonly bytes: Uint8Array; position: number };
  readonly output: OutputBuffer;
  readonly stderr: TailBuffer;
  readonly random: RandomStream;
  /** `NAME=value`, in the order in which the program sees them. */
  readonly environment: readonly string[];
  /** Nanoseconds since the Unix epoch; it does not move during a run. */
  readonly time: bigint;
}

/** A host function: numbers and bigints as the signature has them, an error number as result (nothing means success). */
export type HostFunction = (...parameters: never[]) => number | void;

export type HostFunctions<Names extends WasiFunction> = Record<Names, HostFunction>;
