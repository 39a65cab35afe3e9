import { findPassedOver, isOrdered, type PaidInput } from "../../domain/program/batch.ts";
import { creditsAfter } from "../../domain/program/credits.ts";
import { mayPropose } from "../../domain/program/proposer.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, isSprfError } from "../../errors.ts";
import { baseOfAccount, type BatchBase } from "../../execution/batch-base.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { prepareReturn } from "../../execution/prepare-return.ts";
import { prepareRefund, runBatch, type BatchRun } from "../../execution/run-batch.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import { verifyBatchProposal, type BatchProposal, type BatchVerdict } from "../../wire/batch-proposal.ts";
import type { BatchInput, BatchRecord, RefundRecord, ReturnRecord } from "../../wire/batch-record.ts";
import { hashRequest, verifyRequest } from "../../wire/execution-request.ts";
import { decodeRecord } from "../../wire/record.ts";
import { checkPrepaidForm, findPrepayment, isOver, isSamePayment } from "./check-prepaid.ts";
import { checkReturned } from "./check-returned.ts";
import type { BatchComponents } from "./components.ts";
import { payableOf } from "./payable.ts";
import type { WaitingInput } from "./pending-inputs.ts";
import { refused } from "./refused.ts";

const MS_PER_SECOND = 1_000;
/** A proposal that could land later than this is refused: a worker's clock may be wrong, but not by more. */
export const MAX_VALID_SECONDS = 120;
/** A worker whose ledger is a close behind the proposer's waits for it. */
const LAG_MS = 10_000;
/** A worker whose clock goes otherwise takes a request for one that can, or can no longer, be run for so long. */
const CLOCK_MARGIN_SECONDS = 120;
/** A batch that ends early is fair once its runs took this share of what they may take. */
const SHORT_BATCH_SHARE = 4;
/** Credits that are older than this, or more than this, are paid back even while requests wait. */
const OLD_CREDIT_SECONDS = 60n;
const MANY_CREDITS = 100;

/** What one worker proposes to the others in its turn. */
type Proposed = BatchRecord | RefundRecord | ReturnRecord;

/**
 * Checks what another worker proposes, runs all of it, and signs its transaction if it came to the same bytes (invariant P1). To sign
 * two proposals for one sequence does no harm: only one can land, and each is right.
 *
 * @throws SprfError `BATCH_REFUSED`, `SEQUENCE_MOVED`, `REQUEST_NOT_SERVED`, `REQUEST_SIGNATURE_INVALID`, `RECORD_INVALID`, and what
 * ledger, content and engine throw
 */
