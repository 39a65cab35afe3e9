import { xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createFriendbot } from "../../../../src/devnet/stellar/friendbot.ts";
import { createLedgerRunner } from "../../../../src/devnet/stellar/ledger-runner.ts";
import { openLedgerStore } from "../../../../src/devnet/stellar/rpc/ledger-store.ts";
import { rpcMethods } from "../../../../src/devnet/stellar/rpc/methods.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";
import { freshLedger, key, PASSPHRASE, recordingLogger, ROOT, START_TIME } from "./ledger-fixture.ts";

describe("development ledger's runner", () => {
  it("halts when a close cannot be written: nobody waits for ever, and nothing unwritten is answered", async () => {
    const ledger = freshLedger();
    const stored = openLedgerStore(undefined, PASSPHRASE);
    let isFull = false;
    const store: typeof stored = {
      ...stored,
      save(closed) {
        if (isFull) throw new Error("database or disk is full");
        stored.save(closed);
      },
    };
    const clock = createManualClock(Number(START_TIME) * 1000);
    const runner = createLedgerRunner({ ledger, store, clock, logger: recordingLogger() }, { closeEveryMs: 5000 });
    const friendbot = createFriendbot(ledger, runner);
    const methods = rpcMethods({ ledger, store, runner, friendbotUrl: () => "" });
    await runner.start();
    try {
      await clock.advance(5000);
      const before = store.latest();
      isFull = true;
      const waiting = friendbot.fund(key(1).publicKey());
      await clock.advance(5000);
      expect((await waiting).status).to.equal(503);
      expect((await friendbot.fund(key(3).publicKey())).status).to.equal(503);
      expect(runner.failure()?.code).to.equal("INTERNAL");
      expect(() => runner.closeLedger())
        .to.throw()
        .with.property("code", "INTERNAL");
      expect(store.latest()).to.deep.equal(before);
      const account = xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: ROOT.xdrPublicKey() }));
      const entries = methods["getLedgerEntries"]?.({ keys: [account.toXdr("base64")] });
      expect(entries).to.have.nested.property("failure.code", -32603);
      expect(methods["getHealth"]?.(undefined)).to.have.nested.property("failure.code", -32603);
    } finally {
      await runner.stop();
      store.close();
    }
  });
});
