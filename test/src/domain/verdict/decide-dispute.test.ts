import { expect } from "chai";
import fc from "fast-check";

import { decideAppeal, decideChallenge } from "../../../../src/domain/verdict/decide-dispute.ts";

const ETHER = 10n ** 18n;

describe("domain/verdict/decide-dispute", () => {
  const challenge = {
    grounds: "no-answer",
    record: { won: 0, lost: 0 },
    missPenaltyWei: ETHER / 100n,
    gasPriceWei: 10n ** 9n,
    balanceWei: ETHER,
    today: 0,
    mostADay: 4,
  } as const;

  it("should challenge what has nothing to show, and what cannot be had", () => {
    expect(decideChallenge(challenge)).to.equal(true);
    expect(decideChallenge({ ...challenge, grounds: "evidence-missing" })).to.equal(true);
  });

  it("should stop when testers turn out to have their answers", () => {
    const lostTo = (grounds: "no-answer" | "evidence-missing"): number => {
      let lost = 0;
      while (decideChallenge({ ...challenge, grounds, record: { won: 0, lost } })) lost++;
      return lost;
    };
    expect(lostTo("evidence-missing")).to.equal(2);
    expect(lostTo("no-answer")).to.equal(9);
  });

  it("should not put up what it cannot spare, more than the day allows, or less than the gas", () => {
    expect(decideChallenge({ ...challenge, balanceWei: ETHER / 20n })).to.equal(false);
    expect(decideChallenge({ ...challenge, today: 4 })).to.equal(false);
    expect(decideChallenge({ ...challenge, gasPriceWei: 10n ** 12n })).to.equal(false);
  });

  it("should never expect a loss", () => {
    const wei = fc.bigInt({ min: 0n, max: 10n ** 20n });
    const count = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(wei, wei, count, count, (missPenaltyWei, gasPriceWei, won, lost) => {
        const parts = { ...challenge, record: { won, lost }, missPenaltyWei, gasPriceWei, balanceWei: 10n ** 24n };
        if (!decideChallenge(parts)) return;
        // At least two in three of such challenges have to win for it to pay.
        expect((won + 19) * 3 > (won + lost + 20) * 2).to.equal(true);
      }),
    );
  });

  const appeal = {
    proven: true,
    bondWei: 7n * 10n ** 14n,
    feeWei: 10n ** 14n,
    gasPriceWei: 10n ** 8n,
    balanceWei: ETHER,
  };

  it("should appeal with proof alone, and spend no more on it than the epoch earned", () => {
    expect(decideAppeal(appeal)).to.equal(true);
    expect(decideAppeal({ ...appeal, proven: false })).to.equal(false);
    expect(decideAppeal({ ...appeal, gasPriceWei: 10n ** 9n })).to.equal(false);
    expect(decideAppeal({ ...appeal, bondWei: ETHER / 5n })).to.equal(false);
    const wei = fc.bigInt({ min: 0n, max: 10n ** 18n });
    fc.assert(
      fc.property(wei, wei, wei, (bondWei, feeWei, gasPriceWei) => {
        if (!decideAppeal({ ...appeal, bondWei, feeWei, gasPriceWei, balanceWei: 10n ** 24n })) return;
        expect(bondWei / 20n <= feeWei && 150_000n * gasPriceWei <= feeWei).to.equal(true);
      }),
    );
  });
});
