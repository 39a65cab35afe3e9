import { expect } from "chai";
import { SigningKey, computeAddress } from "ethers";
import fc from "fast-check";

import { fromHex, toHex } from "../../../src/utils/bytes.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import {
  addressOfKey,
  checkSecp256k1,
  isSecp256k1Native,
  recoverSigner,
  signDigest,
} from "../../../src/utils/recoverable-signature.ts";

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const key = new Uint8Array(32).fill(7);
const digest = new Uint8Array(32).fill(9);

describe("utils/recoverable-signature", () => {
  it("should sign as ethers does", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (hash) => {
        const expected = new SigningKey(key).sign(hash).serialized;
        expect(`0x${toHex(signDigest(hash, key))}`).to.equal(expected);
      }),
      { numRuns: 20 },
    );
  });

  it("should give the signer's address", () => {
    const address = computeAddress(`0x${toHex(key)}`).toLowerCase();
    expect(addressOfKey(publicKeyOf(key))).to.equal(address);
    expect(recoverSigner(digest, signDigest(digest, key))).to.equal(address);
  });

  it("should refuse a high s, which would be a second signature of the same", () => {
    const signature = signDigest(digest, key);
    const s = BigInt(`0x${toHex(signature.subarray(32, 64))}`);
    const other = signature.slice();
    other.set(fromHex((ORDER - s).toString(16).padStart(64, "0")), 32);
    other[64] = signature[64] === 27 ? 28 : 27;
    expect(recoverSigner(digest, other)).to.equal(undefined);
  });

  it("should take no other length, v or numbers for a signature", () => {
    const signature = signDigest(digest, key);
    expect(recoverSigner(digest, signature.subarray(0, 64))).to.equal(undefined);
    for (const v of [0, 1, 26, 29]) {
      expect(recoverSigner(digest, new Uint8Array([...signature.subarray(0, 64), v]))).to.equal(undefined);
    }
    expect(recoverSigner(digest, new Uint8Array([...new Uint8Array(64), 27]))).to.equal(undefined);
  });

  it("should run on the native library where these tests run", () => {
    checkSecp256k1();
    expect(isSecp256k1Native()).to.equal(true);
  });
});
