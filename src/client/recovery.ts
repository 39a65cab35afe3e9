import type { Transaction } from "@stellar/stellar-sdk";

import { innerTransactionOf, memoHashOf } from "../domain/program/envelope.ts";
import { RECOVERY_SILENCE_SECONDS, isRecovery } from "../domain/program/recovery.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError, messageOf } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { prepareProposal } from "../execution/prepare-proposal.ts";
import type { Ledger } from "../ports/ledger.ts";
import { recordCidFromHash, recordCidOf } from "../wire/canonical.ts";
import { signChange } from "../wire/change-request.ts";
import type { KeptRecovery } from "../wire/kept-recovery.ts";
import type { Proposal } from "../wire/proposal.ts";
import { anchor } from "./anchor.ts";
import { askConsents } from "./ask-consents.ts";
import { requireOwner } from "./change-program.ts";
import type { LandComponents, LandedProposal } from "./land-proposal.ts";
import type { Wallet } from "./wallet.ts";

const MS_PER_SECOND = 1_000;
const VALID_SECONDS = 120;

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has a majority of the workers sign a recovery in advance: it hands the program to its owner once nothing of it has landed for 30
 * days. The owner keeps it; after a change of workers it takes a new one.
 *
 * @throws SprfError `PROGRAM_IMMUTABLE`, `NO_MAJORITY`
 */
export async function askForRecovery(
  components: LandComponents,
  { program, wallet }: { readonly program: string; readonly wallet: Wallet },
  { signal }: CallOptions = {},
): Promise<KeptRecovery> {
  const { ledger, content, clock } = components;
  const account = await loadSmartAccount(ledger, program, { signal });
  requireOwner(account, wallet);
  const nowSeconds = Math.floor(clock.now() / MS_PER_SECOND);
  const request = {
    version: 1 as const,
    network: ledger.networkPassphrase,
    program,
    sequence: account.sequence,
    validUntil: BigInt(nowSeconds + VALID_SECONDS),
    change: { kind: "recovery" as const },
  };
  const proposal: Proposal = { kind: "change", signedChange: signChange(request, wallet.signers[0]) };
  const prepared = await prepareProposal(components, { proposal, account }, { nowSeconds, signal });
  const signatures = await askConsents(components, { proposal, prepared }, { signal });
  const { recordCid, recordBlock, transaction } = prepared;
  await content.putRecord(recordBlock, { signal });
  return {
    network: ledger.networkPassphrase,
    program,
    recordCid,
    recordBlock,
    transactionXdr: transaction.toXdr(),
    signatures,
  };
}

/** Seconds for which a program has to be silent yet before its recovery opens; 0 when it is open. */
export async function recoveryOpensIn(
  ledger: Ledger,
  account: SmartAccount,
  { signal }: CallOptions = {},
): Promise<number> {
  const { sequence } = await ledger.latest({ signal });
  const header = await ledger.header(sequence, { signal });
  if (header === undefined)
    throw new SprfError("LEDGER_UNREACHABLE", `the service does not have its ledger ${sequence}`);
  const silent = header.closeTime - (account.snapshot.account.sequenceTime ?? 0);
  return Math.max(0, RECOVERY_SILENCE_SECONDS - silent);
}

/**
 * Hands a program that has been silent for 30 days to its owner, with a recovery that was kept. Its owner gives it workers with a
 * change of workers afterwards.
 *
 * @throws SprfError `RECOVERY_CLOSED`, `NOT_ENOUGH_SIGNATURES` when too many of its signers have left, `INVALID_INPUT`
 */
export async function recoverProgram(
  components: LandComponents,
  { kept, wallet }: { readonly kept: KeptRecovery; readonly wallet: Wallet },
  { signal }: CallOptions = {},
): Promise<LandedProposal> {
  const { ledger, content, clock } = components;
  const transaction = readTransaction(kept, ledger.networkPassphrase);
  const account = await loadSmartAccount(ledger, kept.program, { signal });
  requireOwner(account, wallet);
  const wait = await recoveryOpensIn(ledger, account, { signal });
  if (wait > 0) {
    throw new SprfError("RECOVERY_CLOSED", `${kept.program} has to be silent for ${wait} s more`, {
      context: { opensInSeconds: wait },
    });
  }
  await content.putRecord(kept.recordBlock, { signal });
  const maxTime = Math.floor(clock.now() / MS_PER_SECOND) + VALID_SECONDS;
  const parts = { transaction, program: account, wallet, signatures: kept.signatures, maxTime };
  const landed = await anchor(components, parts, { signal });
  if (landed === undefined) throw new SprfError("RECOVERY_CLOSED", "the account has moved past this recovery");
  return { transactionHash: landed.hash, ledger: landed.ledger, recordCid: kept.recordCid };
}

function readTransaction(
  { transactionXdr, program, recordCid, recordBlock }: KeptRecovery,
  network: string,
): Transaction {
  const refuse = (why: string): never => {
    throw new SprfError("INVALID_INPUT", `not a recovery of ${program}: ${why}`);
  };
  let transaction: Transaction;
  try {
    transaction = innerTransactionOf(transactionXdr, network);
  } catch (error) {
    return refuse(messageOf(error));
  }
  const memo = memoHashOf(transaction);
  if (transaction.source !== program) refuse("its transaction is another account's");
  if (!isRecovery(transaction)) refuse("its transaction does not wait for silence");
  if (memo === undefined || recordCidFromHash(memo) !== recordCid) refuse("its transaction has another record");
  if (recordCidOf(recordBlock) !== recordCid) refuse("its record is not the one that it names");
  return transaction;
}
