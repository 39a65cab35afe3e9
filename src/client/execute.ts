import { TRANSITION_FEE_STROOPS, feeLadder } from "../domain/program/fee-ladder.ts";
import { gasFeeStroops } from "../domain/program/gas.ts";
import { priceStroops } from "../domain/program/payment.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { buildTransition } from "../domain/program/transition-transaction.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { LandedTransaction, Ledger } from "../ports/ledger.ts";
import { toHex } from "../utils/bytes.ts";
import { recordCidFromHash } from "../wire/canonical.ts";
import { hashRequest, signRequest, type ExecutionInput, type ExecutionRequest } from "../wire/execution-request.ts";
import { chooseSigners } from "./assemble.ts";
import { finishPaid } from "./finish-paid.ts";
import { tellOutages, type ExecuteComponents, type ExecuteOptions, type ExecutionResult } from "./land-paid.ts";
import { createPatientLedger } from "./patient-ledger.ts";
import { preparePayment, submitPayment } from "./pay.ts";
import type { Wallet } from "./wallet.ts";

export type { ExecuteComponents, ExecuteOptions, ExecuteStep, ExecutionResult } from "./land-paid.ts";

const DEFAULT_MAX_GAS = 1_000_000n;
const DEFAULT_VALID_SECONDS = 300;
const MS_PER_SECOND = 1_000;
/** How long the ledger is waited for while nothing is paid yet. */
const UNPAID_PATIENCE_MS = 30_000;
/** Of one account only one transaction can wait; each other one that lands in between makes the payment anew. */
const MAX_PAYMENTS_MADE = 10;
/** Operations of a transition: the gas fee, and the new state. */
const TRANSITION_OPERATIONS = 2;

/** What is run, and who pays for it. */
export interface ExecuteParts {
  /** The smart account, `G...`. */
  readonly program: string;
  /** The bytes themselves, or the CID of a file that the workers can fetch. */
  readonly input: ExecutionInput;
  /** Pays the base fee, and the gas when the new state lands. */
  readonly wallet: Wallet;
  /** The most units of gas that the run may use; one that needs more is rejected. @default 1,000,000 */
  readonly maxGas?: bigint;
  /** How long workers answer the request, from now on. @default 300 */
  readonly validSeconds?: number;
  /** Refuse to run on any other state. */
  readonly ifState?: string;
  /**
   * The most that is offered for a place in a ledger, for the payment and for each try of the transition; the first offer is far less,
   * and more is offered only when ledgers pass it over.
   *
   * @default 30,000
   */
  readonly maxFeeStroops?: bigint;
  /**
   * `prepaid`: pay for maxGas too, and have the workers run and anchor the request in its turn among those of others; what was too
   * much is paid back. Nobody can void or withhold it. Absent: the direct form, in which this call anchors it.
   */
  readonly form?: "prepaid";
}

/**
 * Runs an input on a program: pays the base fee, asks all workers, compares their signed answers, and anchors what a majority
 * of them signed. Where somebody else was faster, the workers run the same request again on the new state. Whatever cannot be
 * reached is tried again as long as the request is valid and its transition could land.
 *
 * @throws SprfError `PROGRAM_REJECTED`, `OUT_OF_GAS`, `NO_MAJORITY`, `OVERTAKEN`, `TOO_LATE_TO_LAND`, `LEDGER_REJECTED`,
 * `LEDGER_UNREACHABLE`, `HISTORY_UNAVAILABLE` when nobody can say what became of it, and what paying throws
 */
