import { Account, Asset, Memo, Networks, Operation, TransactionBuilder, type Transaction } from "@stellar/stellar-sdk";
import { expect } from "chai";

import {
  PAYMENT_VALID_SECONDS,
  buildPayment,
  checkPayment,
  type ExpectedPayment,
} from "../../../../src/domain/program/payment.ts";
import type { LandedTransaction } from "../../../../src/ports/ledger.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { keyOf } from "../../../helpers/smart-accounts.ts";

const network = Networks.TESTNET;
const user = keyOf(1);
const program = keyOf(2).publicKey();
const requestHash = new Uint8Array(32).fill(5);
const CLOSED = 1_900_000_000;
const expected: ExpectedPayment = {
  network,
  program,
  user: user.publicKey(),
  requestHash,
  baseFeeStroops: 100n,
  now: CLOSED + 1,
};

type PaymentOperation = Parameters<typeof Operation.payment>[0];

function payment(change: Partial<PaymentOperation> = {}): ReturnType<typeof Operation.payment> {
  return Operation.payment({ destination: program, asset: Asset.native(), amount: "0.0000100", ...change });
}

function transaction(
  operations: readonly ReturnType<typeof Operation.payment>[],
  memo: Memo = Memo.hash(requestHash),
): Transaction {
  const source = new Account(user.publicKey(), "1");
  const builder = new TransactionBuilder(source, { fee: "100", networkPassphrase: network, memo });
  for (const operation of operations) builder.addOperation(operation);
  return builder.setTimeout(0).build();
}

function landed(built: { toXDR(): string }, change: Partial<LandedTransaction> = {}): LandedTransaction {
  return {
    hash: "ab",
    successful: true,
    ledger: 9,
    closeTime: CLOSED,
    envelopeXdr: built.toXDR(),
    resultXdr: "",
    ...change,
  };
}

const built = (baseFeeStroops = 100n): Transaction =>
  buildPayment({
    network,
    user: { id: user.publicKey(), sequence: 1n },
    program,
    requestHash,
    baseFeeStroops,
    feeStroops: 100n,
    maxTime: CLOSED + 60,
  });

const REFUSED: Readonly<
  Record<string, readonly [code: string, landed: LandedTransaction, change?: Partial<ExpectedPayment>]>
> = {
  "a transaction that failed": ["PAYMENT_INVALID", landed(built(), { successful: false })],
  "two payments": ["PAYMENT_INVALID", landed(transaction([payment(), payment()]))],
  "another operation": ["PAYMENT_INVALID", landed(transaction([Operation.bumpSequence({ bumpTo: "9" })]))],
  "another payer": ["PAYMENT_INVALID", landed(built()), { user: keyOf(3).publicKey() }],
  "another's money in the user's transaction": [
    "PAYMENT_INVALID",
    landed(transaction([payment({ source: keyOf(3).publicKey() })])),
  ],
  "another payee": ["PAYMENT_INVALID", landed(transaction([payment({ destination: keyOf(3).publicKey() })]))],
  "another asset": [
    "PAYMENT_INVALID",
    landed(transaction([payment({ asset: new Asset("XLM", keyOf(3).publicKey()) })])),
  ],
  "another request's hash": ["PAYMENT_INVALID", landed(built()), { requestHash: new Uint8Array(32).fill(6) }],
  "no memo": ["PAYMENT_INVALID", landed(transaction([payment()], Memo.none()))],
  "a memo of another type": [
    "PAYMENT_INVALID",
    landed(transaction([payment()], Memo.return(Buffer.from(requestHash)))),
  ],
  "a stroop too little": ["PAYMENT_TOO_LOW", landed(built(99n))],
  "its age": ["PAYMENT_EXPIRED", landed(built()), { now: CLOSED + PAYMENT_VALID_SECONDS + 1 }],
  "an envelope that cannot be read": ["LEDGER_UNREACHABLE", { ...landed(built()), envelopeXdr: "AAAA" }],
};

describe("payment of a base fee", () => {
  it("is accepted as it was built, to the last second, and with more than asked for", () => {
    checkPayment(landed(built()), expected);
    checkPayment(landed(built(500n)), expected);
    checkPayment(landed(built()), { ...expected, now: CLOSED + PAYMENT_VALID_SECONDS });
  });

  it("is accepted inside a fee bump that somebody else pays", () => {
    const inner = built();
    inner.sign(user);
    checkPayment(landed(TransactionBuilder.buildFeeBumpTransaction(keyOf(8), "1000", inner, network)), expected);
  });

  for (const [name, [code, given, change]] of Object.entries(REFUSED)) {
    it(`is refused for ${name}`, async () => {
      expect(await codeOf((async () => checkPayment(given, { ...expected, ...change }))())).to.equal(code);
    });
  }
});
