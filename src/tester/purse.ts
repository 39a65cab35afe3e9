import { Account, Operation, TransactionBuilder, type Keypair, type Transaction } from "@stellar/stellar-sdk";
import PQueue from "p-queue";

import { submitAndWait } from "../client/submit.ts";
import { FEE_PER_OPERATION_STROOPS } from "../domain/program/fee-ladder.ts";
import { formatStroops } from "../domain/program/stroops.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";

const WINDOW_SECONDS = 60;
const MS_PER_SECOND = 1_000;
/** Two base reserves: what an account without entries keeps. */
const RESERVE_STROOPS = 10_000_000n;

interface PurseOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The tester's own ledger account, which pays for the accounts that its probes come from. */
export interface Purse {
  /** Creates `account` with so much to spend; one that exists already is left as it is. */
  fund(account: string, spendableStroops: bigint, options?: PurseOptions): Promise<void>;
  /** Merges what is left of a probe's account back; one that is gone already is no error. */
  reclaim(account: Keypair, options?: PurseOptions): Promise<void>;
}

export function createPurse(
  { ledger, clock }: { readonly ledger: Ledger; readonly clock: Clock },
  owner: Keypair,
): Purse {
  // The network holds one pending transaction for each source account.
  const queue = new PQueue({ concurrency: 1 });

  async function submit(
    source: Keypair,
    operation: ReturnType<typeof Operation.accountMerge>,
    { signal }: PurseOptions,
  ): Promise<void> {
    const snapshot = await ledger.account(source.publicKey(), [], { signal });
    if (snapshot === undefined) {
      throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${source.publicKey()}`);
    }
    const maxTime = Math.floor(clock.now() / MS_PER_SECOND) + WINDOW_SECONDS;
    const transaction: Transaction = new TransactionBuilder(
      new Account(source.publicKey(), snapshot.account.sequence.toString()),
      {
        fee: FEE_PER_OPERATION_STROOPS.toString(),
        networkPassphrase: ledger.networkPassphrase,
        timebounds: { minTime: 0, maxTime },
      },
    )
      .addOperation(operation)
      .build();
    transaction.sign(source);
    await submitAndWait({ ledger, clock }, transaction, maxTime, { signal });
  }

  return {
    async fund(account, spendableStroops, options = {}) {
      const { signal } = options;
      await queue.add(
        async () => {
          if ((await ledger.account(account, [], { signal })) !== undefined) return;
          const startingBalance = formatStroops(RESERVE_STROOPS + spendableStroops);
          await submit(owner, Operation.createAccount({ destination: account, startingBalance }), options);
        },
        signal === undefined ? {} : { signal },
      );
    },
    async reclaim(account, options = {}) {
      if ((await ledger.account(account.publicKey(), [], options)) === undefined) return;
      await submit(account, Operation.accountMerge({ destination: owner.publicKey() }), options);
    },
  };
}