export async function execute(
  components: ExecuteComponents,
  parts: ExecuteParts,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { clock, random } = components;
  const { signal, patienceMs } = options;
  const { wallet, maxFeeStroops = TRANSITION_FEE_STROOPS } = parts;
  if (feeLadder(TRANSITION_OPERATIONS, maxFeeStroops).length === 0) {
    throw new SprfError("FEE_TOO_LOW", `maxFeeStroops: ${maxFeeStroops} is less than a transition costs`);
  }
  const onOutage = tellOutages(options);
  const untilMs = clock.now() + Math.min(UNPAID_PATIENCE_MS, patienceMs ?? UNPAID_PATIENCE_MS);
  const ledger = createPatientLedger(components.ledger, { clock, untilMs, onOutage });
  const program = await loadSmartAccount(ledger, parts.program, { signal });
  const validUntil = Math.floor(clock.now() / MS_PER_SECOND) + (parts.validSeconds ?? DEFAULT_VALID_SECONDS);
  const request: ExecutionRequest = {
    version: 1,
    network: ledger.networkPassphrase,
    program: program.id,
    input: parts.input,
    user: wallet.account,
    nonce: new Uint8Array(random.bytes(32)),
    maxGas: parts.maxGas ?? DEFAULT_MAX_GAS,
    validUntil: BigInt(validUntil),
    ...(parts.ifState === undefined ? {} : { ifState: parts.ifState }),
    ...(parts.form === undefined ? {} : { form: parts.form }),
  };
  if (request.form === "prepaid" && request.ifState !== undefined) {
    throw new SprfError("INVALID_INPUT", "ifState: a prepaid request takes the state as it is when its turn comes");
  }
  const requestHash = hashRequest(request);
  if (request.form === undefined) {
    await refuseUnsignable(ledger, { program, request, requestHash, wallet }, { signal });
  }
  const amountStroops = priceStroops(request, program);
  for (let made = 1; ; made++) {
    const transaction = await preparePayment(
      { ledger, clock },
      { program, wallet, requestHash, amountStroops },
      { signal, maxFeeStroops },
    );
    const signed = signRequest(request, transaction.hash(), wallet.signers[0]);
    options.onProgress?.({ step: "paying", signed, payment: transaction.toXdr() });
    let payment: LandedTransaction;
    try {
      payment = await submitPayment(
        { ledger, clock },
        { transaction, wallet },
        { signal, patienceMs, maxFeeStroops, onOutage },
      );
    } catch (error) {
      if (!wasOvertaken(error) || made >= MAX_PAYMENTS_MADE) throw error;
      continue;
    }
    options.onProgress?.({
      step: "paid",
      requestHash: toHex(requestHash),
      paymentHash: toHex(signed.paymentHash),
      ledger: payment.ledger,
    });
    return await finishPaid(components, { request, requestHash, signed, payment, wallet, maxFeeStroops }, options);
  }
}

/** Before anything is paid: a user whose account needs more signatures than there are, or than fit, could never land. */
async function refuseUnsignable(
  ledger: Ledger,
  parts: {
    readonly program: SmartAccount;
    readonly request: ExecutionRequest;
    readonly requestHash: Uint8Array;
    readonly wallet: Wallet;
  },
  options: { signal?: AbortSignal | undefined },
): Promise<void> {
  const { program, request, requestHash, wallet } = parts;
  const payer = await ledger.account(wallet.account, [], options);
  if (payer === undefined) throw new SprfError("ACCOUNT_NOT_FOUND", `there is no account ${wallet.account}`);
  // Who signs depends on the operations alone, not on what they say.
  const transaction = buildTransition({
    network: request.network,
    program: program.id,
    user: wallet.account,
    sequence: program.sequence,
    newState: program.state,
    recordCid: recordCidFromHash(requestHash),
    gasFeeStroops: gasFeeStroops(request.maxGas, program.gasPriceStroops),
    validUntil: request.validUntil,
    paymentCloseTime: request.validUntil,
  });
  chooseSigners(
    { transaction, program: program.snapshot.account, payer: payer.account, wallet },
    program.workers.map(({ ledgerKey }) => ledgerKey),
  );
}

function wasOvertaken(error: unknown): boolean {
  return isSprfError(error, "LEDGER_REJECTED") && error.context["overtaken"] === true;
}
