import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { limitsOf } from "../execution/limits.ts";
import { readContent } from "../execution/read-content.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";

/** A program's state, as the ledger names it. */
export interface ProgramState {
  readonly cid: string;
  /** The whole file; its hash is the CID's. */
  readonly bytes: Uint8Array;
  /** Sequence number of the smart account when the state was read; what lands next has the one after it. */
  readonly sequence: bigint;
  /** Ledger that anchored it. */
  readonly ledger: number;
}

/**
 * The state that the ledger names, fetched from the workers and checked against its CID.
 *
 * @throws SprfError `INVALID_INPUT` when it is a directory, whose files are read by their CIDs; what the content store throws
 */
export async function readState(
  { ledger, content }: { readonly ledger: Ledger; readonly content: ContentStore },
  program: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProgramState> {
  const account = await loadSmartAccount(ledger, program, { signal });
  const { stateBytes: maxBytes } = limitsOf(account.program.kind);
  const bytes = await readContent(content, account.state, { maxBytes, signal }).catch(async (error: unknown) => {
    if (!isSprfError(error, "CONTENT_CORRUPT")) throw error;
    // Throws what else may be wrong with it.
    await content.listDirectory(account.state, { signal });
    throw new SprfError("INVALID_INPUT", `the state of ${program} is a directory, not a file: ${account.state}`, {
      cause: error,
    });
  });
  return { cid: account.state, bytes, sequence: account.sequence, ledger: account.stateLedger };
}
