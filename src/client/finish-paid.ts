import { SprfError, isSprfError, type ErrorCode } from "../errors.ts";
import { throwIfAborted } from "../utils/abort.ts";
import { toHex } from "../utils/bytes.ts";
import { awaitBatch } from "./await-batch.ts";
import { findLanded, type FoundLanding } from "./find-landed.ts";
import {
  landPaid,
  tellOutages,
  type ExecuteComponents,
  type ExecuteOptions,
  type ExecutionResult,
  type PaidRequest,
} from "./land-paid.ts";
import { createPatientLedger } from "./patient-ledger.ts";
import { refuseUnaccepted } from "./refuse-unaccepted.ts";

/** How long an outage of the ledger's service is waited out by the look for what landed. */
const LOOK_PATIENCE_MS = 20_000;

/**
 * What says for sure what became of a request, or that nobody can be asked. After all else its transition may have landed: workers
 * forget when they lose their disks, refuse what they were not there for, and follow other terms by now.
 */
const NOTHING_TO_FIND: readonly ErrorCode[] = [
  "PROGRAM_REJECTED",
  "OUT_OF_GAS",
  "ABORTED",
  "LEDGER_UNREACHABLE",
  "INTERNAL",
];

/**
 * Takes a paid request to its end, in the form that it was paid in. When the workers do not say what became of it, the ledger does:
 * whatever landed is the result.
 *
 * @throws SprfError what landing it throws; `HISTORY_UNAVAILABLE` when that would have its user pay anew, and nobody can say whether
 * it has landed
 */
export async function finishPaid(
  components: ExecuteComponents,
  paid: PaidRequest,
  options: ExecuteOptions,
): Promise<ExecutionResult> {
  try {
    return paid.request.form === "prepaid"
      ? await awaitBatch(components, paid, options)
      : await landPaid(components, paid, options);
  } catch (error) {
    throwIfAborted(options.signal);
    if (!isSprfError(error) || NOTHING_TO_FIND.includes(error.code)) throw error;
    const found = await look(components, paid, { ...options, error });
    if (found === undefined) throw error;
    return resultOf(paid, found, options);
  }
}

async function look(
  components: ExecuteComponents,
  { request, requestHash, payment }: PaidRequest,
  { error, ...options }: ExecuteOptions & { readonly error: SprfError },
): Promise<FoundLanding | undefined> {
  const { clock } = components;
  const { signal } = options;
  const patienceMs = Math.min(options.patienceMs ?? LOOK_PATIENCE_MS, LOOK_PATIENCE_MS);
  const patience = { clock, untilMs: clock.now() + patienceMs, onOutage: tellOutages(options) };
  const ledger = createPatientLedger(components.ledger, patience);
  const search = {
    program: request.program,
    requestHash,
    paidAt: payment.closeTime,
    hints: textsOf(error, "recordCids"),
    mayBeAhead: error.code === "OVERTAKEN" || [error.code, ...textsOf(error, "codes")].includes("PAYMENT_USED"),
  };
  try {
    return await findLanded({ ...components, ledger }, search, { signal, patienceMs });
  } catch (cause) {
    throwIfAborted(signal);
    // To say "pay again" when it may have landed would cost the user a second payment.
    if (error.fault !== "user") return undefined;
    const message = `nobody can say now whether the request has landed (${error.message}); it may be resumed`;
    throw new SprfError("HISTORY_UNAVAILABLE", message, { cause });
  }
}

function resultOf(
  { requestHash, signed }: PaidRequest,
  { answer, output, transaction }: FoundLanding,
  { onProgress }: ExecuteOptions,
): ExecutionResult {
  const { hash, ledger, closeTime } = transaction;
  onProgress?.({ step: "anchored", transactionHash: hash, ledger });
  refuseUnaccepted({ answer, detail: "" });
  return {
    requestHash: toHex(requestHash),
    paymentHash: toHex(signed.paymentHash),
    answer,
    output,
    replies: [],
    transition: { transactionHash: hash, ledger, closeTime },
  };
}

function textsOf({ context }: SprfError, name: string): readonly string[] {
  const values = context[name];
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}
