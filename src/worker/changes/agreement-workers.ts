import { StrKey } from "@stellar/stellar-sdk";

import type { Chain } from "../../ports/chain.ts";

/**
 * Ledger keys (`G...`) of the workers of an agreement that is bound to the program and not over; undefined when the market knows no
 * such agreement.
 */
export async function agreementWorkers(
  chain: Chain,
  { agreement: address, program }: { readonly agreement: string; readonly program: string },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ReadonlySet<string> | undefined> {
  const agreement = await chain.agreement(address, { signal });
  if (agreement === undefined) return undefined;
  const state = await chain.agreementState(address, { signal });
  if (state.status !== "scheduled" && state.status !== "running") return undefined;
  if (state.program === undefined || StrKey.encodeEd25519PublicKey(Buffer.from(state.program)) !== program) {
    return undefined;
  }
  const twins = await Promise.all(agreement.workerTwinIds.map(async (id) => await chain.twin(id, { signal })));
  return new Set(twins.map(({ ledgerKey }) => StrKey.encodeEd25519PublicKey(Buffer.from(ledgerKey))));
}
