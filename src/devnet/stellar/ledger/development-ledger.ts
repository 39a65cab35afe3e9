import { Keypair } from "@stellar/stellar-sdk";

import { newAccount } from "./account.ts";
import type { ClosedLedger } from "./close-ledger.ts";
import { closeLedger } from "./close-ledger.ts";
import { toHex } from "./hashing.ts";
import type { LedgerHeader } from "./ledger-header.ts";
import { buildHeader } from "./ledger-header.ts";
import type { LedgerRecord, LedgerState } from "./ledger-state.ts";
import { createLedgerState, restoreRecord } from "./ledger-state.ts";
import type { LedgerParameters } from "./parameters.ts";
import { TOTAL_COINS_STROOPS } from "./parameters.ts";
import { selectForLedger } from "./select-for-ledger.ts";
import type { LedgerTransaction } from "./transaction.ts";
import { decodeTransaction, networkId } from "./transaction.ts";
import type { QueueRule, Submission } from "./transaction-queue.ts";
import { createTransactionQueue } from "./transaction-queue.ts";
import type { Moment } from "./validity.ts";

export interface DevelopmentLedgerInit {
  readonly parameters: LedgerParameters;
  /** @default "onePerSource" */
  readonly queueRule?: QueueRule;
  /**
   * Seconds that a ledger is expected to take: a transaction must stay valid for two of them to be taken.
   *
   * @default 5
   */
  readonly expectedCloseSeconds?: number;
  /** Where an earlier run ended; a new ledger starts from the genesis account when absent. */
  readonly restored?: { readonly header: LedgerHeader; readonly records: Iterable<LedgerRecord> };
}

export interface CloseOptions {
  /** Seconds since 1970; not before the last close. */
  readonly closeTime: bigint;
  /** Hashes in the order of application, to follow a recorded ledger. */
  readonly order?: readonly string[];
}

/** A Stellar ledger in memory, without I/O, clock or network: envelopes in, closed ledgers out. */
export interface DevelopmentLedger {
  readonly parameters: LedgerParameters;
  readonly state: LedgerState;
  header(): LedgerHeader;
  /**
   * Decodes a base64 envelope for this network.
   *
   * @throws the XDR reader's error when it is none.
   */
  decode(envelopeXdr: string): LedgerTransaction;
  /**
   * Offers a transaction to the queue.
   *
   * @param nowSeconds the submitter's time; the last close time when absent.
   */
  submit(tx: LedgerTransaction, nowSeconds?: bigint): Submission;
  waiting(): readonly LedgerTransaction[];
  close(options: CloseOptions): ClosedLedger;
}

/** Seed of the account that owns all coins at the start: sha256 of the passphrase, as on every Stellar network. */
export function rootKeypair(networkPassphrase: string): Keypair {
  return Keypair.fromRawEd25519Seed(Buffer.from(networkId(networkPassphrase)));
}

/** Builds a ledger at its genesis (ledger 1, close time 0), or where an earlier run ended. */
export function createDevelopmentLedger(init: DevelopmentLedgerInit): DevelopmentLedger {
  const { parameters } = init;
  const network = networkId(parameters.networkPassphrase);
  const expectedCloseSeconds = BigInt(init.expectedCloseSeconds ?? 5);
  const state = createLedgerState();
  const queue = createTransactionQueue(init.queueRule ?? "onePerSource");
  let header = init.restored === undefined ? genesis(state, parameters) : restore(state, init.restored);

  const moment = (earliestCloseTime: bigint, latestCloseTime: bigint): Moment => ({
    state,
    parameters,
    ledgerSequence: header.sequence + 1,
    earliestCloseTime,
    latestCloseTime,
  });

  return {
    parameters,
    state,
    header: () => header,
    decode: (envelopeXdr) => decodeTransaction(envelopeXdr, network),
    submit(tx, nowSeconds = header.closeTime) {
      const now = nowSeconds > header.closeTime ? nowSeconds : header.closeTime;
      return queue.submit(tx, moment(header.closeTime, now + 2n * expectedCloseSeconds));
    },
    waiting: () => queue.waiting(),
    close({ closeTime, order }) {
      const { included, invalid } = selectForLedger(queue.waiting(), moment(closeTime, closeTime));
      queue.ban(invalid);
      const closed = closeLedger(state, parameters, { previous: header, closeTime, transactions: included, order });
      header = closed.header;
      queue.ledgerClosed(included);
      // What found no room is looked at again: this ledger may have undone it.
      queue.ban(selectForLedger(queue.waiting(), moment(closeTime, closeTime + 2n * expectedCloseSeconds)).invalid);
      return closed;
    },
  };
}

function genesis(state: LedgerState, parameters: LedgerParameters): LedgerHeader {
  state.ledgerSequence = 1;
  const root = toHex(rootKeypair(parameters.networkPassphrase).rawPublicKey());
  state.put(newAccount(root, TOTAL_COINS_STROOPS, 0n));
  const header = buildHeader(
    {
      sequence: 1,
      closeTime: 0n,
      previous: undefined,
      transactionSetHash: new Uint8Array(32),
      results: [],
      changes: state.changesSince(0),
      feePoolStroops: 0n,
    },
    parameters,
  );
  state.forgetUndo();
  return header;
}

function restore(
  state: LedgerState,
  { header, records }: NonNullable<DevelopmentLedgerInit["restored"]>,
): LedgerHeader {
  for (const record of records) restoreRecord(state, record);
  state.ledgerSequence = header.sequence;
  state.closeTime = header.closeTime;
  state.feePoolStroops = header.header.feePool;
  return header;
}
