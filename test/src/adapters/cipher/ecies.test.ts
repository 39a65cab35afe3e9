import { expect } from "chai";
import fc from "fast-check";

import {
  CIPHER_OVERHEAD_BYTES,
  CIPHER_PADDING_BYTES,
  createEciesCipher,
} from "../../../../src/adapters/cipher/ecies.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const cipherOf = (name: string) => createEciesCipher({ messageKey: messageKeysOf(name).privateKey });
const alice = cipherOf("alice");
const bob = cipherOf("bob");

describe("adapters/cipher/ecies", () => {
  it("opens what was sealed to its key, and says who sealed it", async () => {
    for (const length of [0, 1, 255, 256, 65_536, 300_000]) {
      const payload = new Uint8Array(length).fill(7);
      const opened = await bob.open(await alice.sealTo(bob.publicKey, payload));
      expect(opened?.payload).to.deep.equal(payload);
      expect(opened?.signer).to.deep.equal(alice.publicKey);
    }
  });

  it("opens what was sealed to nobody else's", async () => {
    const sealed = await alice.sealTo(bob.publicKey, new Uint8Array([1]));
    expect(await alice.open(sealed)).to.equal(undefined);
    expect(await cipherOf("mallory").open(sealed)).to.equal(undefined);
  });

  it("tells of a size only its multiple of the padding", async () => {
    const sizes = await Promise.all(
      [1, 100, 180].map(async (length) => (await alice.sealTo(bob.publicKey, new Uint8Array(length))).length),
    );
    expect(new Set(sizes)).to.have.lengthOf(1);
    expect((sizes[0] ?? 0) - CIPHER_OVERHEAD_BYTES).to.be.below(2 * CIPHER_PADDING_BYTES);
  });

  it("opens nothing that was changed or that is no ciphertext, and never rejects", async () => {
    const sealed = await alice.sealTo(bob.publicKey, new Uint8Array(40));
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const changed = sealed.slice();
        changed[at] = (changed[at] ?? 0) ^ by;
        expect(await bob.open(changed)).to.equal(undefined);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
        expect(await bob.open(new Uint8Array(bytes))).to.equal(undefined);
      }),
    );
  });

  it("seals to no key that is none", async () => {
    expect(await codeOf(alice.sealTo(new Uint8Array(64).fill(1), new Uint8Array(1)))).to.equal("INVALID_INPUT");
  });
});
