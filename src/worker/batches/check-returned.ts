import { isOrdered } from "../../domain/program/batch.ts";
import { returnableFrom } from "../../domain/program/return.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { toHex } from "../../utils/bytes.ts";
import type { ReturnRecord, ReturnedInput } from "../../wire/batch-record.ts";
import { verifyRequest } from "../../wire/execution-request.ts";
import { checkPrepaidForm, findReturnable, isSamePayment } from "./check-prepaid.ts";
import type { BatchComponents } from "./components.ts";
import { refused } from "./refused.ts";

interface Options {
  readonly signal: AbortSignal | undefined;
}

type Components = Pick<BatchComponents, "ledger" | "clock" | "usedPayments">;

/**
 * Checks that what another worker proposes to give back was paid for requests that were not run, by the ledger and the program's own
 * records, whether or not this worker has heard of them. That their time is over when it lands its transaction makes sure.
 *
 * @throws SprfError `BATCH_REFUSED`, `INVALID_INPUT`, `REQUEST_SIGNATURE_INVALID`, `PAYMENT_NOT_FOUND`, `PAYMENT_INVALID`,
 * `PAYMENT_EXPIRED`
 */
export async function checkReturned(
  components: Components,
  { returned, validUntil }: ReturnRecord,
  account: SmartAccount,
  options: Options,
): Promise<void> {
  if (!isOrdered(returned)) throw refused("what it gives back is not in order, or too much");
  if (returned.some((input) => returnableFrom(input) >= validUntil)) {
    throw refused("it gives back what can still be run");
  }
  await Promise.all(returned.map(async (input) => await checkOne(components, input, account, options)));
}

async function checkOne(
  components: Components,
  input: ReturnedInput,
  account: SmartAccount,
  options: Options,
): Promise<void> {
  const { signedRequest: signed } = input;
  checkPrepaidForm(signed, components.ledger.networkPassphrase, { isRun: false });
  const requestHash = verifyRequest(signed);
  const found = await findReturnable(components, account, { signed, requestHash }, options);
  if (signed.request.program !== account.id || !isSamePayment(input, found)) {
    throw refused(`the payment of request ${toHex(requestHash)} is another one`);
  }
  const paidAt = Number(found.payment.closeTime);
  if ((await components.usedPayments.boughtBy(account, signed.paymentHash, { paidAt })) !== undefined) {
    throw refused(`the payment of request ${toHex(requestHash)} was used already`);
  }
}
