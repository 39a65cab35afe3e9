import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { createStateRules } from "../../domain/program/state-tree.ts";
import { SprfError } from "../../errors.ts";
import { fileIdentity, listTree } from "../../files/list-tree.ts";
import { linkFile } from "../../files/link-file.ts";
import type { Engine, PreparedProgram, RunResult } from "../../ports/engine.ts";
import { equalBytes } from "../../utils/bytes.ts";

const COMPARE_BYTES = 1024 * 1024;

type StateKind = PreparedProgram["state"];

/**
 * Runs everything twice, from the same state, and fails when what would be signed differs: status, output or state. It finds what
 * varies from run to run on one machine, such as randomness and time; what varies between kinds of machines, a majority finds.
 * A run throws `NON_DETERMINISTIC` besides what the engine throws.
 */
export function createSelfCheckingEngine(engine: Engine): Engine {
  return {
    kind: engine.kind,
    check: async (options) => await engine.check(options),
    prepare: async (reference, options) => await engine.prepare(reference, options),
    close: async () => await engine.close(),

    async run(run, options) {
      const again = `${run.statePath}.again`;
      try {
        await linkState(run.statePath, again, run.program.state);
        const first = await engine.run(run, options);
        const second = await engine.run({ ...run, statePath: again }, options);
        const difference = await differenceOf(
          { result: first, statePath: run.statePath },
          { result: second, statePath: again },
          run.program.state,
        );
        if (difference === undefined) return first;
        throw new SprfError("NON_DETERMINISTIC", `two runs of the program on the same input differ: ${difference}`, {
          context: { program: run.environment.program, sequence: run.environment.sequence },
        });
      } finally {
        await rm(again, { recursive: true, force: true });
      }
    },
  };
}

interface Outcome {
  readonly result: RunResult;
  readonly statePath: string;
}

/** In words; undefined when both come to the same. */
async function differenceOf(first: Outcome, second: Outcome, kind: StateKind): Promise<string | undefined> {
  if (first.result.status !== second.result.status) {
    return `one was ${first.result.status}, the other ${second.result.status}`;
  }
  const at = firstDifference(first.result.output, second.result.output);
  if (at !== undefined) return `their outputs, from byte ${at} on`;
  if (first.result.status === "rejected") return undefined;
  if (kind === "file") {
    return (await isSameFileContent(first.statePath, second.statePath)) ? undefined : "their states";
  }
  const [a, b] = await Promise.all([first, second].map(({ statePath }) => listTree(statePath, noLimits())));
  const paths = (entries: typeof a): string[] => (entries ?? []).map(({ path, kind: what }) => `${what} ${path}`);
  if (paths(a).join("\n") !== paths(b).join("\n")) return "the names in their states";
  for (const { path, kind: what } of a ?? []) {
    if (what === "directory") continue;
    if (!(await isSameFileContent(join(first.statePath, path), join(second.statePath, path)))) {
      return `${JSON.stringify(path)} in their states`;
    }
  }
  return undefined;
}

function noLimits(): ReturnType<typeof createStateRules> {
  return createStateRules(Number.MAX_SAFE_INTEGER);
}

async function linkState(from: string, to: string, kind: StateKind): Promise<void> {
  if (kind === "file") {
    await linkFile(from, to);
    return;
  }
  await mkdir(to);
  for (const { path, kind: what } of await listTree(from, noLimits())) {
    if (what === "directory") await mkdir(join(to, path));
    else await linkFile(join(from, path), join(to, path));
  }
}

async function isSameFileContent(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([fileIdentity(a), fileIdentity(b)]);
  if (first.bytes !== second.bytes) return false;
  // Neither run changed it.
  if (first.inode === second.inode) return true;
  const files = await Promise.all([open(a), open(b)]);
  try {
    const buffers = [Buffer.alloc(COMPARE_BYTES), Buffer.alloc(COMPARE_BYTES)] as const;
    for (let at = 0; at < Number(first.bytes); at += COMPARE_BYTES) {
      const parts = await Promise.all(
        buffers.map(async (buffer, index) => {
          const { bytesRead } = await (files[index] as (typeof files)[0]).read(buffer, 0, COMPARE_BYTES, at);
          return buffer.subarray(0, bytesRead);
        }),
      );
      if (!equalBytes(parts[0] as Buffer, parts[1] as Buffer)) return false;
    }
    return true;
  } finally {
    for (const file of files) await file.close();
  }
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (equalBytes(a, b)) return undefined;
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at === -1 ? a.length : at;
}
