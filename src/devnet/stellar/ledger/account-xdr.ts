import { StrKey, xdr } from "@stellar/stellar-sdk";

import type { Account, AccountId, AccountSigner, DataEntry } from "./account.ts";
import { fromHex, toHex } from "./hashing.ts";
import type { LedgerRecord, RecordChange } from "./ledger-state.ts";
import { signerKeyFromXdr, signerKeyToXdr } from "./signer-key.ts";

/** The account id of a public key in XDR. */
export function accountIdFromXdr(key: xdr.PublicKey): AccountId {
  return toHex(key.ed25519.value);
}

/** The account behind a plain or muxed account; the multiplexing id means nothing to the ledger. */
export function accountIdFromMuxed(account: xdr.MuxedAccount): AccountId {
  return toHex(account.type === "keyTypeEd25519" ? account.ed25519.value : account.med25519.ed25519.value);
}

/** An account id as XDR public key. */
function accountIdToXdr(id: AccountId): xdr.PublicKey {
  return xdr.PublicKey.publicKeyTypeEd25519(fromHex(id));
}

/** The `G...` address of an account id. */
export function accountIdToAddress(id: AccountId): string {
  return StrKey.encodeEd25519PublicKey(fromHex(id));
}

/** The key under which an entry is found. */
export function recordKeyToXdr(record: LedgerRecord): xdr.LedgerKey {
  if (record.kind === "account") {
    return xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: accountIdToXdr(record.id) }));
  }
  return xdr.LedgerKey.data(
    new xdr.LedgerKeyData({
      accountId: accountIdToXdr(record.accountId),
      dataName: Buffer.from(record.name, "latin1"),
    }),
  );
}

/** The data of an entry as `getLedgerEntries` returns it. */
export function recordDataToXdr(record: LedgerRecord): xdr.LedgerEntryData {
  return record.kind === "account"
    ? xdr.LedgerEntryData.account(accountToXdr(record))
    : xdr.LedgerEntryData.data(dataToXdr(record));
}

/** A whole ledger entry with its date and its sponsor. */
export function recordToXdr(record: LedgerRecord): xdr.LedgerEntry {
  return new xdr.LedgerEntry({
    lastModifiedLedgerSeq: record.lastModifiedLedger,
    data: recordDataToXdr(record),
    ext: recordExtensionToXdr(record),
  });
}

/** The extension of an entry: who sponsors it. */
export function recordExtensionToXdr(record: LedgerRecord): xdr.LedgerEntryExt {
  if (record.sponsor === null) return xdr.LedgerEntryExt.v0();
  return xdr.LedgerEntryExt.v1(
    new xdr.LedgerEntryExtensionV1({
      sponsoringId: accountIdToXdr(record.sponsor),
      ext: xdr.LedgerEntryExtensionV1Ext.v0(),
    }),
  );
}

/** Changes in the form of transaction meta: state before, then updated, created or removed. */
export function changesToXdr(changes: readonly RecordChange[]): xdr.LedgerEntryChange[] {
  return changes.flatMap(({ before, after }) => {
    const list: xdr.LedgerEntryChange[] = [];
    if (before !== undefined) list.push(xdr.LedgerEntryChange.ledgerEntryState(recordToXdr(before)));
    if (after === undefined && before !== undefined) {
      list.push(xdr.LedgerEntryChange.ledgerEntryRemoved(recordKeyToXdr(before)));
    } else if (after !== undefined) {
      const entry = recordToXdr(after);
      const make = before === undefined ? "ledgerEntryCreated" : "ledgerEntryUpdated";
      list.push(xdr.LedgerEntryChange[make](entry));
    }
    return list;
  });
}

/** Reads an entry back from XDR; undefined for kinds of entry that this ledger does not keep. */
export function recordFromXdr(entry: xdr.LedgerEntry): LedgerRecord | undefined {
  const sponsoringId = entry.ext.type === "v1" ? entry.ext.v1.sponsoringId : null;
  const sponsor = sponsoringId === null ? null : accountIdFromXdr(sponsoringId);
  const { data, lastModifiedLedgerSeq } = entry;
  if (data.type === "account")
    return { ...accountFromXdr(data.account), sponsor, lastModifiedLedger: lastModifiedLedgerSeq };
  if (data.type !== "data") return undefined;
  return {
    kind: "data",
    accountId: accountIdFromXdr(data.data.accountId),
    name: latin1(data.data.dataName.bytes),
    value: data.data.dataValue.value,
    sponsor,
    lastModifiedLedger: lastModifiedLedgerSeq,
  };
}

