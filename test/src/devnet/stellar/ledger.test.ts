import { Account, Asset, Operation, TransactionBuilder } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { accountIdToAddress } from "../../../../src/devnet/stellar/ledger/account-xdr.ts";
import { toHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { startingSequenceNumber } from "../../../../src/devnet/stellar/ledger/parameters.ts";
import { isSuccess } from "../../../../src/devnet/stellar/ledger/results.ts";
import { closeNext, freshLedger, funded, key, offer, transaction } from "./ledger-fixture.ts";

const ALICE = key(1);
const BOB = key(2);

function pay(destination: string, amount: string, source?: string) {
  return Operation.payment({ destination, amount, asset: Asset.native(), ...(source !== undefined && { source }) });
}

describe("development ledger", () => {
  it("dates a data entry by its own last change", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    offer(ledger, transaction(ledger, ALICE, [Operation.manageData({ name: "current_state", value: "a" })]));
    const written = closeNext(ledger).header.sequence;
    offer(ledger, transaction(ledger, ALICE, [Operation.manageData({ name: "other", value: "b" })]));
    const later = closeNext(ledger).header.sequence;
    const id = toHex(ALICE.rawPublicKey());
    expect(ledger.state.data(id, "current_state")?.lastModifiedLedger).to.equal(written);
    expect(ledger.state.data(id, "other")?.lastModifiedLedger).to.equal(later);
    expect(ledger.state.account(id)?.lastModifiedLedger).to.equal(later);
  });

  it("undoes all operations of a failed transaction but keeps fee and sequence number", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const id = toHex(ALICE.rawPublicKey());
    const before = ledger.state.account(id);
    const tx = transaction(
      ledger,
      ALICE,
      [Operation.manageData({ name: "x", value: "y" }), pay(BOB.publicKey(), "1"), pay(key(9).publicKey(), "1")],
      { fee: "100" },
    );
    expect(offer(ledger, tx).status).to.equal("PENDING");
    const [applied] = closeNext(ledger).transactions;
    expect(applied?.result.result.type).to.equal("txFailed");
    expect(applied?.operationChanges).to.deep.equal([]);
    const after = ledger.state.account(id);
    expect(after?.balanceStroops).to.equal((before?.balanceStroops ?? 0n) - 300n);
    expect(after?.sequenceNumber).to.equal((before?.sequenceNumber ?? 0n) + 1n);
    expect(ledger.state.data(id, "x")).to.equal(undefined);
  });

  it("undoes a failed operation before the next one runs", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const poor = key(8);
    const create = Operation.createAccount({ destination: poor.publicKey(), startingBalance: "1.001" });
    offer(ledger, transaction(ledger, ALICE, [create]));
    closeNext(ledger);
    const signer = { ed25519PublicKey: BOB.publicKey(), weight: 1 };
    const tx = transaction(ledger, poor, [
      Operation.setOptions({ setFlags: 4, signer }),
      Operation.setOptions({ setFlags: 1 }),
    ]);
    expect(offer(ledger, tx).status).to.equal("PENDING");
    const [applied] = closeNext(ledger).transactions;
    expect(applied?.result.toJson()).to.have.deep.nested.property("result.tx_failed", [
      { op_inner: { set_options: "low_reserve" } },
      { op_inner: { set_options: "success" } },
    ]);
  });

  it("chains headers by hash and gives two runs of the same input the same hashes", () => {
    const run = (): string[] => {
      const ledger = funded(freshLedger(), [ALICE, BOB]);
      const hashes: string[] = [];
      for (let i = 0; i < 3; i++) {
        offer(ledger, transaction(ledger, ALICE, [pay(BOB.publicKey(), "1")]));
        offer(ledger, transaction(ledger, BOB, [pay(ALICE.publicKey(), "2")]));
        const previous = ledger.header().hash;
        const { header } = closeNext(ledger);
        expect(toHex(header.header.previousLedgerHash.value)).to.equal(previous);
        hashes.push(header.hash);
      }
      return hashes;
    };
    expect(run()).to.deep.equal(run());
  });

  it("names what it does not support", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const trust = Operation.changeTrust({ asset: new Asset("USD", BOB.publicKey()) });
    const { status, errorResult } = offer(ledger, transaction(ledger, ALICE, [trust]));
    expect(status).to.equal("ERROR");
    expect(errorResult?.toJson()).to.have.nested.property("result.tx_failed[0]", "op_not_supported");
  });

  it("moves and returns reserves when a sponsorship is revoked", () => {
    const ledger = funded(freshLedger(), [ALICE, BOB]);
    const alice = ALICE.publicKey();
    const bob = BOB.publicKey();
    const sponsored = transaction(
      ledger,
      ALICE,
      [
        Operation.beginSponsoringFutureReserves({ sponsoredId: bob }),
        Operation.manageData({ name: "d", value: "1", source: bob }),
        Operation.endSponsoringFutureReserves({ source: bob }),
      ],
      { signers: [ALICE, BOB] },
    );
    expect(offer(ledger, sponsored).status).to.equal("PENDING");
    expect(closeNext(ledger).transactions.every(({ result }) => isSuccess(result))).to.equal(true);
    const counts = (): (number | undefined)[] => [
      ledger.state.account(toHex(ALICE.rawPublicKey()))?.sponsoringCount,
      ledger.state.account(toHex(BOB.rawPublicKey()))?.sponsoredCount,
    ];
    expect(counts()).to.deep.equal([1, 1]);
    offer(ledger, transaction(ledger, BOB, [Operation.revokeDataSponsorship({ account: bob, name: "d" })]));
    const [refused] = closeNext(ledger).transactions;
    expect(refused?.result.toJson()).to.have.nested.property(
      "result.tx_failed[0].op_inner.revoke_sponsorship",
      "not_sponsor",
    );
    offer(ledger, transaction(ledger, ALICE, [Operation.revokeDataSponsorship({ account: bob, name: "d" })]));
    expect(closeNext(ledger).transactions.every(({ result }) => isSuccess(result))).to.equal(true);
    expect(counts()).to.deep.equal([0, 0]);
    expect(alice).to.equal(accountIdToAddress(toHex(ALICE.rawPublicKey())));
  });

  describe("merge", () => {
    it("does not happen while a number waits that an account made anew would take again", () => {
      const ledger = funded(freshLedger("chain"), [ALICE, BOB]);
      const merge = transaction(ledger, ALICE, [Operation.accountMerge({ destination: BOB.publicKey() })]);
      expect(offer(ledger, merge).status).to.equal("PENDING");
      const beyond = startingSequenceNumber(ledger.header().sequence + 1) + 5n;
      const { networkPassphrase } = ledger.parameters;
      const later = new TransactionBuilder(new Account(ALICE.publicKey(), String(beyond - 1n)), {
        fee: "100",
        networkPassphrase,
      })
        .addOperation(pay(BOB.publicKey(), "1"))
        .setMinAccountSequence("0")
        .setTimeout(0)
        .build();
      later.sign(ALICE);
      expect(offer(ledger, later).status).to.equal("PENDING");
      const [merged, paid] = closeNext(ledger).transactions;
      expect(merged?.result.toJson()).to.have.nested.property(
        "result.tx_failed[0].op_inner.account_merge",
        "seqnum_too_far",
      );
      expect(paid?.result.result.type).to.equal("txSuccess");
    });

    it("does not mind that somebody was about to hold the account's reserves", () => {
      const ledger = funded(freshLedger(), [ALICE, BOB]);
      const operations = [
        Operation.beginSponsoringFutureReserves({ sponsoredId: ALICE.publicKey() }),
        Operation.accountMerge({ destination: BOB.publicKey(), source: ALICE.publicKey() }),
      ];
      offer(ledger, transaction(ledger, BOB, operations, { signers: [ALICE, BOB] }));
      const [applied] = closeNext(ledger).transactions;
      expect(applied?.result.result.type).to.equal("txBadSponsorship");
      expect(ledger.state.account(toHex(ALICE.rawPublicKey()))).to.not.equal(undefined);
    });
  });
});
