import { z } from "zod";

import { innerTransactionOf, memoHashOf } from "../../domain/program/envelope.ts";
import { majorityOf, type SmartAccount } from "../../domain/program/smart-account.ts";
import type { KnownTip, TipMemory } from "../../execution/tip.ts";
import type { Store } from "../../ports/store.ts";
import type { WorkerApi } from "../../ports/worker-api.ts";
import { withDeadline } from "../../utils/abort.ts";
import { toHex } from "../../utils/bytes.ts";
import { createTable } from "../../utils/table.ts";
import { recordCidFromHash } from "../../wire/canonical.ts";
import { bytesUpTo, cidSchema, uint64Schema } from "../../wire/primitives.ts";

const MAX_ENVELOPE_BYTES = 64 * 1024;
const ASK_TIMEOUT_MS = 10_000;

const knownSchema = z.strictObject({
  recordCid: cidSchema,
  envelope: bytesUpTo(MAX_ENVELOPE_BYTES),
  sequence: uint64Schema,
  ledger: z.int().positive(),
});

export interface TipMemoryComponents {
  readonly store: Store;
  readonly workerApi: WorkerApi;
  /** Passphrase of the ledger's network. */
  readonly networkPassphrase: string;
  /** This worker's own ledger key: it does not ask itself. */
  readonly ownKey: string;
}

/**
 * Keeps the tips that this worker has seen, which the ledger's service forgets after some days. What it has not seen it takes from
 * the program's other workers, when a majority of all serves the same and the bytes are what they say.
 */
export function createTipMemory(components: TipMemoryComponents): TipMemory {
  const tips = createTable(components.store, "tips", knownSchema);
  return {
    get: async (program) => await tips.get(program),
    async put(program, { recordCid, envelope, sequence, ledger }) {
      const tip = { recordCid, envelope: new Uint8Array(envelope), sequence, ledger };
      await components.store.apply([tips.put(program, tip)]);
    },
    fetch: async (account, options) => await fetchTip(components, account, options.signal),
  };
}

async function fetchTip(
  { workerApi, networkPassphrase, ownKey }: TipMemoryComponents,
  account: SmartAccount,
  signal: AbortSignal | undefined,
): Promise<KnownTip | undefined> {
  const deadline = withDeadline(signal, ASK_TIMEOUT_MS);
  const others = account.workers.filter(({ ledgerKey }) => ledgerKey !== ownKey);
  const served = await Promise.allSettled(
    others.map(async ({ address }) => await workerApi.tip(address, account.id, { signal: deadline })),
  );
  const groups = new Map<string, KnownTip[]>();
  for (const each of served) {
    if (each.status === "rejected" || !isTipOf(each.value, account, networkPassphrase)) continue;
    const { recordCid, envelope, sequence, ledger } = each.value;
    const key = `${recordCid}/${sequence}/${ledger}/${toHex(envelope)}`;
    groups.set(key, [...(groups.get(key) ?? []), each.value]);
  }
  const most = [...groups.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  return most.length >= majorityOf(account.workers.length) ? most[0] : undefined;
}

/** Whether the bytes are a transaction of the program, with this record and at this sequence. */
function isTipOf(tip: KnownTip, account: SmartAccount, networkPassphrase: string): boolean {
  try {
    const transaction = innerTransactionOf(Buffer.from(tip.envelope).toString("base64"), networkPassphrase);
    const memo = memoHashOf(transaction);
    if (memo === undefined || recordCidFromHash(memo) !== tip.recordCid) return false;
    if (tip.sequence > account.sequence || tip.ledger < account.stateLedger) return false;
    // The transaction that made the account is its payer's.
    return transaction.source === account.id
      ? BigInt(transaction.sequence) === tip.sequence
      : tip.sequence === account.sequence && transaction.operations.some(({ source }) => source === account.id);
  } catch {
    return false;
  }
}
