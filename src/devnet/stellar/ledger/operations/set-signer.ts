import type { AccountId } from "../account.ts";
import type { LedgerState } from "../ledger-state.ts";
import { MAX_SIGNERS } from "../parameters.ts";
import type { SignerKey } from "../signer-key.ts";
import { compareSignerKeys, sameSignerKey } from "../signer-key.ts";
import type { ReserveFailure } from "../sponsorship.ts";
import { releaseSubentry, reserveSubentry } from "../sponsorship.ts";
import type { OperationContext } from "./operation.ts";
import { sourceAccount } from "./operation.ts";

/** Adds a signer to the operation's source, changes its weight, or removes it with weight 0; undefined when done. */
export function setSigner(
  context: OperationContext,
  key: SignerKey,
  weight: number,
): ReserveFailure | "tooManySigners" | undefined {
  const { state, sourceId } = context;
  const account = sourceAccount(context);
  const existing = account.signers.find((signer) => sameSignerKey(signer.key, key));
  if (weight === 0) {
    removeSigner(state, sourceId, key);
    return undefined;
  }
  if (existing !== undefined) {
    state.put({
      ...account,
      signers: account.signers.map((signer) => (signer === existing ? { ...signer, weight } : signer)),
    });
    return undefined;
  }
  if (account.signers.length >= MAX_SIGNERS) return "tooManySigners";
  const reserved = reserveSubentry(context, account);
  if (typeof reserved === "string") return reserved;
  const counted = sourceAccount(context);
  const signers = [...counted.signers, { key, weight, sponsor: reserved.sponsor }];
  state.put({ ...counted, signers: signers.sort((a, b) => compareSignerKeys(a.key, b.key)) });
  return undefined;
}

/** Removes a signer if the account has it and frees its reserve. */
export function removeSigner(state: LedgerState, accountId: AccountId, key: SignerKey): void {
  const account = state.account(accountId);
  const existing = account?.signers.find((signer) => sameSignerKey(signer.key, key));
  if (account === undefined || existing === undefined) return;
  state.put({ ...account, signers: account.signers.filter((signer) => signer !== existing) });
  releaseSubentry(state, accountId, existing.sponsor);
}
