import { Keypair } from "@stellar/stellar-sdk";

import { reserveStroops, type SmartAccountTerms } from "../domain/program/account-terms.ts";
import { buildCreateTransaction, createRecordOf } from "../domain/program/create-transaction.ts";
import { FEE_PER_OPERATION_STROOPS } from "../domain/program/fee-ladder.ts";
import { formatStroops } from "../domain/program/stroops.ts";
import { SprfError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Random } from "../ports/random.ts";
import { hashOfRecordCid } from "../wire/canonical.ts";
import { encodeRecord } from "../wire/record.ts";
import { signEnough } from "./sign.ts";
import { submitAndWait } from "./submit.ts";
import type { Wallet } from "./wallet.ts";

const CREATE_WINDOW_SECONDS = 60;
const MS_PER_SECOND = 1_000;
const SEED_BYTES = 32;

/** The first state of every program that is not seeded with another: a file without a byte. */
const EMPTY_STATE = new Uint8Array(0);

export interface CreateProgramComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a new program is made of, and who pays for its account. */
export interface CreateProgramParts {
  /** Pays the fee, the reserve and the endowment. */
  readonly wallet: Wallet;
  /** Its workers, price and program; the state is the CID of its first one. @default a file without a byte */
  readonly terms: Omit<SmartAccountTerms, "state"> & { readonly state?: string };
  /** Spendable balance that the account starts with, above its reserve. @default 0 */
  readonly endowmentStroops?: bigint;
}

/** A program that exists on the ledger. */
export interface CreatedProgram {
  /** The smart account, `G...`. */
  readonly program: string;
  /** Of the transaction that made it, in hex. */
  readonly transactionHash: string;
  /** Number of the ledger that holds that transaction. */
  readonly ledger: number;
  /** CID of the record whose hash is that transaction's memo. */
  readonly recordCid: string;
  /** What the account holds back: (2 + entries + signers) x 0.5 XLM, in stroops (10^-7 XLM). */
  readonly reserveStroops: bigint;
}

/**
 * Makes a smart account in one transaction: its entries, its workers as signers, the majority as every threshold, no master key.
 *
 * @throws SprfError `INVALID_INPUT` for terms that nobody could use, `FUNDS_TOO_LOW`, `LEDGER_REJECTED`
 */
export async function createProgram(
  { ledger, content, clock, random }: CreateProgramComponents,
  { wallet, terms: given, endowmentStroops = 0n }: CreateProgramParts,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<CreatedProgram> {
  const account = Keypair.fromRawEd25519Seed(Buffer.from(random.bytes(SEED_BYTES)));
  const terms: SmartAccountTerms = { ...given, state: given.state ?? (await content.putFile(EMPTY_STATE, { signal })) };
  const record = encodeRecord(createRecordOf(ledger.networkPassphrase, account.publicKey(), terms));
  const payer = await ledger.account(wallet.account, [], { signal });
  if (payer === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  const reserve = reserveStroops(terms);
  const needed = reserve + endowmentStroops;
  if (payer.account.spendableStroops < needed) {
    throw new SprfError(
      "FUNDS_TOO_LOW",
      `the account costs ${formatStroops(needed)} XLM, ${wallet.account} can spend less`,
    );
  }

  const recordCid = await content.putRecord(record, { signal });
  const maxTime = Math.floor(clock.now() / MS_PER_SECOND) + CREATE_WINDOW_SECONDS;
  const transaction = buildCreateTransaction({
    network: ledger.networkPassphrase,
    payer: { id: wallet.account, sequence: payer.account.sequence },
    account,
    terms,
    recordHash: hashOfRecordCid(recordCid),
    feeStroops: FEE_PER_OPERATION_STROOPS,
    maxTime,
    endowmentStroops,
  });
  signEnough(transaction, wallet, payer.account, "medium");
  transaction.sign(account);
  const landed = await submitAndWait({ ledger, clock }, transaction, maxTime, { signal });
  return {
    program: account.publicKey(),
    transactionHash: landed.hash,
    ledger: landed.ledger,
    recordCid,
    reserveStroops: reserve,
  };
}
