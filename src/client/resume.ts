import { TRANSITION_FEE_STROOPS } from "../domain/program/fee-ladder.ts";
import { SprfError } from "../errors.ts";
import type { LandedTransaction } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import { verifyRequest, type SignedRequest } from "../wire/execution-request.ts";
import { finishPaid } from "./finish-paid.ts";
import { tellOutages, type ExecuteComponents, type ExecuteOptions, type ExecutionResult } from "./land-paid.ts";
import { createPatientLedger } from "./patient-ledger.ts";
import { PAYMENT_WINDOW_SECONDS, readPayment, submitPayment } from "./pay.ts";
import type { Wallet } from "./wallet.ts";

const MS_PER_SECOND = 1_000;
const POLL_MS = 500;

/** What a request goes on with after a crash. */
export interface ResumeParts {
  /** As it was told with the step "paying". */
  readonly signed: SignedRequest;
  /** The envelope that was told with it; without it, a payment that was not submitted yet is not made up for. */
  readonly payment?: string;
  readonly wallet: Wallet;
  /** As for `execute`. @default 30,000 */
  readonly maxFeeStroops?: bigint;
}

/**
 * Goes on with a request that was paid for, or about to be, after a crash, an outage or an abort: what workers answered they answer
 * again, what landed is found on the ledger even if they have lost it, and nothing is paid twice.
 *
 * @throws SprfError `PAYMENT_NOT_FOUND` when its payment never landed and no longer can, and what `execute` throws
 */
export async function resume(
  components: ExecuteComponents,
  parts: ResumeParts,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { signed, wallet, maxFeeStroops = TRANSITION_FEE_STROOPS } = parts;
  const { request } = signed;
  const requestHash = verifyRequest(signed);
  const payment = await findPayment(components, parts, options);
  return await finishPaid(components, { request, requestHash, signed, payment, wallet, maxFeeStroops }, options);
}

async function findPayment(
  components: ExecuteComponents,
  { signed, payment: envelope, wallet, maxFeeStroops }: ResumeParts,
  options: ExecuteOptions,
): Promise<LandedTransaction> {
  const { clock } = components;
  const { signal, patienceMs } = options;
  const onOutage = tellOutages(options);
  const hash = toHex(signed.paymentHash);
  // A payment that was made before now cannot land after that.
  const untilMs = clock.now() + PAYMENT_WINDOW_SECONDS * MS_PER_SECOND;
  const ledger = createPatientLedger(components.ledger, { clock, untilMs, onOutage });
  if (envelope !== undefined) {
    const transaction = readPayment(envelope, ledger.networkPassphrase);
    if (toHex(transaction.hash()) !== hash) {
      throw new SprfError("INVALID_INPUT", `the payment is not ${hash}, which the request names`);
    }
    return await submitPayment(
      { ledger, clock },
      { transaction, wallet },
      { signal, patienceMs, maxFeeStroops, onOutage, mayBeKnown: true },
    );
  }
  for (;;) {
    const payment = await ledger.transaction(hash, { signal });
    if (payment !== undefined) return payment;
    if (clock.now() >= untilMs) {
      throw new SprfError("PAYMENT_NOT_FOUND", `no ledger holds payment ${hash}: make a new request`);
    }
    await clock.sleep(POLL_MS, { signal });
  }
}
