import { xdr } from "@stellar/stellar-sdk";

import { changesToXdr } from "../ledger/account-xdr.ts";
import type { LedgerEntryOfTransaction } from "../ledger/close-ledger.ts";
import { fromHex } from "../ledger/hashing.ts";
import type { StoredLedger, StoredTransaction } from "./ledger-store.ts";

/** Meta (version 3) of an applied transaction: which entries it and each of its operations changed. */
export function transactionMeta(entry: LedgerEntryOfTransaction): xdr.TransactionMeta {
  return xdr.TransactionMeta.v3(
    new xdr.TransactionMetaV3({
      ext: xdr.ExtensionPoint.v0(),
      txChangesBefore: changesToXdr(entry.changesBefore),
      operations: entry.operationChanges.map((changes) => new xdr.OperationMeta({ changes: changesToXdr(changes) })),
      txChangesAfter: [],
      sorobanMeta: null,
    }),
  );
}

/** A header with its hash, as history keeps it. */
export function headerEntry(ledger: StoredLedger): xdr.LedgerHeaderHistoryEntry {
  return new xdr.LedgerHeaderHistoryEntry({
    hash: fromHex(ledger.hash),
    header: xdr.LedgerHeader.fromXdr(ledger.header),
    ext: xdr.LedgerHeaderHistoryEntryExt.v0(),
  });
}

/** Everything that closing a ledger did (version 0: a plain transaction set). */
export function closeMeta(ledger: StoredLedger, transactions: readonly StoredTransaction[]): xdr.LedgerCloseMeta {
  const ledgerHeader = headerEntry(ledger);
  return xdr.LedgerCloseMeta.v0(
    new xdr.LedgerCloseMetaV0({
      ledgerHeader,
      txSet: new xdr.TransactionSet({
        previousLedgerHash: ledgerHeader.header.previousLedgerHash,
        txs: transactions.map(({ envelope }) => xdr.TransactionEnvelope.fromXdr(envelope)),
      }),
      txProcessing: transactions.map(
        ({ hash, result, meta, feeMeta }) =>
          new xdr.TransactionResultMeta({
            result: new xdr.TransactionResultPair({
              transactionHash: fromHex(hash),
              result: xdr.TransactionResult.fromXdr(result),
            }),
            feeProcessing: xdr.decodeArray(xdr.LedgerEntryChange, feeMeta),
            txApplyProcessing: xdr.TransactionMeta.fromXdr(meta),
          }),
      ),
      upgradesProcessing: [],
      scpInfo: [],
    }),
  );
}
