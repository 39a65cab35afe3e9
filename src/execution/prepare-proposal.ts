import type { Transaction } from "@stellar/stellar-sdk";

import { timeAfter, stateAfter } from "../domain/program/chain-record.ts";
import { addedReserveStroops, buildChangeTransaction, termsAfter } from "../domain/program/change-transaction.ts";
import { creditFields, creditsAfter, owedStroops } from "../domain/program/credits.ts";
import { historyFields } from "../domain/program/history-fields.ts";
import { buildPayout, checkPayout, payoutShareStroops } from "../domain/program/payout.ts";
import { buildBump, buildRecovery, checkSilence } from "../domain/program/recovery.ts";
import {
  ENTRY_NAMES,
  isRecovered,
  readRecoveredAccount,
  readSmartAccount,
  type SmartAccount,
} from "../domain/program/smart-account.ts";
import { formatStroops } from "../domain/program/stroops.ts";
import { SprfError } from "../errors.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { recordCidOf } from "../wire/canonical.ts";
import { verifyChange, type SignedChange } from "../wire/change-request.ts";
import { OPEN_PROPOSAL_MAX_SECONDS, OPEN_PROPOSAL_STEP_SECONDS, placeOf, type Proposal } from "../wire/proposal.ts";
import { encodeRecord, type BumpRecord, type PayoutRecord, type ProgramRecord } from "../wire/record.ts";
import { readChainRecord } from "./read-record.ts";
import { findTip, type Tip, type TipMemory } from "./tip.ts";

/** A proposal that could land later than this is refused: nobody knows any more that it is out. */
const MAX_VALID_SECONDS = 3_600n;

export interface ProposalComponents {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  /** @default none: what the ledger's service has */
  readonly tips?: TipMemory | undefined;
  /** What was paid for requests that wait here: payouts leave it. @default nothing waits */
  readonly waitingStroops?: ((program: string) => bigint) | undefined;
}

/** What a proposal comes to on the account as it is: the record and the transaction that it would land with. */
export interface PreparedProposal {
  readonly account: SmartAccount;
  readonly recordBlock: Uint8Array;
  readonly recordCid: string;
  readonly transaction: Transaction;
}

/**
 * The account that a proposal is about; one that its owner recovered may be given workers.
 *
 * @throws SprfError `REQUEST_NOT_SERVED` for another network, `REQUEST_EXPIRED`, `INVALID_INPUT`, `ACCOUNT_NOT_FOUND`,
 * `SMART_ACCOUNT_INVALID`
 */
