import { xdr } from "@stellar/stellar-sdk";

import type { Account, AccountId } from "../account.ts";
import { accountIdFromXdr, latin1 } from "../account-xdr.ts";
import { sameSignerKey, signerKeyFromXdr } from "../signer-key.ts";
import { ACCOUNT_RESERVES, canReserve, withSponsored, withSponsoring } from "../sponsorship.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, isLedgerString } from "./operation.ts";

const result = (code: xdr.RevokeSponsorshipResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.revokeSponsorship(code));

/** One sponsorable thing: who owns it, who holds its reserve, and how to write down another sponsor. */
interface Sponsorable {
  readonly ownerId: AccountId;
  readonly sponsor: AccountId | null;
  readonly reserves: number;
  store(sponsor: AccountId | null): void;
}

/** Rules of `revokeSponsorship` (CAP-33) for accounts, data entries and signers, the entries that this ledger keeps. */
export function revokeSponsorshipRules(op: xdr.RevokeSponsorshipOp): OperationRules {
  return {
    threshold: "medium",
    check: () => (isMalformed(op) ? result(xdr.RevokeSponsorshipResult.revokeSponsorshipMalformed()) : undefined),
    apply: (context) => apply(context, op),
  };
}

function isMalformed(op: xdr.RevokeSponsorshipOp): boolean {
  if (op.type === "revokeSponsorshipSigner") return false;
  const key = op.ledgerKey;
  switch (key.type) {
    case "account":
    case "claimableBalance":
      return false;
    case "trustline":
      return key.trustLine.asset.type === "assetTypeNative";
    case "offer":
      return key.offer.offerId <= 0n;
    case "data": {
      const name = latin1(key.data.dataName.bytes);
      return name === "" || !isLedgerString(name);
    }
    default:
      return true;
  }
}

function apply(context: OperationContext, op: xdr.RevokeSponsorshipOp): OperationOutcome {
  const { state, parameters, sponsorships, sourceId } = context;
  const thing = find(context, op);
  if (thing === undefined) return failed(result(xdr.RevokeSponsorshipResult.revokeSponsorshipDoesNotExist()));
  const { ownerId, sponsor, reserves } = thing;
  if ((sponsor ?? ownerId) !== sourceId) {
    return failed(result(xdr.RevokeSponsorshipResult.revokeSponsorshipNotSponsor()));
  }
  const next = sponsorships.get(sourceId);
  const nextSponsor = next === undefined || next === ownerId ? null : next;
  const holderId = nextSponsor ?? ownerId;
  const holder = state.account(holderId);
  if (sponsor !== nextSponsor) {
    if (holder === undefined || !canReserve(holder, reserves, parameters)) {
      return failed(result(xdr.RevokeSponsorshipResult.revokeSponsorshipLowReserve()));
    }
    const change = (id: AccountId | null, edit: (account: Account) => Account): void => {
      const account = id === null ? undefined : state.account(id);
      if (account !== undefined) state.put(edit(account));
    };
    change(sponsor, (account) => withSponsoring(account, -reserves));
    change(nextSponsor, (account) => withSponsoring(account, reserves));
    if (sponsor === null) change(ownerId, (account) => withSponsored(account, reserves));
    if (nextSponsor === null) change(ownerId, (account) => withSponsored(account, -reserves));
    find(context, op)?.store(nextSponsor);
  }
  return { ok: true, result: result(xdr.RevokeSponsorshipResult.revokeSponsorshipSuccess()) };
}

function find({ state }: OperationContext, op: xdr.RevokeSponsorshipOp): Sponsorable | undefined {
  if (op.type === "revokeSponsorshipSigner") {
    const account = state.account(accountIdFromXdr(op.signer.accountId));
    const key = signerKeyFromXdr(op.signer.signerKey);
    const found = account?.signers.find((signer) => sameSignerKey(signer.key, key));
    if (account === undefined || found === undefined) return undefined;
    return {
      ownerId: account.id,
      sponsor: found.sponsor,
      reserves: 1,
      store: (sponsor) =>
        state.put({ ...account, signers: account.signers.map((s) => (s === found ? { ...s, sponsor } : s)) }),
    };
  }
  const key = op.ledgerKey;
  if (key.type === "account") {
    const account = state.account(accountIdFromXdr(key.account.accountId));
    if (account === undefined) return undefined;
    const { id: ownerId, sponsor } = account;
    return { ownerId, sponsor, reserves: ACCOUNT_RESERVES, store: (next) => state.put({ ...account, sponsor: next }) };
  }
  if (key.type !== "data") return undefined;
  const entry = state.data(accountIdFromXdr(key.data.accountId), latin1(key.data.dataName.bytes));
  if (entry === undefined) return undefined;
  const { accountId: ownerId, sponsor } = entry;
  return { ownerId, sponsor, reserves: 1, store: (next) => state.put({ ...entry, sponsor: next }) };
}
