import { StrKey } from "@stellar/stellar-sdk";

import { reserveStroops, type SmartAccountTerms } from "../domain/program/account-terms.ts";
import type { AccountChange } from "../domain/program/change-transaction.ts";
import { payoutShareStroops } from "../domain/program/payout.ts";
import { isRecovered, type SmartAccount } from "../domain/program/smart-account.ts";
import { CHANGE_FEE_STROOPS } from "../domain/program/fee-ladder.ts";
import { isSprfError } from "../errors.ts";
import { findPayoutShares } from "../execution/find-payout-shares.ts";
import type { Chain } from "../ports/chain.ts";
import type { LandedTransaction } from "../ports/ledger.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerDialer } from "../ports/peer-dialer.ts";
import type { KeptRecovery } from "../wire/kept-recovery.ts";
import { changeProgram, bumpProgram, costOfChange, loadAnyProgram, payOut, type ChangeCost } from "./change-program.ts";
import { joinContent } from "./join-content.ts";
import type { LandComponents, LandedProposal } from "./land-proposal.ts";
import { askForRecovery, recoverProgram, recoveryOpensIn } from "./recovery.ts";
import { topUp } from "./top-up.ts";
import type { Wallet } from "./wallet.ts";

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A program's account, and what can be done about it. */
export interface ProgramStanding {
  readonly account: SmartAccount;
  /** Whether its owner has recovered it, and has to give it workers. */
  readonly recovered: boolean;
  /** What the account holds back, in stroops. */
  readonly reserveStroops: bigint;
  /** What a payout would bring each worker now at most, in stroops: what is owed to users stays, and what requests have
   * paid that wait may lower it. Absent while there is too little, or nobody serves the history. */
  readonly payoutShareStroops?: bigint;
  /** Seconds of silence that are missing until a recovery opens. */
  readonly recoveryOpensInSeconds: number;
}

/** What owners, and for payouts anybody, can do about a program besides running it. `wallet` pays the fees; the client's own by default. */
export interface ProgramGovernance {
  /** @throws SprfError `ACCOUNT_NOT_FOUND`, `SMART_ACCOUNT_INVALID` */
  inspect(program: string, options?: CallOptions): Promise<ProgramStanding>;
  /** What a new program's account costs: its reserve, and the most that the ledger's fee can come to. */
  costOfCreating(terms: SmartAccountTerms): { readonly reserveStroops: bigint; readonly maxFeeStroops: bigint };
  /** What a change would cost now. @throws SprfError `INVALID_INPUT` for a change that nobody could use the account after */
  costOfChange(
    parts: { readonly program: string; readonly change: AccountChange },
    options?: CallOptions,
  ): Promise<ChangeCost>;
  /**
   * Changes workers, image or fees; the wallet is the owner's.
   *
   * @throws SprfError `PROGRAM_IMMUTABLE`, `INVALID_INPUT`, `WORKER_NOT_BOUND`, `NO_MAJORITY`, `SEQUENCE_MOVED`
   */
  change(
    parts: { readonly program: string; readonly change: AccountChange; readonly wallet?: Wallet },
    options?: CallOptions,
  ): Promise<LandedProposal>;
  /** Binds an agreement of this client to a program, unless it is bound to it already. */
  bind(parts: { readonly program: string; readonly agreement: string }, options?: CallOptions): Promise<void>;
  /** Pays what a program has earned to its workers. @throws SprfError `PAYOUT_REFUSED`, `NO_MAJORITY` */
  payOut(
    parts: { readonly program: string; readonly wallet?: Wallet },
    options?: CallOptions,
  ): Promise<LandedProposal & { readonly shareStroops: bigint }>;
  /** Pays to a program's account. @throws SprfError `FUNDS_TOO_LOW` */
  topUp(
    parts: { readonly program: string; readonly stroops: bigint; readonly wallet?: Wallet },
    options?: CallOptions,
  ): Promise<LandedTransaction>;
  /** Keeps the recovery of a silent program closed. @throws SprfError `BUMP_REFUSED`, `NO_MAJORITY` */
  bump(parts: { readonly program: string; readonly wallet?: Wallet }, options?: CallOptions): Promise<LandedProposal>;
  /** Has the workers sign a recovery, for the owner to keep. @throws SprfError `PROGRAM_IMMUTABLE`, `NO_MAJORITY` */
  askForRecovery(
    parts: { readonly program: string; readonly wallet?: Wallet },
    options?: CallOptions,
  ): Promise<KeptRecovery>;
  /** Uses a recovery that was kept. @throws SprfError `RECOVERY_CLOSED`, `NOT_ENOUGH_SIGNATURES` */
  recover(
    parts: { readonly kept: KeptRecovery; readonly wallet?: Wallet },
    options?: CallOptions,
  ): Promise<LandedProposal>;
}

