import type { Transaction } from "@stellar/stellar-sdk";

import { TRANSITION_FEE_STROOPS } from "../domain/program/fee-ladder.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import { assemble } from "./assemble.ts";
import { land, type LandOptions } from "./land.ts";
import { requireSuccess } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

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
  /** The most that the wallet offers for a place in a ledger. @default 30,000 */
  readonly maxFeeStroops?: bigint | undefined;
}

/**
 * Brings a transaction of a smart account onto the ledger.
 *
 * @returns undefined when another transaction of the same account landed first
 * @throws SprfError `LEDGER_REJECTED` when it is refused or fails, `TOO_LATE_TO_LAND` when its time is up, and what `land` throws
 */
export async function anchor(
  components: Components,
  parts: AnchorParts,
  options: LandOptions = {},
): Promise<LandedTransaction | undefined> {
  const { ledger } = components;
  const { transaction, program, wallet, signatures, maxTime, maxFeeStroops = TRANSITION_FEE_STROOPS } = parts;
  const payer = await ledger.account(wallet.account, [], options);
  if (payer === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  const hash = toHex(transaction.hash());
  const bumps = assemble({
    transaction,
    network: ledger.networkPassphrase,
    program: program.snapshot.account,
    payer: payer.account,
    wallet,
    signatures,
    maxFeeStroops,
  });
  const landing = await land(
    components,
    {
      hash,
      source: program.id,
      sequence: BigInt(transaction.sequence),
      maxTime,
      envelopes: bumps.map((bump) => bump.toXdr()),
    },
    options,
  );
  if (landing.kind === "overtaken") return undefined;
  if (landing.kind === "landed") return requireSuccess(landing.transaction);
  const { code } = landing;
  if (landing.kind === "late" || code === "tx_too_late") {
    const offered = `at most ${maxFeeStroops} stroops were offered`;
    const why = code === undefined ? offered : `${code}; ${offered}`;
    throw new SprfError("TOO_LATE_TO_LAND", `transaction ${hash} did not land in time (${why})`, {
      context: { hash, code },
    });
  }
  throw new SprfError("LEDGER_REJECTED", `transaction ${hash}: ${code}`, { context: { hash, code } });
}
