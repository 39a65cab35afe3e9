import { ENTRY, type SmartAccount } from "../domain/program/smart-account.ts";
import { innerTransactionOf, memoHashOf } from "../domain/program/envelope.ts";
import { SprfError } from "../errors.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { raceAbort } from "../utils/abort.ts";
import { recordCidFromHash } from "../wire/canonical.ts";

/** Sequences of a ledger's new accounts start at its number times 2^32. */
const SEQUENCE_SHIFT = 32n;

/** The end of a program's history: the transaction that set its state last, and what failed after it. */
export interface Tip {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
  /** The smart account's sequence right after it. */
  readonly sequence: bigint;
  /** Envelopes of the account that landed and failed since, in order. */
  readonly skipped: readonly Uint8Array[];
}

/** Tips by the very look at the account that they belong to: one look has one tip, and several steps ask for it. */
const found = new WeakMap<SmartAccount, Promise<Tip>>();

/**
 * Finds the tip of a program's history on the ledger.
 *
 * @throws SprfError `HISTORY_UNAVAILABLE` when the ledger's service no longer has it, or it has no record as memo
 */
export async function findTip(
  ledger: Ledger,
  account: SmartAccount,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Tip> {
  let search = found.get(account);
  if (search === undefined) {
    // Shared, so that it outlives the patience of the first who asks.
    search = searchTip(ledger, account, undefined);
    found.set(account, search);
    search.catch(() => found.delete(account));
  }
  return await raceAbort(search, signal);
}

async function searchTip(ledger: Ledger, account: SmartAccount, signal: AbortSignal | undefined): Promise<Tip> {
  let tip: Omit<Tip, "skipped"> | undefined;
  for await (const landed of ledger.transactions(account.stateLedger, account.stateLedger, { signal })) {
    tip = readTip(landed, account, ledger.networkPassphrase) ?? tip;
  }
  if (tip === undefined) {
    throw new SprfError(
      "HISTORY_UNAVAILABLE",
      `the transaction that set the state of ${account.id} is not to be found`,
      {
        context: { program: account.id, ledger: account.stateLedger },
      },
    );
  }
  const skipped = tip.sequence < account.sequence ? await findSkipped(ledger, account, tip.sequence, signal) : [];
  return { ...tip, skipped };
}

function readTip(landed: LandedTransaction, account: SmartAccount, network: string): Omit<Tip, "skipped"> | undefined {
  if (!landed.successful) return undefined;
  const transaction = innerTransactionOf(landed.envelopeXdr, network);
  const sets = transaction.operations.some(
    (operation) =>
      operation.type === "manageData" &&
      operation.name === ENTRY.state &&
      (operation.source ?? transaction.source) === account.id,
  );
  const memo = memoHashOf(transaction);
  if (!sets || memo === undefined) return undefined;
  const own = transaction.source === account.id;
  return {
    recordCid: recordCidFromHash(memo),
    envelope: new Uint8Array(Buffer.from(landed.envelopeXdr, "base64")),
    sequence: own ? BigInt(transaction.sequence) : BigInt(landed.ledger) << SEQUENCE_SHIFT,
  };
}

async function findSkipped(
  ledger: Ledger,
  account: SmartAccount,
  after: bigint,
  signal: AbortSignal | undefined,
): Promise<readonly Uint8Array[]> {
  const skipped: Uint8Array[] = [];
  for await (const landed of ledger.transactions(account.stateLedger, account.ledger, { signal })) {
    const transaction = innerTransactionOf(landed.envelopeXdr, ledger.networkPassphrase);
    const sequence = BigInt(transaction.sequence);
    if (transaction.source !== account.id || sequence <= after || sequence > account.sequence) continue;
    skipped.push(new Uint8Array(Buffer.from(landed.envelopeXdr, "base64")));
    // The last one is found; what others did until now need not be read.
    if (sequence === account.sequence) break;
  }
  return skipped;
}
