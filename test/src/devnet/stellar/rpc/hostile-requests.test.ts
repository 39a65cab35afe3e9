import { expect } from "chai";
import fc from "fast-check";

import { createFriendbot } from "../../../../../src/devnet/stellar/friendbot.ts";
import { createLedgerRunner } from "../../../../../src/devnet/stellar/ledger-runner.ts";
import { parseInt64 } from "../../../../../src/devnet/stellar/rpc/go-integers.ts";
import { answer } from "../../../../../src/devnet/stellar/rpc/json-rpc.ts";
import { openLedgerStore } from "../../../../../src/devnet/stellar/rpc/ledger-store.ts";
import { rpcMethods } from "../../../../../src/devnet/stellar/rpc/methods.ts";
import { formatCursor, parseCursor } from "../../../../../src/devnet/stellar/rpc/transaction-cursor.ts";
import { createManualClock } from "../../../../helpers/manual-clock.ts";
import { freshLedger, PASSPHRASE, recordingLogger, START_TIME } from "../ledger-fixture.ts";

/** Fields that some method has, so that random values reach it. */
const FIELDS = [
  "hash",
  "keys",
  "transaction",
  "startLedger",
  "endLedger",
  "pagination",
  "filters",
  "xdrFormat",
] as const;
const INNER_FIELDS = ["cursor", "limit", "type", "contractIds", "topics"] as const;

describe("development ledger's RPC under random requests", () => {
  const ledger = freshLedger();
  const store = openLedgerStore(undefined, PASSPHRASE);
  const clock = createManualClock(Number(START_TIME) * 1000);
  const runner = createLedgerRunner({ ledger, store, clock, logger: recordingLogger() }, { closeEveryMs: 5000 });
  createFriendbot(ledger, runner);
  const methods = rpcMethods({ ledger, store, runner, friendbotUrl: () => "" });
  runner.closeLedger();

  after(() => {
    store.close();
  });

  const inner = fc.dictionary(fc.constantFrom(...INNER_FIELDS), fc.jsonValue());
  const params = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.jsonValue(), inner, fc.array(inner))),
  );
  const request = fc.record(
    {
      jsonrpc: fc.constant("2.0"),
      id: fc.jsonValue(),
      method: fc.oneof(fc.string(), fc.constantFrom(...Object.keys(methods))),
      params,
    },
    { requiredKeys: ["jsonrpc", "method"] },
  );
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.oneof(request, fc.array(request)).map((value) => JSON.stringify(value)),
  );

  it("answers every one with JSON-RPC and lives: no method throws", () => {
    const thrown: unknown[] = [];
    fc.assert(
      fc.property(body, (text) => {
        const answered = answer(text, methods, (method, error) => thrown.push([method, error]));
        const responses: readonly unknown[] = Array.isArray(answered) ? answered : [answered];
        for (const response of responses) if (response !== undefined) expect(response).to.include({ jsonrpc: "2.0" });
        expect(thrown).to.deep.equal([]);
      }),
      { numRuns: 150 },
    );
  });

  it("finds the place of every cursor that it gives", () => {
    const ledgers = fc.integer({ min: 1, max: 2 ** 31 - 1 });
    const positions = fc.integer({ min: 0, max: 2 ** 20 - 1 });
    fc.assert(
      fc.property(ledgers, positions, (at, position) => {
        expect(parseCursor(formatCursor(at, position))).to.deep.equal({ ledger: at, position });
      }),
    );
  });

  it("reads exactly the integers of 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), (value) => {
        const parsed = parseInt64(String(value));
        expect("value" in parsed ? parsed.value : undefined).to.equal(
          BigInt.asIntN(64, value) === value ? value : undefined,
        );
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => "value" in parseInt64(text) === /^[+-]?\d{1,18}$/.test(text)));
  });
});
