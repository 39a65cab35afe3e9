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

/** The state that the ledger names, fetched from the workers and checked against its CID. */
export async function readState(
  { ledger, content }: { readonly ledger: Ledger; readonly content: ContentStore },
  program: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ProgramState> {
  const account = await loadSmartAccount(ledger, program, { signal });
  const { stateBytes: maxBytes } = limitsOf(account.program.kind);
  const bytes = await readContent(content, account.state, { maxBytes, signal });
  return { cid: account.state, bytes, sequence: account.sequence, ledger: account.stateLedger };
}
