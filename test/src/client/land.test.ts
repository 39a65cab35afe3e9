import { Account, Asset, Operation, TransactionBuilder, type Keypair, type Transaction } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createStellarRpcLedger } from "../../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { land, type Landable, type Landing } from "../../../src/client/land.ts";
import { fundAccount } from "../../../src/devnet/fund.ts";
import { createStellarDevnet, type StellarDevnet } from "../../../src/devnet/stellar/create-stellar-devnet.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { closeWhile } from "../../helpers/close-while.ts";
import { keyOf } from "../../helpers/smart-accounts.ts";
import { until } from "../../helpers/until.ts";

/** The ledger expects its next close in an hour, and refuses what could be too late by the one after it. */
const CLOSE_EVERY_MS = 3_600_000;
const WINDOW_SECONDS = 36_000;
/** Operations of one ledger: the rival's four fill it. */
const ROOM = 4;

describe("client/land, on a ledger that has room for one transaction", () => {
  let devnet: StellarDevnet;
  let ledger: Ledger;
  let user: Keypair;
  let rival: Keypair;
  let next = 0;
  const clock: Clock & { shiftMs: number } = {
    shiftMs: 0,
    now: () => systemClock.now() + clock.shiftMs,
    sleep: async (ms, options) => await systemClock.sleep(ms, options),
  };

  before(async () => {
    // Ledgers close when the test says so.
    const init = { closeEveryMs: CLOSE_EVERY_MS, maxOperationsPerLedger: ROOM, clock };
    devnet = await createStellarDevnet({ logger: createMemoryLogger(), ...init });
    const { rpcUrl, networkPassphrase } = devnet;
    ledger = createStellarRpcLedger({ rpcUrl, networkPassphrase });
  });
  after(() => devnet.stop());
  beforeEach(async () => {
    [user, rival] = [keyOf((next += 1)), keyOf((next += 1))];
    for (const key of [user, rival]) await closeWhile(devnet, fundAccount(devnet.friendbotUrl, key.publicKey()));
  });

  const now = (): number => Math.floor(clock.now() / 1_000);
  const build = async (
    from: Keypair,
    fee: number,
    { operations = 1, maxTime = now() + WINDOW_SECONDS, skip = 0, amount = "1" } = {},
  ): Promise<Transaction> => {
    const sequence = ((await ledger.account(from.publicKey(), []))?.account.sequence ?? 0n) + BigInt(skip);
    const builder = new TransactionBuilder(new Account(from.publicKey(), sequence.toString()), {
      fee: String(fee),
      networkPassphrase: devnet.networkPassphrase,
      timebounds: { minTime: 0, maxTime },
    });
    const payment = Operation.payment({ destination: from.publicKey(), asset: Asset.native(), amount });
    for (let i = 0; i < operations; i += 1) builder.addOperation(payment);
    const transaction = builder.build();
    transaction.sign(from);
    return transaction;
  };
  /** What the user wants to land, at these offers for an operation. */
  const landable = (transaction: Transaction, offers: readonly number[], payer = user): Landable => ({
    hash: toHex(transaction.hash()),
    source: transaction.source,
    sequence: BigInt(transaction.sequence),
    maxTime: Number(transaction.timeBounds?.maxTime),
    envelopes: offers.map((offer) => {
      const fee = String(offer);
      const bump = TransactionBuilder.buildFeeBumpTransaction(payer, fee, transaction, devnet.networkPassphrase);
      bump.sign(payer);
      return bump.toXdr();
    }),
  });
  /** Fills the next ledger at a price that the user's first offer is below. */
  const crowd = async (): Promise<void> => {
    // Without an end, so that one which waits still is offered again as it is: the queue takes no other of its source.
    const { status } = await ledger.submit((await build(rival, 5_000, { operations: ROOM, maxTime: 0 })).toXdr());
    expect(status).to.be.oneOf(["pending", "duplicate"]);
  };
  const counting = (): { through: Ledger; said: string[] } => {
    const said: string[] = [];
    const through: Ledger = {
      ...ledger,
      async submit(envelopeXdr, options) {
        const result = await ledger.submit(envelopeXdr, options);
        said.push(result.status === "refused" ? result.code : result.status);
        return result;
      },
    };
    return { through, said };
  };
  const feeOf = (landing: Landing): string =>
    landing.kind === "landed"
      ? (TransactionBuilder.fromXdr(landing.transaction.envelopeXdr, devnet.networkPassphrase) as Transaction).fee
      : landing.kind;
  /** Closes crowded ledgers until `ended`, each after the one before was seen. */
  const closeCrowded = async <T>(work: Promise<T>): Promise<T> => await closeWhile(devnet, work, { prepare: crowd });

  it("should offer ten times as much for what two ledgers passed over, and no more than is needed", async () => {
    const { through, said } = counting();
    const transaction = await build(user, 0);
    const landing = await closeCrowded(
      land({ ledger: through, clock }, landable(transaction, [1_000, 10_000, 100_000]), {}),
    );
    expect(feeOf(landing)).to.equal("20000");
    expect(said[0]).to.equal("pending");
    expect(said.filter((status) => status === "pending")).to.have.length(2);
  });

  it("should land what the queue dropped once there is room again, at the most that may be offered", async () => {
    const { through, said } = counting();
    const waiting = land({ ledger: through, clock }, landable(await build(user, 0), [1_000]), {});
    // A transaction that waited in vain is not taken again for ten ledgers.
    const dropped = until(() => said.includes("try-again-later"), { timeoutMs: 20_000, what: "the queue dropped it" });
    await closeCrowded(dropped);
    expect(feeOf(await closeWhile(devnet, waiting))).to.equal("2000");
  }).timeout(60_000);

  it("should replace another transaction with its sequence that is stuck, which then is overtaken", async () => {
    const { through, said } = counting();
    const theirs = landable(await build(user, 0, { amount: "2" }), [1_000], rival);
    const others = land({ ledger, clock }, theirs, {});
    await until(async () => (await ledger.submit(theirs.envelopes[0] ?? "")).status === "duplicate");
    const ours = land({ ledger: through, clock }, landable(await build(user, 0), [1_000, 10_000]), {});
    expect(feeOf(await closeCrowded(ours))).to.equal("20000");
    expect(said.slice(0, 2)).to.include("tx_insufficient_fee");
    expect(said).to.include("pending");
    expect(await others).to.deep.equal({ kind: "overtaken" });
  });

  it("should keep waiting at the old price when the payer cannot afford the next", async () => {
    const { through, said } = counting();
    const poor = [1_000, 1_000_000_000_000];
    const waiting = land({ ledger: through, clock }, landable(await build(user, 0), poor), {});
    await closeCrowded(until(() => said.includes("tx_insufficient_balance"), { timeoutMs: 20_000 }));
    expect(feeOf(await closeWhile(devnet, waiting))).to.equal("2000");
  }).timeout(60_000);

  it("should say that it is too late when the ledger refuses it for that, and when its time went by in the queue", async () => {
    const late = landable(await build(user, 0, { maxTime: now() + 10 }), [1_000]);
    expect(await land({ ledger, clock }, late, {})).to.deep.equal({ kind: "refused", code: "tx_too_late" });

    const { through, said } = counting();
    const waiting = land({ ledger: through, clock }, landable(await build(user, 0), [1_000]), {});
    await until(() => said.length > 0);
    // For good: what a ledger has closed at does not go back.
    clock.shiftMs = WINDOW_SECONDS * 1_000 + 1_000;
    expect((await closeWhile(devnet, waiting)).kind).to.equal("late");
    expect((await ledger.account(user.publicKey(), []))?.account.balanceStroops).to.equal(100_000_000_000n);
  });

  it("should say that another transaction took its sequence, whether that was before or while it waited", async () => {
    const { through, said } = counting();
    const second = landable(await build(user, 0, { amount: "2" }), [1_000]);
    await ledger.submit((await build(user, 1_000)).toXdr());
    const waiting = land({ ledger: through, clock }, second, {});
    await until(() => said.includes("tx_insufficient_fee"));
    expect(await closeWhile(devnet, waiting)).to.deep.equal({ kind: "overtaken" });
    expect(await land({ ledger: through, clock }, second, {})).to.deep.equal({ kind: "overtaken" });
    expect(said.at(-1)).to.equal("tx_bad_seq");
    expect(await land({ ledger, clock }, second, { mayBeKnown: true })).to.deep.equal({ kind: "overtaken" });
  });

  it("should find what a process before it had submitted, whatever the ledger says to it now", async () => {
    const transaction = await build(user, 0);
    const once = landable(transaction, [1_000]);
    await ledger.submit(once.envelopes[0] ?? "");
    devnet.closeLedger();
    const again = { ...once, envelopes: landable(transaction, [2_000]).envelopes };
    expect(feeOf(await land({ ledger, clock }, again, { mayBeKnown: true }))).to.equal("2000");
  });

  it("should wait until the service has the transactions of the ledger that it knows the account by", async () => {
    const transaction = await build(user, 0);
    const once = landable(transaction, [1_000]);
    let behind = false;
    const lagging: Ledger = {
      ...ledger,
      async submit(envelopeXdr, options) {
        const result = await ledger.submit(envelopeXdr, options);
        if (result.status === "pending") {
          behind = true;
          devnet.closeLedger();
        }
        return result;
      },
      transaction: async (hash, options) => (behind ? undefined : await ledger.transaction(hash, options)),
      async latest(options) {
        const { sequence } = await ledger.latest(options);
        return { sequence: behind ? sequence - 1 : sequence };
      },
      async account(id, names, options) {
        const found = await ledger.account(id, names, options);
        // Caught up only after it was asked for the account.
        if (behind) setImmediate(() => (behind = false));
        return found;
      },
    };
    expect((await land({ ledger: lagging, clock }, once, {})).kind).to.equal("landed");
  });
});
