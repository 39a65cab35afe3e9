import { expect } from "chai";
import fc from "fast-check";

import type { RunResultClaim } from "../../../src/ports/run-queue.ts";
import type { RunPlan } from "../../../src/ports/runs.ts";
import { decodeRunClaim, decodeRunPlan, encodeRunClaim, encodeRunPlan } from "../../../src/wire/run-job.ts";
import { codeThrown } from "../../helpers/code-of.ts";

const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const PROGRAM = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ";
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const plans: fc.Arbitrary<RunPlan> = fc.record({
  program: fc.constant(PROGRAM),
  reference: fc.constantFrom<RunPlan["reference"]>(
    { kind: "wasi", cid: CID },
    { kind: "docker", image: "localhost:5000/a/b:1", digest: "0a".repeat(32) },
  ),
  state: fc.constant(CID),
  input: fc.oneof(fc.record({ bytes: fc.uint8Array({ maxLength: 64 }) }), fc.constant({ cid: CID })) as fc.Arbitrary<
    RunPlan["input"]
  >,
  sequence: uint64,
  time: uint64,
  seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  limits: fc.constantFrom(undefined, { memoryBytes: 1, outputBytes: 2, stateBytes: 3 }),
  gasTable: fc.constantFrom(undefined, {
    fixed: 1n,
    perInputByte: 2n,
    perOutputByte: 3n,
    perStateKib: 4n,
    perSecond: 5n,
  }),
});

const claims: fc.Arbitrary<RunResultClaim> = fc.oneof(
  fc.record({
    kind: fc.constant("done" as const),
    status: fc.constantFrom("accepted" as const, "rejected" as const),
    outputCid: fc.constant(CID),
    newState: fc.constant(CID),
    state: fc.constantFrom("file" as const, "directory" as const),
    gas: uint64,
    seconds: fc.integer({ min: 1, max: 50 }),
    detail: fc.string(),
  }),
  fc.record({
    kind: fc.constant("failed" as const),
    code: fc.constantFrom("ENGINE_FAILED" as const, "TIMEOUT" as const),
    message: fc.string(),
    wasBegun: fc.boolean(),
  }),
);

describe("wire/run-job", () => {
  it("should give plans and claims back as they were, through JSON", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const back = decodeRunPlan(JSON.parse(JSON.stringify(encodeRunPlan(plan))));
        expect({ ...back, seed: [...back.seed] }).to.deep.equal({ ...plan, seed: [...plan.seed] });
      }),
    );
    fc.assert(
      fc.property(claims, (claim) => {
        expect(decodeRunClaim(JSON.parse(JSON.stringify(encodeRunClaim(claim))))).to.deep.equal(claim);
      }),
    );
  });

  it("should take nothing else", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codeThrown(() => decodeRunPlan(value))).to.equal("INVALID_INPUT");
        expect(codeThrown(() => decodeRunClaim(value))).to.equal("INVALID_INPUT");
      }),
    );
    const done = {
      kind: "done",
      status: "accepted",
      outputCid: CID,
      newState: CID,
      state: "file",
      gas: "1",
      detail: "",
    };
    for (const odd of [
      { ...done, seconds: 0 },
      { ...done, seconds: 1, gas: "-1" },
      { ...done, seconds: 1, newState: "x" },
    ]) {
      expect(codeThrown(() => decodeRunClaim(odd))).to.equal("INVALID_INPUT");
    }
  });
});
