import { xdr } from "@stellar/stellar-sdk";

import type { Account, AccountId } from "../account.ts";
import { ALL_ACCOUNT_FLAGS, AUTH_CLAWBACK_ENABLED, AUTH_IMMUTABLE, AUTH_REVOCABLE } from "../account.ts";
import { accountIdFromXdr, latin1 } from "../account-xdr.ts";
import { masterKey, sameSignerKey, signerKeyFromXdr } from "../signer-key.ts";
import type { OperationContext, OperationOutcome, OperationRules } from "./operation.ts";
import { failed, isLedgerString, sourceAccount } from "./operation.ts";
import { setSigner } from "./set-signer.ts";

const result = (code: xdr.SetOptionsResult): xdr.OperationResult =>
  xdr.OperationResult.opInner(xdr.OperationResultTr.setOptions(code));

const MAX_BYTE = 255;

/** Rules of `setOptions` (stellar-core, `SetOptionsOpFrame`). */
export function setOptionsRules(op: xdr.SetOptionsOp, sourceId: AccountId): OperationRules {
  const changesAuthority = [op.masterWeight, op.lowThreshold, op.medThreshold, op.highThreshold, op.signer].some(
    (field) => field !== null,
  );
  return {
    threshold: changesAuthority ? "high" : "medium",
    check: () => {
      const code = check(op, sourceId);
      return code === undefined ? undefined : result(code);
    },
    apply: (context) => apply(context, op),
  };
}

function check(op: xdr.SetOptionsOp, sourceId: AccountId): xdr.SetOptionsResult | undefined {
  const set = op.setFlags ?? 0;
  const clear = op.clearFlags ?? 0;
  if (((set | clear) & ~ALL_ACCOUNT_FLAGS) !== 0) return xdr.SetOptionsResult.setOptionsUnknownFlag();
  if ((set & clear) !== 0) return xdr.SetOptionsResult.setOptionsBadFlags();
  const bytes = [op.masterWeight, op.lowThreshold, op.medThreshold, op.highThreshold];
  if (bytes.some((value) => value !== null && value > MAX_BYTE)) {
    return xdr.SetOptionsResult.setOptionsThresholdOutOfRange();
  }
  if (op.signer !== null) {
    const key = signerKeyFromXdr(op.signer.key);
    const emptyPayload = key.kind === "signedPayload" && key.payload === "";
    if (sameSignerKey(key, masterKey(sourceId)) || op.signer.weight > MAX_BYTE || emptyPayload) {
      return xdr.SetOptionsResult.setOptionsBadSigner();
    }
  }
  if (op.homeDomain !== null && !isLedgerString(latin1(op.homeDomain.bytes))) {
    return xdr.SetOptionsResult.setOptionsInvalidHomeDomain();
  }
  return undefined;
}

function apply(context: OperationContext, op: xdr.SetOptionsOp): OperationOutcome {
  const changed = changeFields(context, op, sourceAccount(context));
  if (changed.kind === "failure") return failed(result(changed.code));
  context.state.put(changed.account);
  if (op.signer !== null) {
    const problem = setSigner(context, signerKeyFromXdr(op.signer.key), op.signer.weight);
    if (problem === "tooManySubentries") return failed(xdr.OperationResult.opTooManySubentries());
    if (problem === "tooManySigners") return failed(result(xdr.SetOptionsResult.setOptionsTooManySigners()));
    if (problem === "lowReserve") return failed(result(xdr.SetOptionsResult.setOptionsLowReserve()));
  }
  return { ok: true, result: result(xdr.SetOptionsResult.setOptionsSuccess()) };
}

type Changed =
  | { readonly kind: "account"; readonly account: Account }
  | { readonly kind: "failure"; readonly code: xdr.SetOptionsResult };

function changeFields({ state }: OperationContext, op: xdr.SetOptionsOp, account: Account): Changed {
  let { inflationDestination, flags } = account;
  if (op.inflationDest !== null) {
    inflationDestination = accountIdFromXdr(op.inflationDest);
    if (inflationDestination !== account.id && state.account(inflationDestination) === undefined) {
      return { kind: "failure", code: xdr.SetOptionsResult.setOptionsInvalidInflation() };
    }
  }
  for (const [mask, on] of [
    [op.clearFlags, false],
    [op.setFlags, true],
  ] as const) {
    if (mask === null) continue;
    if (mask !== 0 && (flags & AUTH_IMMUTABLE) !== 0) {
      return { kind: "failure", code: xdr.SetOptionsResult.setOptionsCantChange() };
    }
    flags = on ? flags | mask : flags & ~mask;
  }
  if ((flags & AUTH_CLAWBACK_ENABLED) !== 0 && (flags & AUTH_REVOCABLE) === 0) {
    return { kind: "failure", code: xdr.SetOptionsResult.setOptionsAuthRevocableRequired() };
  }
  const { thresholds } = account;
  return {
    kind: "account",
    account: {
      ...account,
      inflationDestination,
      flags,
      homeDomain: op.homeDomain === null ? account.homeDomain : latin1(op.homeDomain.bytes),
      thresholds: {
        master: op.masterWeight ?? thresholds.master,
        low: op.lowThreshold ?? thresholds.low,
        medium: op.medThreshold ?? thresholds.medium,
        high: op.highThreshold ?? thresholds.high,
      },
    },
  };
}
