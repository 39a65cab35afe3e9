import { fault, inputFaults, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryContext, HistoryState } from "../domain/audit/history-state.ts";
import { verifyLink, type HistoryLink } from "../domain/audit/verify-link.ts";
import { verifyRecoveryRecord, type RecoveryLink } from "../domain/audit/verify-recovery.ts";
import { isRunRecord, paidRunsOf, paymentsOf, type RunRecord } from "../domain/program/run-record.ts";
import { isSprfError, type SprfError } from "../errors.ts";
import { LIMIT_TABLES, type LimitTable } from "../execution/limits.ts";
import { readRecord } from "../execution/read-record.ts";
import type { RunComponents } from "../execution/run-program.ts";
import type { TipMemory } from "../execution/tip.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { Store } from "../ports/store.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import { createChecks, type Checks, type RecordToCheck, type CheckOutcome } from "./checks.ts";
import { unreachableReport, unrecordedReport, wrongLink } from "./blame.ts";
import { createCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { collectHistory, readLinks, type CollectedHistory } from "./collect-history.ts";
import { createLedgerWitness, type LedgerWitness } from "./confirm-on-ledger.ts";
import { confirmSequence, createSequenceWitness, type SequenceWitness } from "./confirm-sequence.ts";
import { findWrongEnd } from "./find-wrong-end.ts";
import { createFrontier } from "./frontier.ts";
import { createHeldStates, type HeldStates } from "./held-states.ts";
import { lookAt, type Look } from "./look-at.ts";
import { createPatientLedger } from "./patient-ledger.ts";
import type { AuditProgress, AuditReport, UncheckedLink, UnconfirmedClaim, WrongLink } from "./report.ts";

/** How many records may wait for the runs of those before them. */
const MAX_OPEN = 1_024;
/** How many of the links that could not be checked a report names, and of the claims that could not be confirmed. */
const MAX_NAMED = 20;

export interface AuditComponents extends RunComponents {
  readonly ledger: Ledger;
  /** Where it is kept what was found right. */
  readonly store: Store;
  readonly clock: Clock;
  /** Tips that the ledger's service forgets. @default none */
  readonly tips?: TipMemory | undefined;
  /** Limits that records may have been made under, the newest last. @default all that there ever were */
  readonly limitTables?: readonly LimitTable[] | undefined;
}

export interface AuditInit {
  /** Transitions and batches that are run at a time. */
  readonly jobs: number;
  /** Run the last so many transitions and batches alone; the chain of records is checked whole. */
  readonly last?: number;
  /** Run those alone that have a payment whose ledger closed then or later (seconds since the Unix epoch). */
  readonly since?: bigint;
}

export interface AuditOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: AuditProgress) => void) | undefined;
}

/**
 * Checks the whole history of a program from the ledger's tip and IPFS alone: the chain of its records, what landed for each and who
 * signed it, and what its program comes to when it runs again. What was found right is kept, so that an audit that was killed goes on
 * and a later one checks what is new.
 *
 * @throws SprfError `ACCOUNT_NOT_FOUND`, `SMART_ACCOUNT_INVALID`, `HISTORY_UNAVAILABLE`, `LEDGER_UNREACHABLE`, `ENGINE_UNAVAILABLE`
 */
export async function auditProgram(
  components: AuditComponents,
  program: string,
  init: AuditInit,
  { signal = new AbortController().signal, onProgress }: AuditOptions = {},
): Promise<AuditReport> {
  const { ledger, content, store, clock } = components;
  const network = ledger.networkPassphrase;
  const { account, tip } = await lookAt(components, program, signal);
  if ("hash" in tip) return unrecordedReport(account, tip, network);
  const checkpoint = createCheckpoint({ store, clock }, program);
  const heldStates = createHeldStates({ content, checkpoint }, program);
  try {
    await heldStates.sweep();
    const collected = await collectHistory({ content, checkpoint }, tip, network, {
      signal,
      onProgress: (done) => onProgress?.({ phase: "records", done }),
    });
    const look = { account, tip, network };
    if (collected.kind !== "whole") return unreachableReport(look, collected);
    const asked = createPatientLedger(ledger, clock);
    const witness = createLedgerWitness(asked, program, account.ledger);
    const sequences = createSequenceWitness(asked, program);
    const parts = { ...components, checkpoint, heldStates, witness, sequences };
    const audit = createAudit(parts, look, collected, { ...init, signal, onProgress });
    return await audit();
  } finally {
    await checkpoint.flush();
    await heldStates.sweep();
  }
}

