import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { LIMITS } from "../execution/limits.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { concatBytes } from "../utils/bytes.ts";

export interface ProgramState {
  readonly cid: string;
  readonly bytes: Uint8Array;
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
  const parts: Uint8Array[] = [];
  for await (const part of content.get(account.state, { maxBytes: LIMITS.stateBytes, signal })) parts.push(part);
  return { cid: account.state, bytes: concatBytes(...parts), sequence: account.sequence, ledger: account.stateLedger };
}
