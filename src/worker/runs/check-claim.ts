import { gasOf } from "../../domain/program/gas.ts";
import { STATE_ENTRY_BYTES } from "../../domain/program/state-tree.ts";
import { SprfError, isSprfError } from "../../errors.ts";
import { MAX_SECONDS, limitsOf } from "../../execution/limits.ts";
import { MAX_INPUT_BYTES } from "../../execution/run-program.ts";
import { readContent } from "../../execution/read-content.ts";
import { EMPTY_STATE } from "../../execution/run-state.ts";
import type { ContentStore } from "../../ports/content-store.ts";
import type { RunResultClaim } from "../../ports/run-queue.ts";
import type { RunOutcome, RunPlan } from "../../ports/runs.ts";
import type { KnownPrograms, ProgramFacts } from "./known-programs.ts";

export type DoneClaim = Extract<RunResultClaim, { readonly kind: "done" }>;

/** States whose size is remembered: most runs begin on what the last one left. */
const MAX_SIZES = 1_000;

/** Makes an outcome of what a runner claims, by what this worker holds itself. */
export interface CheckClaim {
  /**
   * Fetches and pins output and state, and compares all that follows from them, the program and the plan. That the program comes to
   * just these is what a check of this kind cannot tell.
   *
   * @throws SprfError `RESULT_REFUSED` for a claim that no honest run makes; what the content store throws
   */
  (plan: RunPlan, claim: DoneClaim, options: { readonly signal: AbortSignal }): Promise<RunOutcome>;
}

export interface CheckClaimInit {
  readonly content: ContentStore;
  readonly programs: KnownPrograms;
  /** Whether all pins have a holder who lets go of them in time; they are not undone then where a claim is refused. */
  readonly hasHolder: boolean;
}

export function createCheckClaim({ content, programs, hasHolder }: CheckClaimInit): CheckClaim {
  const sizes = new Map<string, number>();

  async function sizeOf(
    cid: string,
    kind: DoneClaim["state"],
    options: { readonly maxBytes: number; readonly signal: AbortSignal },
  ): Promise<number> {
    const key = `${kind} ${cid}`;
    const known = sizes.get(key);
    if (known !== undefined) return known;
    const bytes =
      kind === "file" ? await bytesIn(content, cid, options) : await bytesInDirectory(content, cid, options);
    const [oldest] = sizes.keys();
    if (sizes.size >= MAX_SIZES && oldest !== undefined) sizes.delete(oldest);
    sizes.set(key, bytes);
    return bytes;
  }

  /** What is charged by is the program's own word. A runner that tells it otherwise has read it wrong, or lies. */
  async function factsOf({ reference }: RunPlan, claim: DoneClaim, signal: AbortSignal): Promise<ProgramFacts> {
    if (claim.seconds > MAX_SECONDS) {
      throw refused(`it names ${claim.seconds} CPU seconds; at most ${MAX_SECONDS} are allowed`);
    }
    const known = await programs.of(reference, { signal }).catch((error: unknown) => {
      throw isSprfError(error, "PROGRAM_INVALID")
        ? refused(`it ran what is no program: ${error.message}`, error)
        : error;
    });
    const { seconds, state } = known ?? claim;
    if (claim.seconds !== seconds || claim.state !== state) {
      throw refused(
        `it names ${claim.seconds} CPU seconds and a ${claim.state} as the state; the program declares ${seconds} and a ${state}`,
      );
    }
    return { seconds, state };
  }

  return async (plan, claim, { signal }) => {
    const { outputBytes, stateBytes } = plan.limits ?? limitsOf(plan.reference.kind);
    const { status, outputCid, newState, gas, detail } = claim;
    const { seconds, state } = await factsOf(plan, claim, signal);
    if (status === "rejected" && newState !== plan.state) throw refused("it rejects, and moves the state");
    const made = status === "accepted" ? [outputCid, newState] : [outputCid];
    await Promise.all(made.map(async (cid) => await content.pin(cid, { signal })));
    try {
      const output = await readContent(content, outputCid, { maxBytes: outputBytes, signal });
      const own = gasOf(
        {
          inputBytes: await inputBytesOf(content, plan, signal),
          outputBytes: output.length,
          stateBytesBefore: await sizeOf(plan.state, state, { maxBytes: stateBytes, signal }),
          stateBytesAfter: await sizeOf(newState, state, { maxBytes: stateBytes, signal }),
          seconds,
        },
        plan.gasTable,
      );
      if (own !== gas) throw refused(`it names ${gas} gas; what is here comes to ${own}`);
      return { status, output, outputCid, newState, gas, seconds, detail };
    } catch (error) {
      if (!hasHolder) for (const cid of made) await content.unpin(cid);
      const isTooMuch = isSprfError(error, "CONTENT_TOO_LARGE") || isSprfError(error, "CONTENT_CORRUPT");
      throw isTooMuch ? refused(error.message, error) : error;
    }
  };
}

async function inputBytesOf(content: ContentStore, { input }: RunPlan, signal: AbortSignal): Promise<number> {
  if ("bytes" in input) return input.bytes.length;
  return await bytesIn(content, input.cid, { maxBytes: MAX_INPUT_BYTES, signal });
}

async function bytesIn(
  content: ContentStore,
  cid: string,
  options: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<number> {
  let bytes = 0;
  for await (const part of content.get(cid, options)) bytes += part.length;
  return bytes;
}

/** As runs count it: what is in the files, and something for each entry. The empty file stands for the empty directory. */
async function bytesInDirectory(
  content: ContentStore,
  cid: string,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<number> {
  if (cid === EMPTY_STATE) return 0;
  let bytes = 0;
  for (const entry of await content.listDirectory(cid, { signal })) {
    bytes += STATE_ENTRY_BYTES;
    if (entry.kind === "file") bytes += await bytesIn(content, entry.cid, { maxBytes: maxBytes - bytes, signal });
  }
  return bytes;
}

function refused(why: string, cause?: unknown): SprfError {
  return new SprfError("RESULT_REFUSED", why, { cause });
}
