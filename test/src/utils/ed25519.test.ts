import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";
import fc from "fast-check";

import { verifyByAccount } from "../../../src/utils/ed25519.ts";

const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

describe("verifyByAccount", () => {
  it("should take what the SDK signs, and nothing with a bit changed in message or signature", () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), fc.nat(95), fc.nat(7), (seed, message, at, bit) => {
        const keypair = Keypair.fromRawEd25519Seed(seed);
        const signature = keypair.sign(message);
        expect(verifyByAccount(keypair.publicKey(), message, signature)).to.equal(true);
        const changed = Buffer.concat([message, signature]);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        const verdict = verifyByAccount(keypair.publicKey(), changed.subarray(0, 32), changed.subarray(32));
        expect(verdict).to.equal(false);
      }),
      { numRuns: 50 },
    );
  });

  it("should take no signature of another length or by another key", () => {
    const keypair = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 1));
    const other = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 2));
    const message = Buffer.from("message");
    const signature = keypair.sign(message);
    expect(verifyByAccount(other.publicKey(), message, signature)).to.equal(false);
    for (const length of [0, 63, 65]) {
      expect(verifyByAccount(keypair.publicKey(), message, Buffer.alloc(length))).to.equal(false);
    }
  });
});
