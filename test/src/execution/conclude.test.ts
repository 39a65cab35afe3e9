import { createHash } from "node:crypto";

import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import type { SmartAccount } from "../../../src/domain/program/smart-account.ts";
import { conclude } from "../../../src/execution/conclude.ts";
import type { ExecutionPlan } from "../../../src/execution/plan-run.ts";
import { concatBytes, utf8 } from "../../../src/utils/bytes.ts";
import { smallFileCidOf, recordCidOf } from "../../../src/wire/canonical.ts";
import { signRequest, type ExecutionRequest } from "../../../src/wire/execution-request.ts";
import { MAX_SKIPPED_ENVELOPES, decodeRecord, type TransitionRecord } from "../../../src/wire/record.ts";

const NETWORK = "conclude";
const user = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 1));
const program = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 2)).publicKey();
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const cid = (text: string): string => smallFileCidOf(utf8(text));

const request: ExecutionRequest = {
  version: 1,
  network: NETWORK,
  program,
  input: { bytes: new Uint8Array([1]) },
  user: user.publicKey(),
  nonce: new Uint8Array(32),
  maxGas: 100n,
  validUntil: 2_000n,
};

function planWith(skipped: readonly Uint8Array[]): ExecutionPlan {
  const account = {
    id: program,
    sequence: 7n,
    image: { address: `wasm:${cid("module")}` },
    program: { kind: "wasi", cid: cid("module") },
    state: cid("old"),
    gasPriceStroops: 1_000n,
  } as SmartAccount;
  return {
    account,
    request,
    requestHash: new Uint8Array(32),
    paymentLedger: { sequence: 3, hash: new Uint8Array(32), closeTime: 1_000 },
    tip: { recordCid: recordCidOf(utf8("tip")), envelope: new Uint8Array([9]), sequence: 6n, ledger: 2, skipped },
    run: {
      program,
      reference: account.program,
      state: account.state,
      input: request.input,
      sequence: 7n,
      time: 1_000n,
      seed: new Uint8Array(32),
    },
  };
}

function recordWith(skipped: readonly Uint8Array[]): TransitionRecord {
  const output = new Uint8Array();
  const outcome = { status: "accepted", output, outputCid: smallFileCidOf(output), newState: cid("new") } as const;
  const { transition } = conclude(
    planWith(skipped),
    { ...outcome, gas: 10n, seconds: 1, detail: "" },
    signRequest(request, new Uint8Array(32), user),
    NETWORK,
  );
  const record = decodeRecord(transition?.recordBlock ?? new Uint8Array());
  if (record.kind !== "transition") throw new Error("expected a transition");
  return record;
}

describe("conclude", () => {
  it("should name every envelope that failed in between, however many there are, in a record that can be read", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { maxLength: 60 }), (envelopes) => {
        const skipped = envelopes.map((envelope) => new Uint8Array(envelope));
        const record = recordWith(skipped);
        const kept = skipped.slice(-MAX_SKIPPED_ENVELOPES);
        const before = skipped.slice(0, skipped.length - kept.length);
        expect(record.skipped).to.deep.equal(kept);
        expect(record.skippedBefore).to.deep.equal(
          before.length === 0
            ? undefined
            : { count: before.length, hash: sha256(concatBytes(utf8("sprf/skipped/1"), ...before.map(sha256))) },
        );
      }),
      { numRuns: 50 },
    );
  });

  it("should sign no transition for a run that costs more gas than the request allows", () => {
    const output = new Uint8Array();
    const { answer, transition } = conclude(
      planWith([]),
      {
        status: "accepted",
        output,
        outputCid: smallFileCidOf(output),
        newState: cid("new"),
        gas: request.maxGas + 1n,
        seconds: 1,
        detail: "",
      },
      signRequest(request, new Uint8Array(32), user),
      NETWORK,
    );
    expect(transition).to.equal(undefined);
    expect(answer).to.include({ status: "out-of-gas", newState: cid("old"), previousState: cid("old") });
  });
});
