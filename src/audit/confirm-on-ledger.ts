import { fault, inputFaults, unlessEqual, type AuditFault } from "../domain/audit/fault.ts";
import type { HistoryState } from "../domain/audit/history-state.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import { hashOfEnvelope, type HistoryLink } from "../domain/audit/verify-link.ts";
import { lowestPriceStroops } from "../domain/program/past-prices.ts";
import { checkPayment, checkPaymentHash } from "../domain/program/payment.ts";
import { paymentsOf, type PaidRun, type RunRecord } from "../domain/program/run-record.ts";
import { signersOf } from "../domain/program/verify-signature.ts";
import { isSprfError } from "../errors.ts";
import type { LandedTransaction, LedgerHeader } from "../ports/ledger.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import type { ReturnRecord } from "../wire/batch-record.ts";
import { hashRequest } from "../wire/execution-request.ts";
import type { AskedLedger } from "./patient-ledger.ts";

interface Options {
  readonly signal: AbortSignal;
}

/** What the ledger still says of a history; older ledgers than it keeps say nothing. */
export interface LedgerWitness {
  /** Whether the payments of a record are what it says of them; `seen` is how many of them the ledger still has. */
  payments(
    record: RunRecord | ReturnRecord,
    before: HistoryState,
    options: Options,
  ): Promise<{ readonly seen: number; readonly faults: readonly AuditFault[] }>;
  /** Whether what a record says has landed for the one before it did, and succeeded. */
  named(envelope: Uint8Array, before: HistoryState, options: Options): Promise<readonly AuditFault[]>;
  /** Whether the signatures under a transition that are not by its workers are by its user's account, as it is now. */
  signedByUser(link: HistoryLink, options: Options): Promise<readonly AuditFault[]>;
  /** The first of these envelopes that landed and succeeded, as far as the ledger still knows them. */
  firstSuccess(
    envelopes: readonly Uint8Array[],
    options: Options,
  ): Promise<{ readonly envelope: Uint8Array; readonly hash: string; readonly ledger: number } | undefined>;
}

/** @param lookedAt number of the ledger at which the history's tip was seen: nothing in the history can be newer */
export function createLedgerWitness(ledger: AskedLedger, program: string, lookedAt: number): LedgerWitness {
  const network = ledger.networkPassphrase;
  /** The service had none of the ledgers up to this one; it forgets more, never less. */
  let forgotten = 0;

  async function headerOf(sequence: number, options: Options): Promise<LedgerHeader | undefined> {
    if (sequence <= forgotten) return undefined;
    const header = await ledger.header(sequence, options);
    if (header === undefined) forgotten = Math.max(forgotten, sequence);
    return header;
  }

  async function find(envelope: Uint8Array, options: Options): Promise<LandedTransaction | undefined> {
    const transaction = readEnvelope(envelope, network);
    return transaction === undefined ? undefined : await ledger.transaction(toHex(transaction.hash()), options);
  }

  async function paymentOf(
    run: PaidRun,
    before: HistoryState | undefined,
    options: Options,
  ): Promise<{ readonly known: boolean; readonly faults: readonly AuditFault[] }> {
    const { payment, signedRequest } = run;
    if (payment.ledger > lookedAt) {
      return {
        known: false,
        faults: [fault("PAYMENT_INVALID", `ledger ${payment.ledger} is newer than the history`)],
      };
    }
    const header = await headerOf(payment.ledger, options);
    if (header === undefined) return { known: false, faults: [] };
    const landed = await ledger.transaction(toHex(signedRequest.paymentHash), options);
    if (landed === undefined) {
      // The service may have forgotten its ledger between the two questions.
      if ((await ledger.header(payment.ledger, options)) === undefined) return { known: false, faults: [] };
      return { known: true, faults: [fault("PAYMENT_INVALID", "no ledger holds it")] };
    }
    return { known: true, faults: paymentFaults(landed, header, run, before) };
  }

  return {
    async payments(record, before, options) {
      let seen = 0;
      for (const [index, run] of paymentsOf(record).entries()) {
        // What is given back may have been too little to be run for.
        const { known, faults } = await paymentOf(run, record.kind === "return" ? undefined : before, options);
        if (known) seen += 1;
        if (faults.length > 0) {
          return { seen, faults: record.kind === "transition" ? faults : inputFaults(index, faults) };
        }
      }
      return { seen, faults: [] };
    },

    async named(envelope, before, options) {
      const found = await find(envelope, options);
      if (found === undefined) {
        // No older than a ledger that the service still has, so it would have this one, too.
        const isKept = before.lastLedger > 0 && (await headerOf(before.lastLedger, options)) !== undefined;
        return isKept ? [fault("NOT_LANDED", "what it names for the record before it is on no ledger")] : [];
      }
      if (!found.successful) return [fault("NOT_LANDED", `what it names for the record before it failed`)];
      const hash = hashOfEnvelope(Buffer.from(found.envelopeXdr, "base64"));
      return hash === hashOfEnvelope(envelope)
        ? []
        : [fault("ENVELOPE_MISMATCH", `ledger ${found.ledger} holds another for the record before it`)];
    },

    async signedByUser({ record, envelope }, options) {
      const transaction = readEnvelope(envelope, network);
      if (record.kind !== "transition" || transaction === undefined) return [];
      // The ledger has counted them itself.
      if ((await find(envelope, options)) !== undefined) return [];
      const { user } = record.signedRequest.request;
      const account = await ledger.account(user, [], options);
      const keys = (account?.account.signers ?? []).map(({ key }) => key).filter((key) => key.startsWith("G"));
      return signersOf(transaction, keys).signers.length > 0 ? [] : [fault("USER_SIGNATURE_MISSING", user)];
    },

    async firstSuccess(envelopes, options) {
      for (const envelope of envelopes) {
        const found = await find(envelope, options);
        if (found?.successful === true) return { envelope, hash: found.hash, ledger: found.ledger };
      }
      return undefined;
    },
  };

  function paymentFaults(
    landed: LandedTransaction,
    header: LedgerHeader,
    { payment, signedRequest, paidStroops }: PaidRun,
    before: HistoryState | undefined,
  ): readonly AuditFault[] {
    const { request } = signedRequest;
    if (landed.ledger !== payment.ledger) return [fault("PAYMENT_INVALID", `it is in ledger ${landed.ledger}`)];
    if (!equalBytes(header.hash, payment.ledgerHash) || BigInt(header.closeTime) !== payment.closeTime) {
      return [fault("PAYMENT_INVALID", `ledger ${payment.ledger} has another hash or time`)];
    }
    try {
      checkPaymentHash(landed, signedRequest.paymentHash, network);
      const requestHash = hashRequest(request);
      const paid = checkPayment(landed, {
        network,
        program,
        user: request.user,
        requestHash,
        baseFeeStroops: before === undefined ? 0n : lowestPriceStroops(request, before, payment.closeTime),
        now: landed.closeTime,
      });
      return paidStroops === undefined ? [] : unlessEqual("PAYMENT_INVALID", paidStroops, paid);
    } catch (error) {
      if (isSprfError(error)) return [fault("PAYMENT_INVALID", error.message)];
      throw error;
    }
  }
}
