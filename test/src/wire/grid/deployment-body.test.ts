import { randomBytes } from "node:crypto";

import { expect } from "chai";
import fc from "fast-check";

import { createEciesCipher } from "../../../../src/adapters/cipher/ecies.ts";
import { concatBytes, utf8 } from "../../../../src/utils/bytes.ts";
import { encodeCanonical, smallFileCidOf } from "../../../../src/wire/canonical.ts";
import {
  MAX_BODY_BLOCK_BYTES,
  MAX_INLINE_BODY_BYTES,
  packBody,
  unpackBlock,
  unpackInline,
} from "../../../../src/wire/grid/deployment-body.ts";
import { MAX_SECRETS_BYTES } from "../../../../src/wire/grid/limits.ts";
import { hashDeployment, type Workload } from "../../../../src/wire/grid/workload.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { exampleContainer, exampleWorkload } from "../../../helpers/grid-workloads.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const cipherOf = (name: string) => createEciesCipher({ messageKey: messageKeysOf(name).privateKey });
const user = cipherOf("user");
const node = cipherOf("node");
const sealedSecrets = new Uint8Array(300).fill(1);
const seal = { cipher: user, node: node.publicKey };

const workloadOf = (words: readonly string[]): Workload => {
  const [container] = exampleWorkload().containers;
  return exampleWorkload({ containers: [exampleContainer({ ...container, command: [...words] })] });
};
/** 80,000 bytes, and so many more in a word of its own. */
const wordsOf = (length: number): string[] => [
  ...Array.from({ length: 4 }, () => "x".repeat(20_000)),
  "x".repeat(length),
];
const large = workloadOf([30_000, 30_000, 30_000, 30_000].map((length) => randomBytes(length / 2).toString("hex")));

describe("wire/grid/deployment-body", () => {
  it("travels in the message when it is small", async () => {
    const { carrier, block } = await packBody({ workload: exampleWorkload(), sealedSecrets }, seal);
    expect(block).to.equal(undefined);
    if (carrier.kind !== "inline") return expect.fail("expected it inline");
    expect(unpackInline(carrier.body)).to.deep.equal({
      workload: exampleWorkload(),
      sealedSecrets,
      deploymentHash: hashDeployment(exampleWorkload()),
    });
  });

  it("travels as the CID of a sealed block when it is large", async () => {
    const { carrier, block } = await packBody({ workload: large, sealedSecrets }, seal);
    if (carrier.kind !== "block" || block === undefined) return expect.fail("expected a block");
    expect(carrier).to.deep.equal({ kind: "block", cid: smallFileCidOf(block), bytes: block.length });
    const opened = await unpackBlock(block, { cipher: node, from: user.publicKey });
    expect(opened.workload).to.deep.equal(large);
    expect(opened.sealedSecrets).to.deep.equal(sealedSecrets);
    expect(opened.deploymentHash).to.deep.equal(hashDeployment(large));
  });

  it("is inline up to the limit to the byte", async () => {
    const kindOf = async (length: number): Promise<string> =>
      (await packBody({ workload: workloadOf(wordsOf(length)) }, seal)).carrier.kind;
    const { carrier } = await packBody({ workload: workloadOf(wordsOf(10_000)) }, seal);
    if (carrier.kind !== "inline") return expect.fail("expected it inline");
    const room = MAX_INLINE_BODY_BYTES - carrier.body.length;
    expect(await kindOf(10_000 + room)).to.equal("inline");
    expect(await kindOf(10_001 + room)).to.equal("block");
  });

  it("fits a block whatever a workload and its secrets may hold", async () => {
    const words = [...Array.from({ length: 8 }, () => "x".repeat(32_000)), "x".repeat(4_000)];
    const { block } = await packBody(
      { workload: workloadOf(words), sealedSecrets: new Uint8Array(MAX_SECRETS_BYTES) },
      seal,
    );
    expect(block?.length).to.be.at.most(MAX_BODY_BLOCK_BYTES);
  });

  it("is refused when somebody else sealed it, it is for another, or it is no deployment", async () => {
    const { block } = await packBody({ workload: large }, seal);
    if (block === undefined) return expect.fail("expected a block");
    const sealed = async (...parts: Uint8Array[]): Promise<Uint8Array> =>
      await user.sealTo(node.publicKey, concatBytes(...parts));
    const from = user.publicKey;
    const refused: [Uint8Array, { cipher: typeof node; from: Uint8Array }][] = [
      [block, { cipher: node, from: cipherOf("other").publicKey }],
      [block, { cipher: cipherOf("other"), from }],
      [new Uint8Array(500), { cipher: node, from }],
      [await sealed(utf8("hello")), { cipher: node, from }],
      [await sealed(utf8("sprf/deployment-body/1"), new Uint8Array(3)), { cipher: node, from }],
    ];
    for (const [bytes, as] of refused) expect(await codeOf(unpackBlock(bytes, as))).to.equal("DEPLOYMENT_INVALID");
  });

  it("refuses hostile bytes with one code", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.jsonValue().map(encodeCanonical)), (bytes) => {
        expect(() => unpackInline(new Uint8Array(bytes)))
          .to.throw()
          .with.property("code", "DEPLOYMENT_INVALID");
      }),
    );
  });
});
