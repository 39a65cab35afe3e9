import { isSprfError, messageOf } from "../../errors.ts";
import type { PreparedProgram, ProgramReference } from "../../ports/engine.ts";
import type { RunComponents } from "../../execution/run-program.ts";
import type { Logger } from "../../ports/logger.ts";
import { throwIfAborted } from "../../utils/abort.ts";

/** Programs whose facts are remembered. */
const MAX_PROGRAMS = 10_000;

/** What a program declares, by which its runs are charged. */
export type ProgramFacts = Pick<PreparedProgram, "seconds" | "state">;

/** What programs declare, by another word than that of the runner whose claim is looked at. */
export interface KnownPrograms {
  /**
   * By the program itself where this machine has an engine for it, or as two runners have agreed; undefined when there is neither.
   *
   * @throws SprfError `PROGRAM_INVALID` for what no engine runs
   */
  of(reference: ProgramReference, options: { readonly signal: AbortSignal }): Promise<ProgramFacts | undefined>;
  /** Two runners say the same of it. */
  agreed(reference: ProgramReference, facts: ProgramFacts): void;
}

/** Asks the engines of this machine, once for each program: references name content, so that it never changes. */
export function createKnownPrograms({
  engines,
  logger,
}: Pick<RunComponents, "engines"> & { readonly logger: Logger }): KnownPrograms {
  const known = new Map<string, ProgramFacts>();

  function note(reference: ProgramReference, { seconds, state }: ProgramFacts): ProgramFacts {
    const facts = { seconds, state };
    const [oldest] = known.keys();
    if (known.size >= MAX_PROGRAMS && oldest !== undefined) known.delete(oldest);
    known.set(programKey(reference), facts);
    return facts;
  }

  return {
    async of(reference, { signal }) {
      const found = known.get(programKey(reference));
      if (found !== undefined) return found;
      const engine = engines.get(reference.kind);
      if (engine === undefined) return undefined;
      try {
        return note(reference, await engine.prepare(reference, { signal }));
      } catch (error) {
        throwIfAborted(signal);
        if (isSprfError(error, "PROGRAM_INVALID")) throw error;
        // An engine or a registry that is away: runners may have the program all the same.
        logger.debug("what a program declares cannot be read here", { reason: messageOf(error) });
        return undefined;
      }
    },
    agreed(reference, facts) {
      if (!known.has(programKey(reference))) note(reference, facts);
    },
  };
}

/** Of the program itself, however its image is called. */
export function programKey(reference: ProgramReference): string {
  return reference.kind === "wasi" ? reference.cid : reference.digest;
}
