import { Account, Asset, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { toHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { closeNext, freshLedger, funded, key, offer, transaction } from "./ledger-fixture.ts";

const ALICE = key(1);
const BOB = key(2);

function pay(destination: string, amount: string) {
  return Operation.payment({ destination, amount, asset: Asset.native() });
}

describe("development ledger's queue", () => {
  it("takes one transaction of a source at a time", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const first = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]);
    expect(offer(ledger, first).status).to.equal("PENDING");
    expect(offer(ledger, first).status).to.equal("DUPLICATE");
    const second = transaction(ledger, ALICE, [pay(BOB.publicKey(), "2")], { ahead: 1n });
    expect(offer(ledger, second).status).to.equal("TRY_AGAIN_LATER");
    const rival = transaction(ledger, ALICE, [pay(BOB.publicKey(), "3")]);
    expect(offer(ledger, rival).status).to.equal("TRY_AGAIN_LATER");
    closeNext(ledger);
    expect(offer(ledger, second).status).to.equal("PENDING");
  });

  it("lets a fee bump of ten times the bid replace what waits", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const inner = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]);
    offer(ledger, inner);
    const bump = (fee: string) => {
      const tx = TransactionBuilder.buildFeeBumpTransaction(BOB, fee, inner, ledger.parameters.networkPassphrase);
      tx.sign(BOB);
      return tx;
    };
    const low = offer(ledger, bump("999"));
    expect(low.status).to.equal("ERROR");
    expect(low.errorResult?.result.type).to.equal("txInsufficientFee");
    expect(offer(ledger, bump("1000")).status).to.equal("PENDING");
    expect(closeNext(ledger).transactions.map(({ tx }) => tx.kind)).to.deep.equal(["feeBump"]);
  });

  it("drops what found no room for four ledgers and then refuses it for a while", () => {
    const ledger = funded(freshLedger("chain", 2), [ALICE, BOB]);
    const two = (to: string) => [pay(to, "1"), pay(to, "1")];
    const cheap = transaction(ledger, ALICE, two(BOB.publicKey()), { fee: "100" });
    expect(offer(ledger, cheap).status).to.equal("PENDING");
    for (let i = 0; i < 4; i++) {
      const rich = transaction(ledger, BOB, two(ALICE.publicKey()), { fee: "200" });
      expect(offer(ledger, rich).status).to.equal("PENDING");
      expect(closeNext(ledger).transactions).to.have.lengthOf(1);
    }
    expect(ledger.waiting()).to.deep.equal([]);
    expect(offer(ledger, cheap).status).to.equal("TRY_AGAIN_LATER");
  });

  it("refuses a fee bump that leaves a gap behind what waits, without looking any further", () => {
    const ledger = funded(freshLedger("chain"), [ALICE, BOB]);
    expect(offer(ledger, transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")])).status).to.equal("PENDING");
    const ahead = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")], { ahead: 2n });
    const bump = TransactionBuilder.buildFeeBumpTransaction(BOB, "200", ahead, ledger.parameters.networkPassphrase);
    bump.sign(BOB);
    const { status, errorResult } = offer(ledger, bump);
    expect(status).to.equal("ERROR");
    expect(errorResult?.toJson()).to.deep.equal({ fee_charged: "0", result: "tx_bad_seq", ext: "v0" });
  });

  it("looks at what found no room again after the close, and refuses for a while what will be too late", () => {
    const ledger = funded(freshLedger("chain", 2), [ALICE, BOB]);
    const { closeTime } = ledger.header();
    const two = (to: string) => [pay(to, "1"), pay(to, "1")];
    const { networkPassphrase } = ledger.parameters;
    const account = new Account(
      ALICE.publicKey(),
      String(ledger.state.account(toHex(ALICE.rawPublicKey()))?.sequenceNumber),
    );
    const builder = new TransactionBuilder(account, {
      fee: "100",
      networkPassphrase,
      timebounds: { minTime: 0, maxTime: Number(closeTime) + 12 },
    });
    for (const operation of two(BOB.publicKey())) builder.addOperation(operation);
    const cheap = builder.build();
    cheap.sign(ALICE);
    expect(offer(ledger, cheap).status).to.equal("PENDING");
    const rich = transaction(ledger, BOB, two(ALICE.publicKey()), { fee: "200" });
    expect(offer(ledger, rich).status).to.equal("PENDING");
    expect(closeNext(ledger).transactions).to.have.lengthOf(1);
    expect(ledger.waiting()).to.deep.equal([]);
    expect(offer(ledger, cheap).status).to.equal("TRY_AGAIN_LATER");
  });

  it("does not look at an applied envelope again for ten ledgers as today's nodes, and calls its number bad as older ones", () => {
    const statuses = (["onePerSource", "chain"] as const).map((rule) => {
      const ledger = funded(freshLedger(rule), [ALICE, BOB]);
      const tx = transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]);
      offer(ledger, tx);
      const seen: string[] = [];
      for (let i = 0; i < 11; i++) {
        closeNext(ledger);
        seen.push(offer(ledger, tx).status);
      }
      return seen;
    });
    const again = Array.from({ length: 9 }, () => "TRY_AGAIN_LATER");
    expect(statuses[0]).to.deep.equal([...again, "ERROR", "ERROR"]);
    expect(new Set(statuses[1])).to.deep.equal(new Set(["ERROR"]));
  });
});
