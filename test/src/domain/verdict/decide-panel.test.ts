import { expect } from "chai";

import { decidePanelVerdict, type PanelFindings } from "../../../../src/domain/verdict/decide-panel.ts";
import type { AnsweredProbe } from "../../../../src/domain/verdict/decide-verdict.ts";
import type { ExecutionAnswer } from "../../../../src/wire/execution-answer.ts";
import { STATES } from "../../../helpers/tester-probe.ts";

const answer: ExecutionAnswer = {
  requestHash: new Uint8Array(32),
  sequence: 1n,
  previousState: STATES[0],
  status: "accepted",
  outputCid: STATES[0],
  newState: STATES[0],
  gas: 1n,
};
const probe = (changes: Partial<AnsweredProbe> = {}): AnsweredProbe => ({
  kind: "answered",
  answer,
  onKnownState: true,
  own: { kind: "agreed", answer },
  engine: "wasi",
  vetted: false,
  ...changes,
});
const lie = probe({ answer: { ...answer, newState: STATES[1] } });
const findings = (changes: Partial<PanelFindings> = {}): PanelFindings => ({
  liveness: { live: true },
  answers: [],
  signedWrongTransition: false,
  askedInVain: false,
  ownFailure: false,
  bound: true,
  ...changes,
});
const verdict = (changes: Partial<PanelFindings>): string => decidePanelVerdict(findings(changes)).verdict;

describe("domain/verdict/decide-panel", () => {
  it("should find a signed lie wrong, whoever holds it and whatever else there is", () => {
    expect(verdict({ answers: [probe(), lie] })).to.equal("wrong");
    expect(verdict({ answers: [lie], ownFailure: true, liveness: { live: false, code: "X" } })).to.equal("wrong");
    expect(verdict({ signedWrongTransition: true, answers: [probe()] })).to.equal("wrong");
  });

  it("should not call a mismatch wrong on an image that the worker did not vet", () => {
    expect(verdict({ answers: [{ ...lie, engine: "docker" }] })).to.equal("unreachable");
    expect(verdict({ answers: [{ ...lie, engine: "docker", vetted: true }] })).to.equal("wrong");
  });

  it("should acquit who can be shown to have answered, also when it is down now", () => {
    expect(verdict({ answers: [probe()], liveness: { live: false, code: "X" }, askedInVain: true })).to.equal("ok");
  });

  it("should believe a paid request that stayed without answer, and else what it sees itself", () => {
    expect(verdict({ askedInVain: true })).to.equal("unreachable");
    expect(verdict({ askedInVain: true, bound: false })).to.equal("ok");
    expect(verdict({})).to.equal("ok");
    expect(verdict({ liveness: { live: false, code: "X" } })).to.equal("unreachable");
  });

  it("should say nothing when it could not look", () => {
    expect(verdict({ ownFailure: true })).to.equal("undetermined");
    const unsure = probe({ own: { kind: "failed", code: "ENGINE_FAILED" } });
    expect(verdict({ answers: [unsure], ownFailure: true })).to.equal("undetermined");
  });

  it("should not blame anybody for a program whose results differ", () => {
    const own = { kind: "differ", answers: [answer, lie.answer] } as const;
    expect(verdict({ answers: [probe({ own })] })).to.equal("ok");
  });
});
