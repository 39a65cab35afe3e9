import { expect } from "chai";
import { solidityPackedKeccak256 } from "ethers";
import fc from "fast-check";

import { commitmentOf, probeNonceOf, type TesterReport } from "../../../../src/domain/verdict/commitment.ts";
import { packVerdicts } from "../../../../src/domain/verdict/packed-verdicts.ts";
import type { Verdict } from "../../../../src/ports/chain.ts";
import { toHex } from "../../../../src/utils/bytes.ts";

const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => `0x${toHex(bytes)}`);
const reports: fc.Arbitrary<TesterReport> = fc.record({
  agreement: address,
  epoch: fc.nat(),
  tester: address,
  verdicts: fc.array(fc.constantFrom<Verdict>("ok", "unreachable", "wrong"), { minLength: 1, maxLength: 20 }),
  evidenceCid: fc.string({ maxLength: 64 }),
  salt: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

const packed = ({ verdicts }: TesterReport): bigint => packVerdicts(verdicts);

describe("domain/verdict/commitment", () => {
  // Written out by hand, word by word, so that it does not share the encoder's mistakes.
  it("should be the keccak256 of the ABI encoding that the contract states", () => {
    const word = (value: bigint | number): string => BigInt(value).toString(16).padStart(64, "0");
    const salt = new Uint8Array(32).fill(0xab);
    const encoded = [
      word(0x1111111111111111111111111111111111111111n),
      word(5),
      word(0x2222222222222222222222222222222222222222n),
      // ok, unreachable, wrong: 2 bits each, the first one lowest.
      word(0b10_01_00),
      word(0xc0),
      toHex(salt),
      word(4) + Buffer.from("bafy").toString("hex").padEnd(64, "0"),
    ].join("");
    const commitment = commitmentOf({
      agreement: `0x${"11".repeat(20)}`,
      epoch: 5,
      tester: `0x${"22".repeat(20)}`,
      verdicts: ["ok", "unreachable", "wrong"],
      evidenceCid: "bafy",
      salt,
    });
    expect(`0x${toHex(commitment)}`).to.equal(solidityPackedKeccak256(["bytes"], [`0x${encoded}`]));
  });

  it("should change with every part of the report", () => {
    fc.assert(
      fc.property(reports, reports, (a, b) => {
        const commitment = toHex(commitmentOf(a));
        for (const key of Object.keys(a) as Array<keyof TesterReport>) {
          // An agreement has as many verdicts as it has workers, so trailing ones that are ok need not be told apart.
          const same = key === "verdicts" ? packed(a) === packed(b) : JSON.stringify(a[key]) === JSON.stringify(b[key]);
          expect(toHex(commitmentOf({ ...a, [key]: b[key] })) === commitment).to.equal(same);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("should give a probe's request a nonce that names agreement, epoch, tester and salt", () => {
    fc.assert(
      fc.property(reports, reports, (a, b) => {
        expect(probeNonceOf(a)).to.have.length(32);
        expect(toHex(probeNonceOf(a))).to.equal(toHex(probeNonceOf({ ...b, ...pick(a) })));
        expect(toHex(probeNonceOf(a))).not.to.equal(toHex(probeNonceOf({ ...a, epoch: a.epoch + 1 })));
        expect(toHex(probeNonceOf(a))).not.to.equal(toHex(commitmentOf(a)));
      }),
      { numRuns: 50 },
    );
  });
});

function pick({
  agreement,
  epoch,
  tester,
  salt,
}: TesterReport): Pick<TesterReport, "agreement" | "epoch" | "tester" | "salt"> {
  return { agreement, epoch, tester, salt };
}