type Whole = Extract<CollectedHistory, { kind: "whole" }>;

function createAudit(
  components: AuditComponents & {
    readonly checkpoint: Checkpoint;
    readonly heldStates: HeldStates;
    readonly witness: LedgerWitness;
    readonly sequences: SequenceWitness;
  },
  { account, tip, network }: Look,
  collected: Whole,
  init: AuditInit & AuditOptions & { readonly signal: AbortSignal },
): () => Promise<AuditReport> {
  const { checkpoint, witness, sequences, limitTables = LIMIT_TABLES } = components;
  const { signal } = init;
  const { from } = collected;
  const context: HistoryContext = { program: account.id, network, limitTables };
  const transitions = (from?.transitions ?? 0) + collected.transitions;
  const frontier = createFrontier<HistoryState>((state) => checkpoint.moveCursor(state));
  const doneOf = new WeakMap<RecordToCheck, () => void>();
  const unchecked: UncheckedLink[] = [];
  const unconfirmed: UnconfirmedClaim[] = [];
  const counts = { ran: 0, known: from?.transitions ?? 0, leftOut: 0, paymentsSeen: 0, unchecked: 0, runs: 0 };
  let imagesGone = false;
  let wrong: WrongLink | undefined;

  function report(last: HistoryState | undefined): AuditReport {
    return {
      program: account.id,
      outcome: wrong !== undefined ? "wrong" : counts.unchecked > 0 ? "incomplete" : "clean",
      ledger: account.ledger,
      tip: tip.recordCid,
      records: last?.count ?? 0,
      transitions: last?.transitions ?? 0,
      ran: counts.ran,
      known: counts.known,
      leftOut: counts.leftOut,
      paymentsSeen: counts.paymentsSeen,
      ...(wrong === undefined ? {} : { wrong }),
      uncheckedCount: counts.unchecked,
      imagesGone,
      unchecked,
      unconfirmedCount: last?.unconfirmed ?? 0,
      unconfirmed,
    };
  }

  /** The first in order of history counts, in whatever order they are found. */
  function blame(found: WrongLink): void {
    frontier.stop();
    if (wrong === undefined || found.number < wrong.number) wrong = found;
  }

  function onOutcome(item: RecordToCheck, outcome: CheckOutcome): void {
    const { link, before } = item;
    counts.runs += 1;
    init.onProgress?.({ phase: "runs", done: counts.known + counts.leftOut + counts.runs, total: transitions });
    if (outcome.kind === "right") {
      counts.ran += 1;
      counts.paymentsSeen += outcome.paymentsSeen;
      doneOf.get(item)?.();
      return;
    }
    if (outcome.kind === "wrong") {
      counts.ran += 1;
      blame(wrongLink(link, before, outcome.faults, network));
      return;
    }
    leaveUnchecked(before.count + 1, link.recordCid, outcome.error);
  }

  function leaveUnchecked(number: number, recordCid: string, { code, message }: SprfError): void {
    frontier.stop();
    counts.unchecked += 1;
    imagesGone ||= code === "PROGRAM_NOT_FOUND";
    unchecked.push({ number, recordCid, code, message });
    unchecked.sort((a, b) => a.number - b.number);
    unchecked.splice(MAX_NAMED);
  }

  function isSelected(record: RunRecord, number: number): boolean {
    if (init.last !== undefined && number <= transitions - init.last) return false;
    const { since } = init;
    return since === undefined || paidRunsOf(record).some(({ payment }) => payment.closeTime >= since);
  }

  /** What the chain itself does not say: whether a payment was used before, and what the ledger still knows. */
  async function askBesides(
    link: HistoryLink,
    before: HistoryState | undefined,
    after: HistoryState,
  ): Promise<readonly AuditFault[]> {
    const { record, recordCid } = link;
    const faults: AuditFault[] = [];
    const payments = paymentsOf(record);
    if (payments.length > 0) {
      const use = { recordCid, count: after.count, tip: tip.recordCid, known: from?.count ?? 0 };
      for (const [index, { signedRequest }] of payments.entries()) {
        const earlier = await checkpoint.usePayment(toHex(signedRequest.paymentHash), use);
        if (earlier === undefined) continue;
        const used = [fault("PAYMENT_USED", `record ${earlier}`)];
        faults.push(...(record.kind === "transition" ? used : inputFaults(index, used)));
      }
    }
    if (record.kind === "return" && before !== undefined) {
      const seen = await witness.payments(record, before, { signal });
      counts.paymentsSeen += seen.seen;
      faults.push(...seen.faults);
    }
    if (!isRunRecord(record) && record.kind !== "create" && before !== undefined) {
      faults.push(...(await witness.named(record.previous.envelope, before, { signal })));
    }
    if (record.kind === "workers" && record.recovered !== undefined && before !== undefined) {
      faults.push(...(await askForRecovery(record.recovered, before)));
    }
    if (record.kind !== "create") {
      const success = await witness.firstSuccess(record.skipped, { signal });
      if (success !== undefined) {
        faults.push(fault("SKIPPED_INVALID", `${success.hash} succeeded in ledger ${success.ledger}`));
      }
    }
    return faults;
  }

  async function askForRecovery(
    { recordCid, envelope }: RecoveryLink,
    before: HistoryState,
  ): Promise<readonly AuditFault[]> {
    const faults = await witness.named(envelope, before, { signal });
    try {
      const record = await readRecord(components.content, recordCid, { signal });
      return [...faults, ...verifyRecoveryRecord(before, record, context)];
    } catch (error) {
      if (isSprfError(error, "RECORD_INVALID")) return [...faults, fault("RECOVERY_INVALID", error.message)];
      if (!isSprfError(error, "CONTENT_NOT_FOUND")) throw error;
      leaveUnchecked(before.count + 1, recordCid, error);
      return faults;
    }
  }

  async function follow(checks: Checks): Promise<HistoryState | undefined> {
    let state = from;
    let misnamed: readonly AuditFault[] = [];
    for await (const link of readLinks(components, tip, { signal })) {
      throwIfAborted(signal);
      if (wrong !== undefined) break;
      const before = state;
      const verdict = verifyLink(before, link, context);
      let { after } = verdict;
      const faults = [
        ...misnamed.map(({ message }) => fault("ENVELOPE_MISMATCH", `for the record before it: ${message}`)),
        ...verdict.faults,
        ...(link.recordCid === tip.recordCid ? verdict.envelopeFaults : []),
      ];
      if (faults.length === 0 && after !== undefined) {
        const sequence = await confirmSequence(sequences, { link, after }, { signal });
        after = sequence.after;
        if (sequence.unconfirmed !== undefined) unconfirmed.push(sequence.unconfirmed);
        unconfirmed.splice(MAX_NAMED);
        faults.push(...sequence.faults, ...(await askBesides(link, before, after)));
      }
      if (faults.length > 0 || after === undefined) {
        blame(wrongLink(link, before, faults, network));
        break;
      }
      misnamed = verdict.envelopeFaults;
      state = after;
      const done = frontier.begin(after);
      if (!isRunRecord(link.record) || before === undefined) done();
      else if (await checkpoint.isChecked(link.recordCid, after.envelopeHash)) {
        counts.known += 1;
        done();
      } else if (!isSelected(link.record, after.transitions)) {
        counts.leftOut += 1;
        frontier.stop();
      } else {
        const item = { link: { ...link, record: link.record }, before, verdict, after };
        doneOf.set(item, done);
        await checks.add(item);
      }
      if (frontier.length >= MAX_OPEN) await checks.idle();
    }
    await checks.idle();
    return state;
  }

  return async () => {
    const checks = createChecks(components, {
      program: account.id,
      jobs: init.jobs,
      signal,
      isMoot: ({ before }) => wrong !== undefined && wrong.number <= before.count,
      onOutcome,
    });
    const last = await follow(checks);
    if (wrong === undefined && last !== undefined) {
      const end = await findWrongEnd(witness, { account, tip, network }, { last, context }, { signal });
      if (end !== undefined) blame(end);
    }
    return report(last);
  };
}