export async function loadProposed(
  ledger: Ledger,
  proposal: Proposal,
  { nowSeconds, signal }: { readonly nowSeconds: number; readonly signal?: AbortSignal | undefined },
): Promise<SmartAccount> {
  const { network, program, validUntil } = placeOf(proposal);
  if (network !== ledger.networkPassphrase) {
    throw new SprfError("REQUEST_NOT_SERVED", `this is on another network than ${network}`);
  }
  if (validUntil <= BigInt(nowSeconds)) throw new SprfError("REQUEST_EXPIRED", "the proposal's validUntil has passed");
  if (validUntil > BigInt(nowSeconds) + MAX_VALID_SECONDS) {
    throw new SprfError("INVALID_INPUT", `validUntil is more than ${MAX_VALID_SECONDS} s away`);
  }
  if (proposal.kind !== "change") checkOpenProposal(validUntil - BigInt(nowSeconds), validUntil);
  const snapshot = await ledger.account(program, ENTRY_NAMES, { signal });
  if (snapshot === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${program}`);
  const restores = proposal.kind === "change" && proposal.signedChange.request.change.kind === "workers";
  return restores && isRecovered(snapshot) ? readRecoveredAccount(snapshot) : readSmartAccount(snapshot);
}

/**
 * Builds what a proposal lands with and checks it by all rules that anybody can check; whoever builds it from the same account
 * comes to the same bytes.
 *
 * @throws SprfError `SEQUENCE_MOVED`, `PROGRAM_IMMUTABLE`, `REQUEST_SIGNATURE_INVALID`, `INVALID_INPUT`, `FUNDS_TOO_LOW`,
 * `PAYOUT_REFUSED`, `BUMP_REFUSED`, and what reading the history throws
 */
export async function prepareProposal(
  components: ProposalComponents,
  { proposal, account }: { readonly proposal: Proposal; readonly account: SmartAccount },
  { nowSeconds, signal }: { readonly nowSeconds: number; readonly signal?: AbortSignal | undefined },
): Promise<PreparedProposal> {
  if (proposal.kind === "change") {
    const { signedChange } = proposal;
    verifyChange(signedChange, ownerOf(account));
    if (signedChange.request.change.kind === "recovery") return prepareRecovery(account, signedChange);
  }
  const { sequence } = placeOf(proposal);
  if (sequence !== account.sequence) {
    throw new SprfError("SEQUENCE_MOVED", `it is for sequence ${sequence}, the account is at ${account.sequence}`, {
      context: { sequence: account.sequence.toString() },
    });
  }
  if (proposal.kind === "change") checkReserve(account, proposal.signedChange);
  if (proposal.kind === "payout") {
    requireFunds(account, proposal.shareStroops);
    await requirePayees(components.ledger, account, signal);
  }
  if (proposal.kind === "bump") {
    checkSilence({ nowSeconds, movedSeconds: account.snapshot.account.sequenceTime ?? 0 });
  }

  const tip = await findTip(components.ledger, account, { signal, memory: components.tips });
  const recordBlock = encodeRecord(await recordFor(components, { proposal, account, tip }, signal));
  const recordCid = recordCidOf(recordBlock);
  return { account, recordBlock, recordCid, transaction: transactionFor(proposal, account, recordCid) };
}

function checkOpenProposal(validSeconds: bigint, validUntil: bigint): void {
  if (validUntil % OPEN_PROPOSAL_STEP_SECONDS === 0n && validSeconds <= OPEN_PROPOSAL_MAX_SECONDS) return;
  throw new SprfError(
    "INVALID_INPUT",
    `validUntil: expected a multiple of ${OPEN_PROPOSAL_STEP_SECONDS} s at most ${OPEN_PROPOSAL_MAX_SECONDS} s away`,
  );
}

async function recordFor(
  { content, waitingStroops }: ProposalComponents,
  { proposal, account, tip }: { readonly proposal: Proposal; readonly account: SmartAccount; readonly tip: Tip },
  signal: AbortSignal | undefined,
): Promise<ProgramRecord> {
  const previous = await readChainRecord(content, tip.recordCid, { signal });
  if (stateAfter(previous) !== account.state) {
    throw new SprfError("RECORD_INVALID", `the record before, ${tip.recordCid}, is of another state`);
  }
  if (proposal.kind === "payout") {
    checkPayout({
      // What is owed to users stays in the account too.
      spendableStroops: account.spendableStroops - owedStroops(previous),
      waitingStroops: waitingStroops?.(account.id) ?? 0n,
      workers: account.workers.length,
      shareStroops: proposal.shareStroops,
    });
  }
  const standing = {
    version: 1 as const,
    sequence: account.sequence,
    state: account.state,
    time: timeAfter(previous),
    ...historyFields(tip),
    ...creditFields(creditsAfter(previous)),
  };
  if (proposal.kind === "change") return changeRecord(standing, proposal.signedChange, tip);
  const { network, program, validUntil } = proposal;
  const common = { ...standing, network, program, validUntil };
  if (proposal.kind === "bump") return { ...common, kind: "bump" } satisfies BumpRecord;
  const workers = account.workers.map(({ ledgerKey }) => ledgerKey);
  return { ...common, kind: "payout", shareStroops: proposal.shareStroops, workers } satisfies PayoutRecord;
}

function changeRecord(
  standing: Omit<BumpRecord, "kind" | "network" | "program" | "validUntil">,
  { request, signature }: SignedChange,
  { recovered }: Tip,
): ProgramRecord {
  const { change } = request;
  if (change.kind === "workers") {
    const link =
      recovered === undefined
        ? {}
        : { recovered: { recordCid: recovered.recordCid, envelope: new Uint8Array(recovered.envelope) } };
    return { ...standing, kind: "workers", signedChange: { request: { ...request, change }, signature }, ...link };
  }
  if (change.kind === "program") {
    return { ...standing, kind: "program", signedChange: { request: { ...request, change }, signature } };
  }
  if (change.kind === "terms") {
    return { ...standing, kind: "terms", signedChange: { request: { ...request, change }, signature } };
  }
  throw new SprfError("INTERNAL", "a recovery is prepared apart");
}

function transactionFor(proposal: Proposal, account: SmartAccount, recordCid: string): Transaction {
  if (proposal.kind === "change") {
    const { request } = proposal.signedChange;
    return buildChangeTransaction({ account, after: afterOf(account, request.change), request, recordCid });
  }
  const { network, program, sequence, validUntil } = proposal;
  const parts = { network, program, sequence, recordCid, maxTime: validUntil };
  if (proposal.kind === "bump") return buildBump(parts);
  const workers = account.workers.map(({ ledgerKey }) => ledgerKey);
  return buildPayout({ ...parts, workers, shareStroops: proposal.shareStroops });
}

function afterOf(account: SmartAccount, change: SignedChange["request"]["change"]): ReturnType<typeof termsAfter> {
  if (change.kind === "recovery") throw new SprfError("INTERNAL", "a recovery is prepared apart");
  return termsAfter(account, change);
}

function prepareRecovery(account: SmartAccount, { request, signature }: SignedChange): PreparedProposal {
  const { change, sequence, network, program } = request;
  if (change.kind !== "recovery") throw new SprfError("INTERNAL", "not a recovery");
  if (sequence > account.sequence) {
    throw new SprfError("SEQUENCE_MOVED", `it is for sequence ${sequence}, the account is at ${account.sequence}`);
  }
  if (account.snapshot.account.sequenceTime === undefined) {
    // To the ledger such a one has been silent for ever: its recovery would be open at once.
    throw new SprfError("INVALID_INPUT", `${program} has not moved since it was made: run it once first`);
  }
  const record = {
    version: 1 as const,
    kind: "recovery" as const,
    signedChange: { request: { ...request, change }, signature },
  };
  const recordBlock = encodeRecord(record);
  const recordCid = recordCidOf(recordBlock);
  const { signers } = account.snapshot.account;
  const transaction = buildRecovery({ network, program, owner: ownerOf(account), signers, sequence, recordCid });
  return { account, recordBlock, recordCid, transaction };
}

function ownerOf({ id, owner }: SmartAccount): string {
  if (owner !== undefined) return owner;
  throw new SprfError("PROGRAM_IMMUTABLE", `${id} has no owner, so nobody can change it`);
}

function checkReserve(account: SmartAccount, { request }: SignedChange): void {
  const needed = addedReserveStroops(account, afterOf(account, request.change));
  const { topUpStroops = 0n } = request;
  const missing = needed - account.spendableStroops - topUpStroops;
  if (needed <= 0n || missing <= 0n) return;
  throw new SprfError(
    "FUNDS_TOO_LOW",
    `the change needs ${formatStroops(needed)} XLM more reserve: top up ${account.id} by ${formatStroops(missing)} XLM`,
    { context: { missingStroops: missing.toString() } },
  );
}

/** Before the history is looked at for what is owed. */
function requireFunds({ spendableStroops, workers }: SmartAccount, shareStroops: bigint): void {
  const funds = { spendableStroops, workers: workers.length };
  const most = payoutShareStroops(funds) ?? 0n;
  if (shareStroops === 0n || shareStroops > most) checkPayout({ ...funds, shareStroops });
}

/** A payment to an account that is not there would fail the whole payout, and use up a sequence. */
async function requirePayees(
  ledger: Ledger,
  { workers }: SmartAccount,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await Promise.all(
    workers.map(async ({ ledgerKey }) => await ledger.account(ledgerKey, [], { signal })),
  );
  const missing = workers.find((_, i) => found[i] === undefined);
  if (missing === undefined) return;
  throw new SprfError("ACCOUNT_NOT_FOUND", `the worker ${missing.ledgerKey} has no account that could be paid`);
}
