import { innerTransactionOf, memoHashOf } from "../domain/program/envelope.ts";
import type { HistoryTip } from "../domain/program/history-fields.ts";
import { isRecovery } from "../domain/program/recovery.ts";
import { ENTRY, type SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { raceAbort } from "../utils/abort.ts";
import { recordCidFromHash } from "../wire/canonical.ts";

/** Sequences of a ledger's new accounts start at its number times 2^32. */
const SEQUENCE_SHIFT = 32n;

/** A transaction of a program that landed well, and its record. */
interface Link {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
}

/** The transaction that a program's history ends with. */
export interface KnownTip extends Link {
  /** The smart account's sequence right after it. */
  readonly sequence: bigint;
  /** Number of the ledger that holds it. */
  readonly ledger: number;
}

/** The end of a program's history: the transaction of the account that succeeded last, and what failed after it. */
export interface Tip extends KnownTip, HistoryTip {
  /** The recovery that gave the account to its owner since; no record but that of the owner's change of workers can follow it. */
  readonly recovered?: Link;
}

/** What outlives the ledger service's memory of some days: the tips that were seen. */
export interface TipMemory {
  get(program: string): Promise<KnownTip | undefined>;
  put(program: string, tip: KnownTip): Promise<void>;
  /** Looks for it elsewhere, when neither memory nor ledger service has it; checks what it finds. */
  fetch?(account: SmartAccount, options: { readonly signal?: AbortSignal | undefined }): Promise<KnownTip | undefined>;
}

export interface FindTipOptions {
  readonly signal?: AbortSignal | undefined;
  readonly memory?: TipMemory | undefined;
}

/** Tips by the very look at the account that they belong to: one look has one tip, and several steps ask for it. */
const found = new WeakMap<SmartAccount, Promise<Tip>>();

/**
 * Finds the tip of a program's history on the ledger.
 *
 * @throws SprfError `HISTORY_UNAVAILABLE` when nobody has it any more; `HISTORY_BROKEN` when a transaction of the account has no
 * record; `LEDGER_UNREACHABLE` when the service's transactions lag behind its accounts
 */
export async function findTip(
  ledger: Ledger,
  account: SmartAccount,
  { signal, memory }: FindTipOptions = {},
): Promise<Tip> {
  let search = found.get(account);
  if (search === undefined) {
    // Shared, so that it outlives the patience of the first who asks.
    search = searchTip(ledger, account, memory);
    found.set(account, search);
    search.catch(() => found.delete(account));
  }
  return await raceAbort(search, signal);
}

async function searchTip(ledger: Ledger, account: SmartAccount, memory: TipMemory | undefined): Promise<Tip> {
  const known = await memory?.get(account.id);
  const tip = (await scan(ledger, account, known)) ?? (await fetchTip(ledger, account, memory));
  if (tip === undefined) {
    throw new SprfError(
      "HISTORY_UNAVAILABLE",
      `the transaction that ${account.id} is the result of is not to be found`,
      {
        context: { program: account.id, ledger: account.stateLedger },
      },
    );
  }
  if (tip.sequence > (known?.sequence ?? -1n)) {
    const { recordCid, envelope, sequence } = tip;
    await memory?.put(account.id, { recordCid, envelope, sequence, ledger: tip.ledger });
  }
  return tip;
}

async function fetchTip(
  ledger: Ledger,
  account: SmartAccount,
  memory: TipMemory | undefined,
): Promise<Tip | undefined> {
  const elsewhere = await memory?.fetch?.(account, {});
  return elsewhere === undefined ? undefined : await scan(ledger, account, elsewhere);
}

/** From the transaction that set the state, or from a later one that is known, to the account as it was looked at. */
async function scan(ledger: Ledger, account: SmartAccount, known: KnownTip | undefined): Promise<Tip | undefined> {
  // A look of before what is known has to do without it.
  const fits = known !== undefined && known.ledger >= account.stateLedger && known.sequence <= account.sequence;
  const start = fits ? known : undefined;
  let tip: KnownTip | undefined = start;
  let skipped: Uint8Array[] = [];
  let recovered: Link | undefined;
  let unrecorded: string | undefined;
  let reached = tip?.sequence ?? -1n;
  if (reached !== account.sequence) {
    const from = start?.ledger ?? account.stateLedger;
    for await (const landed of ledger.transactions(from, account.ledger)) {
      const step = readStep(landed, account, ledger.networkPassphrase);
      if (step === undefined || step.sequence <= reached || step.sequence > account.sequence) continue;
      // What came before the transaction that set the state is in that one's record.
      if (step.kind === "unrecorded") unrecorded = step.hash;
      if (tip === undefined && step.kind !== "tip") continue;
      if (step.kind === "unrecorded") throw broken(account, step.hash);
      reached = step.sequence;
      if (step.kind === "tip") {
        tip = step;
        skipped = [];
        recovered = undefined;
      } else if (step.kind === "recovery") {
        recovered = { recordCid: step.recordCid, envelope: step.envelope };
      } else {
        skipped.push(step.envelope);
      }
      // The last one is found; what others did until now need not be read.
      if (reached === account.sequence) break;
    }
  }
  if (tip === undefined && unrecorded !== undefined) throw broken(account, unrecorded);
  if (tip === undefined || (reached !== account.sequence && tip === start)) return undefined;
  if (reached !== account.sequence) {
    throw new SprfError("LEDGER_UNREACHABLE", `the service's transactions lag behind its accounts: ${account.id}`);
  }
  const { recordCid, envelope, sequence } = tip;
  return {
    recordCid,
    envelope,
    sequence,
    ledger: tip.ledger,
    skipped,
    ...(recovered === undefined ? {} : { recovered }),
  };
}

type Step =
  | ({ readonly kind: "tip" | "recovery" } & KnownTip)
  | { readonly kind: "failed"; readonly sequence: bigint; readonly envelope: Uint8Array }
  /** It succeeded, and has no record. */
  | { readonly kind: "unrecorded"; readonly sequence: bigint; readonly hash: string };

/** For ever: what comes after it cannot name it. */
function broken({ id }: SmartAccount, hash: string): SprfError {
  return new SprfError("HISTORY_BROKEN", `transaction ${hash} of ${id} has no record`, {
    context: { program: id, transaction: hash },
  });
}

/** What a landed transaction is to the account's history; undefined when it is nothing to it. */
function readStep(landed: LandedTransaction, account: SmartAccount, network: string): Step | undefined {
  const transaction = innerTransactionOf(landed.envelopeXdr, network);
  const own = transaction.source === account.id;
  const envelope = new Uint8Array(Buffer.from(landed.envelopeXdr, "base64"));
  const sequence = own ? BigInt(transaction.sequence) : BigInt(landed.ledger) << SEQUENCE_SHIFT;
  if (own && !landed.successful) return { kind: "failed", sequence, envelope };
  const memo = memoHashOf(transaction);
  if (own && memo === undefined) return { kind: "unrecorded", sequence, hash: landed.hash };
  if (!landed.successful || memo === undefined) return undefined;
  const recordCid = recordCidFromHash(memo);
  if (own) {
    const kind = isRecovery(transaction) ? "recovery" : "tip";
    return { kind, recordCid, envelope, sequence, ledger: landed.ledger };
  }
  const creates = transaction.operations.some(
    (operation) =>
      operation.type === "manageData" &&
      operation.name === ENTRY.state &&
      (operation.source ?? transaction.source) === account.id,
  );
  return creates ? { kind: "tip", recordCid, envelope, sequence, ledger: landed.ledger } : undefined;
}