/** Bytes of an XDR string as latin1, so that every byte survives. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function dataToXdr(entry: DataEntry): xdr.DataEntry {
  return new xdr.DataEntry({
    accountId: accountIdToXdr(entry.accountId),
    dataName: Buffer.from(entry.name, "latin1"),
    dataValue: entry.value,
    ext: xdr.DataEntryExt.v0(),
  });
}

function accountToXdr(account: Account): xdr.AccountEntry {
  const { master, low, medium, high } = account.thresholds;
  return new xdr.AccountEntry({
    accountId: accountIdToXdr(account.id),
    balance: account.balanceStroops,
    seqNum: account.sequenceNumber,
    numSubEntries: account.subentryCount,
    inflationDest: account.inflationDestination === null ? null : accountIdToXdr(account.inflationDestination),
    flags: account.flags,
    homeDomain: Buffer.from(account.homeDomain, "latin1"),
    thresholds: Uint8Array.of(master, low, medium, high),
    signers: account.signers.map(({ key, weight }) => new xdr.Signer({ key: signerKeyToXdr(key), weight })),
    ext: accountExtensionToXdr(account),
  });
}

function accountExtensionToXdr(account: Account): xdr.AccountEntryExt {
  if (account.extension === 0) return xdr.AccountEntryExt.v0();
  const v3 =
    account.extension === 3
      ? xdr.AccountEntryExtensionV2Ext.v3(
          new xdr.AccountEntryExtensionV3({
            ext: xdr.ExtensionPoint.v0(),
            seqLedger: account.sequenceLedger,
            seqTime: account.sequenceTime,
          }),
        )
      : xdr.AccountEntryExtensionV2Ext.v0();
  const v2 = new xdr.AccountEntryExtensionV2({
    numSponsored: account.sponsoredCount,
    numSponsoring: account.sponsoringCount,
    signerSponsoringIDs: account.signers.map(({ sponsor }) => (sponsor === null ? null : accountIdToXdr(sponsor))),
    ext: v3,
  });
  return xdr.AccountEntryExt.v1(
    new xdr.AccountEntryExtensionV1({
      liabilities: new xdr.Liabilities({ buying: 0n, selling: 0n }),
      ext: xdr.AccountEntryExtensionV1Ext.v2(v2),
    }),
  );
}

function accountFromXdr(entry: xdr.AccountEntry): Account {
  const v1 = entry.ext.type === "v1" ? entry.ext.v1 : undefined;
  const v2 = v1?.ext.type === "v2" ? v1.ext.v2 : undefined;
  const v3 = v2?.ext.type === "v3" ? v2.ext.v3 : undefined;
  const [master = 0, low = 0, medium = 0, high = 0] = entry.thresholds.value;
  return {
    kind: "account",
    id: accountIdFromXdr(entry.accountId),
    balanceStroops: entry.balance,
    sequenceNumber: entry.seqNum,
    subentryCount: entry.numSubEntries,
    inflationDestination: entry.inflationDest === null ? null : accountIdFromXdr(entry.inflationDest),
    flags: entry.flags,
    homeDomain: latin1(entry.homeDomain.bytes),
    thresholds: { master, low, medium, high },
    signers: entry.signers.map((signer, i): AccountSigner => {
      const sponsor = v2?.signerSponsoringIDs[i] ?? null;
      return {
        key: signerKeyFromXdr(signer.key),
        weight: signer.weight,
        sponsor: sponsor === null ? null : accountIdFromXdr(sponsor),
      };
    }),
    sponsoringCount: v2?.numSponsoring ?? 0,
    sponsoredCount: v2?.numSponsored ?? 0,
    sponsor: null,
    sequenceLedger: v3?.seqLedger ?? 0,
    sequenceTime: v3?.seqTime ?? 0n,
    extension: v3 === undefined ? (v2 === undefined ? 0 : 2) : 3,
    lastModifiedLedger: 0,
  };
}