export interface GovernanceComponents extends LandComponents {
  readonly chain: Chain;
  readonly node: PeerDialer;
  readonly logger: Logger;
}

export function createGovernance(components: GovernanceComponents, ownWallet: Wallet): ProgramGovernance {
  const { ledger, chain } = components;

  /** Content comes from the workers of now, as far as they answer. */
  async function join(program: string, options: CallOptions): Promise<void> {
    const account = await loadAnyProgram(ledger, program, options);
    if (!isRecovered(account.snapshot)) await joinContent(components, program, options);
  }

  /** What is owed to users the history says; while nobody serves it nothing can be paid out. */
  async function findShare(account: SmartAccount, options: CallOptions): Promise<bigint | undefined> {
    const { id, spendableStroops, workers } = account;
    if (payoutShareStroops({ spendableStroops, workers: workers.length }) === undefined) return undefined;
    try {
      await join(id, options);
      const [share] = await findPayoutShares(components, account, options);
      return share;
    } catch (error) {
      if (isSprfError(error, "CONTENT_NOT_FOUND") || isSprfError(error, "HISTORY_UNAVAILABLE")) return undefined;
      throw error;
    }
  }

  return {
    async inspect(program, options = {}) {
      const account = await loadAnyProgram(ledger, program, options);
      const { balanceStroops } = account.snapshot.account;
      const share = isRecovered(account.snapshot) ? undefined : await findShare(account, options);
      return {
        account,
        recovered: isRecovered(account.snapshot),
        reserveStroops: balanceStroops - account.spendableStroops,
        ...(share === undefined ? {} : { payoutShareStroops: share }),
        recoveryOpensInSeconds: await recoveryOpensIn(ledger, account, options),
      };
    },
    costOfCreating: (terms) => ({
      reserveStroops: reserveStroops(terms),
      maxFeeStroops: CHANGE_FEE_STROOPS,
    }),
    costOfChange: async (parts, options) => await costOfChange(ledger, parts, options),
    async change({ wallet = ownWallet, ...parts }, options = {}) {
      await join(parts.program, options);
      return await changeProgram(components, { ...parts, wallet }, options);
    },
    async bind({ program, agreement }, options) {
      const account = StrKey.decodeEd25519PublicKey(program);
      const { program: bound } = await chain.agreementState(agreement, options);
      if (bound !== undefined && Buffer.compare(bound, account) === 0) return;
      await chain.bindProgram(agreement, new Uint8Array(account), options);
    },
    async payOut({ wallet = ownWallet, program }, options = {}) {
      await join(program, options);
      return await payOut(components, { program, wallet }, options);
    },
    topUp: async ({ wallet = ownWallet, ...parts }, options) => await topUp(components, { ...parts, wallet }, options),
    async bump({ wallet = ownWallet, program }, options = {}) {
      await join(program, options);
      return await bumpProgram(components, { program, wallet }, options);
    },
    askForRecovery: async ({ wallet = ownWallet, program }, options) =>
      await askForRecovery(components, { program, wallet }, options),
    recover: async ({ wallet = ownWallet, kept }, options) =>
      await recoverProgram(components, { kept, wallet }, options),
  };
}
