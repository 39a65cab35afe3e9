import type { Transaction } from "@stellar/stellar-sdk";

import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import { assemble } from "./assemble.ts";
import type { Wallet } from "./wallet.ts";

const POLL_MS = 200;
/**
 * How the ledger refuses a sequence that is taken: `tx_bad_seq` once a transaction with it has landed, `tx_insufficient_fee` while
 * another user's waits in the queue, which only ten times its fee would replace.
 */
const PERHAPS_OVERTAKEN: readonly string[] = ["tx_bad_seq", "tx_insufficient_fee"];

interface Components {
  readonly ledger: Ledger;
  readonly clock: Clock;
}

export interface AnchorParts {
  readonly transaction: Transaction;
  readonly program: SmartAccount;
  readonly wallet: Wallet;
  /** Of a majority, on the transaction, by ledger key. */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
  /** Seconds after which the transaction cannot land any more. */
  readonly maxTime: number;
}

/**
 * Brings a transaction of a smart account onto the ledger.
 *
 * @returns undefined when another transaction of the same account landed first
 * @throws SprfError `LEDGER_REJECTED` when it is refused, fails, or its time is up
 */
export async function anchor(
  components: Components,
  parts: AnchorParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<LandedTransaction | undefined> {
  const { ledger, clock } = components;
  const { transaction, program, wallet, signatures } = parts;
  const user = await ledger.account(wallet.account, [], { signal });
  if (user === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  const innerHash = toHex(transaction.hash());
  const network = ledger.networkPassphrase;
  const { account } = program.snapshot;
  const envelope = assemble({
    transaction,
    network,
    program: account,
    payer: user.account,
    wallet,
    signatures,
  }).toXdr();
  let waiting = false;
  for (;;) {
    if (!waiting) waiting = await submit(ledger, envelope, signal);
    const landed = await ledger.transaction(innerHash, { signal });
    if (landed !== undefined) return requireSuccess(landed);
    if (await hasMovedPast(ledger, program.id, BigInt(transaction.sequence), signal)) {
      // It may have landed between the two looks.
      const last = await ledger.transaction(innerHash, { signal });
      return last === undefined ? undefined : requireSuccess(last);
    }
    await refuseLate(ledger, innerHash, parts.maxTime, signal);
    await clock.sleep(POLL_MS, { signal });
  }
}

/** Whether the ledger's queue holds the transaction now. */
async function submit(ledger: Ledger, envelope: string, signal: AbortSignal | undefined): Promise<boolean> {
  const submitted = await ledger.submit(envelope, { signal });
  if (submitted.status !== "refused") return submitted.status !== "try-again-later";
  // Another transaction has this sequence, or this very one has landed already: the caller looks which.
  if (PERHAPS_OVERTAKEN.includes(submitted.code)) return false;
  throw new SprfError("LEDGER_REJECTED", `transaction ${submitted.hash}: ${submitted.code}`, {
    context: { hash: submitted.hash, code: submitted.code },
  });
}

async function hasMovedPast(
  ledger: Ledger,
  program: string,
  sequence: bigint,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const now = await ledger.account(program, [], { signal });
  return now !== undefined && now.account.sequence >= sequence;
}

async function refuseLate(
  ledger: Ledger,
  hash: string,
  maxTime: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { sequence } = await ledger.latest({ signal });
  const header = await ledger.header(sequence, { signal });
  if (header === undefined || header.closeTime <= maxTime) return;
  throw new SprfError("LEDGER_REJECTED", `transaction ${hash} did not land before its time was up`);
}

function requireSuccess(landed: LandedTransaction): LandedTransaction {
  if (landed.successful) return landed;
  throw new SprfError("LEDGER_REJECTED", `transaction ${landed.hash} landed in ledger ${landed.ledger} and failed`);
}
