import { expect } from "chai";
import fc from "fast-check";

import {
  hashFunctions,
  packSession,
  readCallSignature,
  sessionRefusal,
  unpackSession,
  writeCallSignature,
} from "../../../../src/domain/channel/sessions.ts";
import { codeThrown } from "../../../helpers/code-of.ts";
import { uint64 } from "../../../helpers/channel-arbitraries.ts";
import { toHex } from "../../../../src/utils/bytes.ts";

const signature = new Uint8Array(65).fill(1);
const functions = ["0x01020304", "0xaabbccdd"];
const data = new Uint8Array([1, 2, 3, 4, 5]);

describe("domain/channel/sessions", () => {
  it("should pack a session into a slot", () => {
    fc.assert(
      fc.property(uint64, fc.uint8Array({ minLength: 20, maxLength: 20 }), (expiryMs, hash) => {
        const session = { expiryMs, functionsHash: toHex(hash) };
        fc.pre(packSession(session) !== 0n);
        expect(unpackSession(packSession(session))).to.deep.equal(session);
      }),
    );
    expect(unpackSession(0n)).to.equal(undefined);
  });

  it("should read the functions behind a signature", () => {
    expect(readCallSignature(signature)).to.deep.equal({ signature, functions: [] });
    const field = writeCallSignature({ signature, functions });
    expect(readCallSignature(field)).to.deep.equal({ signature, functions });
    for (const wrong of [field.subarray(0, 64), field.subarray(0, 80), new Uint8Array(10_000)]) {
      expect(codeThrown(() => readCallSignature(wrong))).to.equal("MESSAGE_INVALID");
    }
  });

  it("should let a key do what its session says, until it expires", () => {
    const session = { expiryMs: 100n, functionsHash: hashFunctions(functions) };
    const refusal = (changes: Partial<Parameters<typeof sessionRefusal>[1]>) =>
      sessionRefusal(session, { functions, data, timeMs: 100, ...changes });
    expect(refusal({})).to.equal(undefined);
    expect(refusal({ timeMs: 101 })).to.match(/expired/);
    expect(refusal({ functions: [] })).to.match(/other functions/);
    expect(refusal({ functions: ["0x01020304"] })).to.match(/other functions/);
    expect(refusal({ data: new Uint8Array([1, 2, 3, 9]) })).to.match(/0x01020309/);
    expect(sessionRefusal(undefined, { functions, data, timeMs: 1 })).to.match(/no session/);
    const all = { expiryMs: 100n, functionsHash: hashFunctions([]) };
    expect(sessionRefusal(all, { functions: [], data, timeMs: 1 })).to.equal(undefined);
  });
});
