import { expect } from "chai";
import fc from "fast-check";

import {
  decideVerdict,
  isNonDeterministic,
  type Liveness,
  type OwnRuns,
  type WorkerProbe,
} from "../../../../src/domain/verdict/decide-verdict.ts";
import type { ExecutionAnswer } from "../../../../src/wire/execution-answer.ts";

const CIDS = [
  "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
  "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
] as const;

const answers: fc.Arbitrary<ExecutionAnswer> = fc.record({
  requestHash: fc.constant(new Uint8Array(32)),
  sequence: fc.constant(1n),
  previousState: fc.constantFrom(...CIDS),
  status: fc.constantFrom("accepted" as const, "rejected" as const),
  outputCid: fc.constantFrom(...CIDS),
  newState: fc.constantFrom(...CIDS),
  gas: fc.constantFrom(1n, 2n),
});
const codes = fc.constantFrom("TIMEOUT", "ENGINE_FAILED", "CONTENT_NOT_FOUND");
const ownRuns: fc.Arbitrary<OwnRuns> = fc.oneof(
  fc.record({ kind: fc.constant("agreed" as const), answer: answers }),
  fc.record({ kind: fc.constant("differ" as const), answers: fc.tuple(answers, answers) }),
  fc.record({ kind: fc.constant("failed" as const), code: codes }),
);
const answered = fc.record({
  kind: fc.constant("answered" as const),
  answer: answers,
  onKnownState: fc.boolean(),
  own: ownRuns,
  engine: fc.constantFrom("wasi" as const, "docker" as const),
  vetted: fc.boolean(),
});
const probes: fc.Arbitrary<WorkerProbe> = fc.oneof(
  fc.record({ kind: fc.constant("none" as const), reason: fc.constant("no-program") }),
  fc.record({ kind: fc.constant("failed" as const), code: codes }),
  fc.record({ kind: fc.constant("silent" as const), code: codes }),
  answered,
);
const livenesses: fc.Arbitrary<Liveness> = fc.oneof(
  fc.constant({ live: true } as const),
  fc.record({ live: fc.constant(false as const), code: codes }),
);

const ANSWER: ExecutionAnswer = {
  requestHash: new Uint8Array(32),
  sequence: 7n,
  previousState: CIDS[0],
  status: "accepted",
  outputCid: CIDS[0],
  newState: CIDS[1],
  gas: 11n,
};
const PROBE = {
  kind: "answered",
  answer: ANSWER,
  onKnownState: true,
  own: { kind: "agreed", answer: { ...ANSWER } },
  engine: "wasi",
  vetted: false,
} as const satisfies WorkerProbe;
const LIVE: Liveness = { live: true };

describe("domain/verdict/decide-verdict", () => {
  it("should find an equal answer ok", () => {
    expect(decideVerdict(LIVE, PROBE)).to.deep.equal({ verdict: "ok", reason: "same-answer" });
  });

  for (const [what, lie] of Object.entries({
    status: { status: "rejected" },
    output: { outputCid: CIDS[1] },
    state: { newState: CIDS[0] },
    gas: { gas: 12n },
  } satisfies Record<string, Partial<ExecutionAnswer>>)) {
    it(`should find another ${what} wrong on wasi or a vetted image, unreachable otherwise`, () => {
      const lying = { ...PROBE, answer: { ...ANSWER, ...lie } };
      expect(decideVerdict(LIVE, lying).verdict).to.equal("wrong");
      expect(decideVerdict({ live: false, code: "TIMEOUT" }, lying).verdict).to.equal("wrong");
      expect(decideVerdict(LIVE, { ...lying, engine: "docker" }).verdict).to.equal("unreachable");
      expect(decideVerdict(LIVE, { ...lying, engine: "docker", vetted: true }).verdict).to.equal("wrong");
    });
  }

  it("should not call another record wrong", () => {
    const other = { ...PROBE, answer: { ...ANSWER, recordCid: CIDS[0] } };
    expect(decideVerdict(LIVE, other)).to.deep.equal({ verdict: "unreachable", reason: "other-record" });
  });

  it("should check liveness alone when there is nothing to probe", () => {
    const none = { kind: "none", reason: "no-program" } as const;
    expect(decideVerdict(LIVE, none).verdict).to.equal("ok");
    expect(decideVerdict({ live: false, code: "TIMEOUT" }, none).verdict).to.equal("unreachable");
  });

  it("should be wrong only with two equal own runs that contradict a signed answer on a deterministic program", () => {
    fc.assert(
      fc.property(livenesses, probes, (liveness, probe) => {
        if (decideVerdict(liveness, probe).verdict !== "wrong") return;
        if (probe.kind !== "answered" || probe.own.kind !== "agreed") return expect.fail("nothing was proven");
        expect(probe.onKnownState).to.equal(true);
        expect(probe.engine === "wasi" || probe.vetted).to.equal(true);
        const { status, outputCid, newState, gas } = probe.own.answer;
        expect(probe.answer).not.to.deep.include({ status, outputCid, newState, gas });
      }),
      { numRuns: 2_000 },
    );
  });

  it("should be ok for a probed program only with a signed answer of a live worker", () => {
    fc.assert(
      fc.property(livenesses, probes, (liveness, probe) => {
        if (decideVerdict(liveness, probe).verdict !== "ok") return;
        expect(liveness.live).to.equal(true);
        expect(probe.kind).to.be.oneOf(["answered", "none"]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("should never blame a worker for the tester's own failure or a program that is not deterministic", () => {
    fc.assert(
      fc.property(answered, ownRuns, (probe, own) => {
        fc.pre(own.kind !== "agreed");
        const decision = decideVerdict(LIVE, { ...probe, onKnownState: true, own });
        expect(decision.verdict).to.equal("ok");
        expect(isNonDeterministic({ ...probe, own })).to.equal(own.kind === "differ");
      }),
    );
    expect(decideVerdict(LIVE, { kind: "failed", code: "LEDGER_UNREACHABLE" }).verdict).to.equal("undetermined");
  });
});
