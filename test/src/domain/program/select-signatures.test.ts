import { expect } from "chai";
import fc from "fast-check";

import { selectSignatures, type SignatureCheck } from "../../../../src/domain/program/select-signatures.ts";

const KEYS = ["a", "b", "c", "d", "e"];
const signer = fc.record({ key: fc.constantFrom(...KEYS), weight: fc.constantFrom(0, 1, 1, 1, 2, 300) });
const check: fc.Arbitrary<SignatureCheck> = fc.record({
  account: fc.constantFrom("program", "user"),
  signers: fc.uniqueArray(signer, { selector: ({ key }) => key, minLength: 1, maxLength: 5 }),
  threshold: fc.integer({ min: 0, max: 4 }),
});
const checks = fc.array(check, { minLength: 1, maxLength: 3 });
const available = fc.shuffledSubarray(KEYS);

describe("selection of signatures", () => {
  it("takes exactly the majority of workers of weight 1, in the order of preference", () => {
    const workers = ["w1", "w2", "w3"].map((key) => ({ key, weight: 1 }));
    const program = { account: "program", signers: workers, threshold: 2 };
    expect(selectSignatures(["w3", "w1", "w2"], [program])).to.deep.equal(["w3", "w1"]);
  });

  it("takes the user's signature as well, and one that serves both accounts once", () => {
    const program = {
      account: "program",
      signers: [
        { key: "w1", weight: 1 },
        { key: "w2", weight: 1 },
      ],
      threshold: 2,
    };
    const user = { account: "user", signers: [{ key: "u", weight: 1 }], threshold: 0 };
    expect(selectSignatures(["w1", "w2", "u"], [program, user])).to.deep.equal(["w1", "w2", "u"]);
    const workerAsUser = { account: "w1", signers: [{ key: "w1", weight: 1 }], threshold: 0 };
    expect(selectSignatures(["w1", "w2", "w1"], [program, workerAsUser])).to.deep.equal(["w1", "w2"]);
  });

  it("counts no weight above 255 and no signer of weight 0", () => {
    const heavy = {
      account: "user",
      signers: [
        { key: "a", weight: 300 },
        { key: "b", weight: 1 },
      ],
      threshold: 256,
    };
    expect(selectSignatures(["a", "b"], [heavy])).to.deep.equal(["a", "b"]);
    const zero = { account: "user", signers: [{ key: "a", weight: 0 }], threshold: 0 };
    expect(() => selectSignatures(["a"], [zero]))
      .to.throw()
      .with.property("code", "NOT_ENOUGH_SIGNATURES");
  });

  it("gives what the ledger accepts, or says that no choice among the keys would be accepted", () => {
    fc.assert(
      fc.property(available, checks, (keys, list) => {
        const possible = choicesOf(keys).some((choice) => isAccepted(choice, list));
        let chosen: readonly string[] | undefined;
        try {
          chosen = selectSignatures(keys, list);
        } catch (error) {
          expect(error).to.have.property("code", "NOT_ENOUGH_SIGNATURES");
        }
        expect(chosen !== undefined).to.equal(possible);
        if (chosen === undefined) return;
        expect(isAccepted(chosen, list), chosen.join()).to.equal(true);
        expect(keys).to.include.members([...chosen]);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Every choice of keys, in every order. */
function choicesOf(keys: readonly string[]): string[][] {
  return [[], ...keys.flatMap((key) => choicesOf(keys.filter((other) => other !== key)).map((rest) => [key, ...rest]))];
}

/** The ledger's rule, written as stellar-core's SignatureChecker does it: mark what is used, then demand that all was. */
function isAccepted(signatures: readonly string[], list: readonly SignatureCheck[]): boolean {
  const used = signatures.map(() => false);
  for (const { signers, threshold } of list) {
    const left = signers.filter(({ weight }) => weight > 0);
    let total = 0;
    const isReached = signatures.some((key, i) => {
      const at = left.findIndex((candidate) => candidate.key === key);
      if (at < 0) return false;
      used[i] = true;
      total += Math.min(left[at]!.weight, 255);
      left.splice(at, 1);
      return total >= threshold;
    });
    if (!isReached) return false;
  }
  return used.every(Boolean);
}
