import { isSprfError } from "../../src/errors.ts";

/** The code of the SprfError that `work` fails with; `undefined` when it succeeds, and what else it threw as it is. */
export async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}

/** The same of work that is done at once. */
export function codeThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (isSprfError(error)) return error.code;
    throw error;
  }
}
