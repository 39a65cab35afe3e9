import { expect } from "chai";
import fc from "fast-check";

import { decideAppeal, type AppealStakes, type Finding } from "../../../../src/domain/appeal/decide-appeal.ts";

const wei = fc.bigInt({ min: 0n, max: 10n ** 21n });
const findings = fc.array(fc.constantFrom<Finding>("refuted", "unsupported", "stands"), { minLength: 1, maxLength: 7 });
const stakes: fc.Arbitrary<AppealStakes> = fc.record({
  outcome: fc.constantFrom("wrong", "unreachable"),
  findings,
  testerCount: fc.constantFrom(1, 3, 5, 7),
  bondWei: wei,
  payWei: wei,
  slashWei: wei,
  gasWei: wei,
});

describe("domain/appeal/decide-appeal", () => {
  it("should never put up more than it can expect to win", () => {
    fc.assert(
      fc.property(stakes, (each) => {
        const { appeal, chance } = decideAppeal(each);
        if (!appeal) return;
        const prizeWei = each.payWei + (each.outcome === "wrong" ? each.slashWei : 0n);
        const expected = prizeWei * BigInt(chance) - each.bondWei * BigInt(10_000 - chance) - each.gasWei * 10_000n;
        expect(expected > 0n).to.equal(true);
      }),
    );
  });

  it("should not appeal where most of the seats accuse it with reason", () => {
    fc.assert(
      fc.property(stakes, (each) => {
        const standing = each.findings.filter((finding) => finding === "stands").length;
        fc.pre(standing * 2 > each.testerCount);
        expect(decideAppeal({ ...each, payWei: 10n ** 30n })).to.deep.equal({
          appeal: false,
          chance: 0,
          reason: "accusations-stand",
        });
      }),
    );
  });

  it("should still appeal when there is more to win, or an accusation less to fear", () => {
    fc.assert(
      fc.property(stakes, wei, (each, moreWei) => {
        fc.pre(decideAppeal(each).appeal);
        expect(decideAppeal({ ...each, payWei: each.payWei + moreWei }).appeal).to.equal(true);
        const refuted = each.findings.map((): Finding => "refuted");
        expect(decideAppeal({ ...each, findings: refuted }).appeal).to.equal(true);
      }),
    );
  });

  it("should count the slash for a wrong outcome alone, and leave good outcomes alone", () => {
    const each: AppealStakes = {
      outcome: "wrong",
      findings: ["refuted", "refuted"],
      testerCount: 3,
      bondWei: 700n,
      payWei: 10n,
      slashWei: 1_000n,
      gasWei: 1n,
    };
    expect(decideAppeal(each)).to.deep.equal({ appeal: true, chance: 9_000, reason: "worth-it" });
    expect(decideAppeal({ ...each, outcome: "unreachable" }).reason).to.equal("not-worth-it");
    for (const outcome of ["ok", "no-quorum", "pending", "resigned"] as const) {
      expect(decideAppeal({ ...each, outcome }).reason).to.equal("no-fault-found");
    }
  });
});
