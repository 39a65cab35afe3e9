import { Account, Asset, Operation, TransactionBuilder, type Keypair, type Transaction } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createStellarRpcLedger } from "../../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { submitAndWait } from "../../../src/client/submit.ts";
import { createStellarDevnet, type StellarDevnet } from "../../../src/devnet/stellar/create-stellar-devnet.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { SprfError, isSprfError } from "../../../src/errors.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { keyOf } from "../../helpers/smart-accounts.ts";
import { until } from "../../helpers/until.ts";

/** The ledger refuses what could be too late by its next close, which it expects in an hour. */
const WINDOW_SECONDS = 36_000;

describe("client/submit", () => {
  let devnet: StellarDevnet;
  let ledger: Ledger;
  let sender: Keypair;
  let next = 0;

  before(async () => {
    // Ledgers close when the test says so.
    devnet = await createStellarDevnet({ logger: createMemoryLogger(), closeEveryMs: 3_600_000 });
    const { rpcUrl, networkPassphrase } = devnet;
    ledger = createStellarRpcLedger({ rpcUrl, networkPassphrase });
  });
  after(() => devnet.stop());
  beforeEach(async () => {
    next += 1;
    sender = keyOf(next);
    const funded = fundAccount(devnet.friendbotUrl, sender.publicKey());
    await until(async () => {
      devnet.closeLedger();
      return (await ledger.account(sender.publicKey(), [])) !== undefined;
    });
    await funded;
  });

  const now = (): number => Math.floor(systemClock.now() / 1_000);
  const paymentOf = async (
    amount: string,
    { skip = 0, maxTime = now() + WINDOW_SECONDS, destination = sender.publicKey() } = {},
  ): Promise<Transaction> => {
    const sequence = ((await ledger.account(sender.publicKey(), []))?.account.sequence ?? 0n) + BigInt(skip);
    const builder = new TransactionBuilder(new Account(sender.publicKey(), sequence.toString()), {
      fee: "100",
      networkPassphrase: devnet.networkPassphrase,
      timebounds: { minTime: 0, maxTime },
    });
    const transaction = builder.addOperation(Operation.payment({ destination, asset: Asset.native(), amount })).build();
    transaction.sign(sender);
    return transaction;
  };
  const wait = async (
    transaction: Transaction,
    through: Ledger = ledger,
    maxTime = now() + WINDOW_SECONDS,
  ): Promise<string> =>
    await submitAndWait({ ledger: through, clock: systemClock }, transaction, maxTime).then(
      () => "landed",
      (error: unknown) => (isSprfError(error) ? [error.code, error.context["code"]].join(" ").trim() : "?"),
    );
  /** The ledger, and how often something was sent to it. */
  const counting = (): { ledger: Ledger; statuses: string[] } => {
    const statuses: string[] = [];
    return {
      statuses,
      ledger: {
        ...ledger,
        async submit(envelopeXdr, options) {
          const result = await ledger.submit(envelopeXdr, options);
          statuses.push(result.status);
          return result;
        },
      },
    };
  };

  it("should wait until a ledger holds the transaction", async () => {
    const counted = counting();
    const waiting = wait(await paymentOf("1"), counted.ledger);
    await until(() => counted.statuses.length > 0);
    devnet.closeLedger();
    expect(await waiting).to.equal("landed");
    expect(counted.statuses).to.deep.equal(["pending"]);
  });

  it("should come again while another transaction of the account is pending", async () => {
    const first = await paymentOf("1");
    const second = await paymentOf("2", { skip: 1 });
    await ledger.submit(first.toXdr());
    const counted = counting();
    const waiting = wait(second, counted.ledger);
    await until(() => counted.statuses.length > 1);
    devnet.closeLedger();
    await until(() => counted.statuses.includes("pending"));
    devnet.closeLedger();
    expect(await waiting).to.equal("landed");
    expect(counted.statuses[0]).to.equal("try-again-later");
  });

  it("should say when the sequence is not the next one", async () => {
    expect(await wait(await paymentOf("1", { skip: 5 }))).to.equal("LEDGER_REJECTED tx_bad_seq");
  });

  it("should say when the time of the transaction is over", async () => {
    expect(await wait(await paymentOf("1", { maxTime: now() - 10 }))).to.equal("LEDGER_REJECTED tx_too_late");
  });

  it("should say when the transaction failed in its ledger", async () => {
    const counted = counting();
    const waiting = wait(await paymentOf("1", { destination: keyOf(200).publicKey() }), counted.ledger);
    await until(() => counted.statuses.length > 0);
    devnet.closeLedger();
    expect(await waiting).to.equal("LEDGER_REJECTED tx_failed (op 0: payment_no_destination)");
  });

  it("should find what had landed already when it is sent once more", async () => {
    const transaction = await paymentOf("1");
    await ledger.submit(transaction.toXdr());
    devnet.closeLedger();
    expect(await wait(transaction)).to.equal("landed");
  });

  it("should send again when the answer to the first try was lost", async () => {
    let tries = 0;
    const lossy: Ledger = {
      ...ledger,
      async submit(envelopeXdr, options) {
        tries += 1;
        const result = await ledger.submit(envelopeXdr, options);
        if (tries > 1) return result;
        devnet.closeLedger();
        throw new SprfError("LEDGER_UNREACHABLE", "the connection broke");
      },
    };
    expect(await wait(await paymentOf("1"), lossy)).to.equal("landed");
  });

  it("should give up when the time is over on the ledger", async () => {
    const silent: Ledger = {
      ...ledger,
      submit: () => Promise.resolve({ status: "pending", hash: "ab".repeat(32) }),
    };
    devnet.closeLedger();
    expect(await wait(await paymentOf("1"), silent, now() - 10)).to.equal("LEDGER_REJECTED");
  });
});