export function createEndorse(
  components: BatchComponents,
  { onTaken }: { readonly onTaken: (program: string) => void },
): (proposal: BatchProposal, options?: { readonly signal?: AbortSignal | undefined }) => Promise<BatchVerdict> {
  const { clock, content, keys, ledger, pending, runs, setAside, timing, turns } = components;
  const own = keys.ledgerKey.publicKey();

  async function accountAt(record: Proposed, signal: AbortSignal | undefined): Promise<SmartAccount> {
    const deadlineMs = clock.now() + LAG_MS;
    for (;;) {
      const account = await loadSmartAccount(ledger, record.program, { signal });
      if (account.sequence === record.sequence) return account;
      if (account.sequence > record.sequence || clock.now() > deadlineMs) {
        throw new SprfError("SEQUENCE_MOVED", `it is for ${record.sequence}, the account is at ${account.sequence}`);
      }
      await clock.sleep(timing.pollMs, { signal });
    }
  }

  function checkTurn(record: Proposed, account: SmartAccount, proposer: string): void {
    const workers = account.workers.map(({ ledgerKey }) => ledgerKey);
    if (!workers.includes(own)) throw new SprfError("REQUEST_NOT_SERVED", `${account.id} does not name this worker`);
    const index = workers.indexOf(proposer);
    const { sequence } = account;
    const round = turns.round(account.id, sequence, workers.length);
    if (index < 0 || (round !== undefined && !mayPropose(index, { sequence, round, workers: workers.length }))) {
      throw refused(`it is not the turn of ${proposer}`);
    }
    const nowSeconds = BigInt(Math.floor(clock.now() / MS_PER_SECOND));
    if (record.validUntil <= nowSeconds || record.validUntil > nowSeconds + BigInt(MAX_VALID_SECONDS)) {
      throw refused(`its validUntil, ${record.validUntil}, is not within ${MAX_VALID_SECONDS} s from now`);
    }
  }

  /** The request as this worker has it, or as it finds it. */
  async function checkInput(
    input: BatchInput,
    account: SmartAccount,
    signal: AbortSignal | undefined,
  ): Promise<WaitingInput> {
    const { signedRequest } = input;
    const requestHash = hashRequest(signedRequest.request);
    const known = pending.get(toHex(requestHash));
    if (known === undefined || !equalBytes(known.signedRequest.signature, signedRequest.signature)) {
      checkPrepaidForm(signedRequest, ledger.networkPassphrase);
      verifyRequest(signedRequest);
    }
    const found: PaidInput =
      known !== undefined &&
      equalBytes(known.signedRequest.paymentHash, signedRequest.paymentHash) &&
      // Else it was taken to be given back, whatever was paid.
      !isOver(known, known.takenAtMs) &&
      (await payableOf(components, account, [known], { signal })).length > 0
        ? known
        : await findPrepayment(components, account, { signed: signedRequest, requestHash }, { signal });
    if (signedRequest.request.program !== account.id || !isSamePayment(input, found)) {
      throw refused(`the payment of request ${toHex(requestHash)} is another one`);
    }
    if (isOver(found, clock.now(), CLOCK_MARGIN_SECONDS)) throw refused(`request ${toHex(requestHash)} is too old`);
    if ((await components.usedPayments.boughtBy(account, signedRequest.paymentHash)) !== undefined) {
      throw refused(`the payment of request ${toHex(requestHash)} was used already`);
    }
    return { ...found, signedRequest, requestHash: toHex(requestHash), takenAtMs: clock.now() };
  }

  /** What this worker has had for a while and knows no reason to leave out. */
  async function dueOf(account: SmartAccount, signal: AbortSignal | undefined): Promise<readonly WaitingInput[]> {
    const due = pending.of(account.id).filter(
      (input) =>
        input.takenAtMs + timing.fairAfterMs <= clock.now() &&
        // The proposer's clock may say already that it can no longer be run.
        !isOver(input, clock.now(), -CLOCK_MARGIN_SECONDS) &&
        !setAside.has(input.requestHash) &&
        !turns.isReleased(account.id, account.sequence, input.requestHash),
    );
    return await payableOf(components, account, due, { signal });
  }

  async function checkPassedOver(
    record: BatchRecord,
    account: SmartAccount,
    { mayStopEarly, signal }: { readonly mayStopEarly: boolean; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    let due = await dueOf(account, signal);
    for (;;) {
      const passedOver = findPassedOver(record.inputs, due, { mayStopEarly });
      if (passedOver === undefined) return;
      // It may have landed, which this worker has yet to notice.
      const bought = await components.usedPayments.boughtBy(account, passedOver.signedRequest.paymentHash);
      if (bought === undefined) {
        throw refused(`it passes over request ${passedOver.requestHash}, which has waited long enough`);
      }
      due = due.filter((each) => each !== passedOver);
    }
  }

  async function endorseBatch(
    { record, block }: { readonly record: BatchRecord; readonly block: Uint8Array },
    { account, base }: { readonly account: SmartAccount; readonly base: BatchBase },
    signal: AbortSignal | undefined,
  ): Promise<BatchVerdict> {
    if (!isOrdered(record.inputs)) throw refused("its inputs are not in order, or too many");
    const inputs = await Promise.all(record.inputs.map(async (input) => await checkInput(input, account, signal)));
    await checkPassedOver(record, account, { mayStopEarly: true, signal });
    await pending.add(inputs);
    onTaken(account.id);
    const failing = inputs.filter(({ requestHash }) => setAside.has(requestHash));
    if (failing.length > 0) return { kind: "failed", requests: failing.map(({ requestHash }) => requestHash) };
    let run: BatchRun;
    try {
      const { validUntil } = record;
      run = await runBatch(
        base,
        { inputs, validUntil, run: async (plan, options) => await runs.run(plan, options) },
        { signal },
      );
    } catch (error) {
      if (!isSprfError(error, "INPUT_FAILED")) throw error;
      const requestHash = String(error.context["requestHash"]);
      setAside.fail(requestHash);
      return { kind: "failed", requests: [requestHash] };
    }
    if (!equalBytes(run.recordBlock, block)) throw refused(differenceOf(record, run.record));
    const mayStopEarly = runs.tookMs(account.id) >= timing.budgetMs / SHORT_BATCH_SHARE;
    await checkPassedOver(record, account, { mayStopEarly, signal });
    const { program, sequence } = record;
    await content.putRecord(run.recordBlock);
    await components.ownBatches.put({ program, sequence, recordCid: run.recordCid }, run.details);
    turns.release(
      program,
      sequence,
      inputs.map(({ requestHash }) => requestHash),
    );
    return sign(run.transaction.hash());
  }

  async function endorseRefund(
    { record, block }: { readonly record: RefundRecord; readonly block: Uint8Array },
    { account, base }: { readonly account: SmartAccount; readonly base: BatchBase },
    signal: AbortSignal | undefined,
  ): Promise<BatchVerdict> {
    const users = new Set(record.payments.map(({ user }) => user));
    const refund = prepareRefund(base, { users, validUntil: record.validUntil });
    if (refund === undefined || !equalBytes(refund.recordBlock, block)) {
      throw refused("it is not what the program owes to these users");
    }
    const total = record.payments.reduce((sum, { stroops }) => sum + stroops, 0n);
    if (total > account.spendableStroops) throw refused("the account cannot spend as much");
    if (!isOverdue(base, clock.now()) && (await dueOf(account, signal)).length > 0) {
      throw refused("requests wait, which come first");
    }
    await content.putRecord(refund.recordBlock);
    return sign(refund.transaction.hash());
  }

  async function endorseReturn(
    { record, block }: { readonly record: ReturnRecord; readonly block: Uint8Array },
    { account, base }: { readonly account: SmartAccount; readonly base: BatchBase },
    signal: AbortSignal | undefined,
  ): Promise<BatchVerdict> {
    await checkReturned(components, record, account, { signal });
    const due = prepareReturn(base, { inputs: record.returned, validUntil: record.validUntil });
    if (due === undefined || !equalBytes(due.recordBlock, block)) throw refused("it is not what is to be given back");
    await content.putRecord(due.recordBlock);
    onTaken(account.id);
    return sign(due.transaction.hash());
  }

  function sign(hash: Uint8Array): BatchVerdict {
    return { kind: "signed", worker: own, signature: new Uint8Array(keys.ledgerKey.sign(Buffer.from(hash))) };
  }

  return async (proposal, { signal } = {}) => {
    verifyBatchProposal(proposal);
    const block = proposal.recordBlock;
    const record = decodeRecord(block);
    if (record.kind !== "batch" && record.kind !== "refund" && record.kind !== "return")
      throw refused(`a record of kind ${record.kind}`);
    if (record.network !== ledger.networkPassphrase || !(await components.serves(record.program))) {
      throw new SprfError("REQUEST_NOT_SERVED", `no running agreement binds this worker to ${record.program}`);
    }
    const account = await accountAt(record, signal);
    checkTurn(record, account, proposal.proposer);
    const base = await baseOfAccount(components, account, { signal });
    if (record.kind === "refund") return await endorseRefund({ record, block }, { account, base }, signal);
    if (record.kind === "return") return await endorseReturn({ record, block }, { account, base }, signal);
    return await endorseBatch({ record, block }, { account, base }, signal);
  };
}

/** Whether credits have waited, or grown in number, so that refunds come before requests: not again after one that failed. */
export function isOverdue({ previousRecord, failed }: BatchBase, nowMs: number): boolean {
  if (failed > 0 || previousRecord.kind === "refund") return false;
  const credits = creditsAfter(previousRecord);
  const nowSeconds = BigInt(Math.floor(nowMs / MS_PER_SECOND));
  return credits.length >= MANY_CREDITS || credits.some(({ since }) => since + OLD_CREDIT_SECONDS <= nowSeconds);
}

/** For people: the first thing in which a proposal differs from what it should be. */
function differenceOf(theirs: BatchRecord, ours: BatchRecord): string {
  const index = ours.inputs.findIndex((input, i) => {
    const other = theirs.inputs[i];
    return input.status !== other?.status || input.newState !== other.newState || input.outputCid !== other.outputCid;
  });
  if (index < 0) return "its record is not what follows from its inputs";
  const [own, other] = [ours.inputs[index], theirs.inputs[index]];
  return `input ${index} comes to ${own?.status} ${own?.newState}, not ${other?.status} ${other?.newState}`;
}
