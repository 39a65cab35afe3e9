import { expect } from "chai";
import fc from "fast-check";

import { createEciesCipher } from "../../../../src/adapters/cipher/ecies.ts";
import { concatBytes, utf8 } from "../../../../src/utils/bytes.ts";
import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import { MAX_SECRET_BYTES, MAX_SECRETS_BYTES } from "../../../../src/wire/grid/limits.ts";
import {
  decodeSecrets,
  encodeSecrets,
  hashSecrets,
  openSecrets,
  sealSecrets,
  type DeploymentSecrets,
} from "../../../../src/wire/grid/secrets.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { exampleSecrets, exampleWorkload } from "../../../helpers/grid-workloads.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const cipherOf = (name: string) => createEciesCipher({ messageKey: messageKeysOf(name).privateKey });
const user = cipherOf("user");
const node = cipherOf("node");
const CREATOR = exampleSecrets().creator;
const workload = exampleWorkload({ secretsHash: hashSecrets(exampleSecrets()) });

describe("wire/grid/secrets", () => {
  it("opens for the node what the user sealed for this workload", async () => {
    const sealed = await sealSecrets(exampleSecrets(), { cipher: user, node: node.publicKey });
    const values = await openSecrets(sealed, { cipher: node, creator: CREATOR, workload });
    expect([...values]).to.deep.equal([["db_password", "correct horse"]]);
    expect(Buffer.from(sealed).includes("correct horse")).to.equal(false);
  });

  it("is the same to the workload when it is sealed to another node", async () => {
    const other = cipherOf("other node");
    const sealed = await sealSecrets(exampleSecrets(), { cipher: user, node: other.publicKey });
    expect((await openSecrets(sealed, { cipher: other, creator: CREATOR, workload })).size).to.equal(1);
  });

  it("refuses a copy in somebody else's deployment, and other secrets than the workload's", async () => {
    const sealed = await sealSecrets(exampleSecrets(), { cipher: user, node: node.publicKey });
    const open = (changes: object): Promise<unknown> =>
      openSecrets(sealed, { cipher: node, creator: CREATOR, workload, ...changes });
    const refused = [
      { creator: new Uint8Array(20).fill(9) },
      { workload: { ...workload, salt: new Uint8Array(16) } },
      { workload: { ...workload, secretsHash: new Uint8Array(32) } },
      { workload: { ...workload, secretsHash: undefined } },
      { cipher: user },
    ];
    for (const changes of refused) expect(await codeOf(open(changes))).to.equal("SECRETS_INVALID");
    const without: DeploymentSecrets = { ...exampleSecrets(), values: { other: "x" } };
    const sealedWithout = await sealSecrets(without, { cipher: user, node: node.publicKey });
    const lacking = { ...workload, secretsHash: hashSecrets(without) };
    expect(await codeOf(openSecrets(sealedWithout, { cipher: node, creator: CREATOR, workload: lacking }))).to.equal(
      "SECRETS_INVALID",
    );
  });

  it("refuses what is signed and sealed, and no secrets", async () => {
    for (const payload of [new Uint8Array(0), utf8("sprf/deployment-secrets/1"), encodeSecrets(exampleSecrets())]) {
      const sealed = await user.sealTo(node.publicKey, payload);
      expect(await codeOf(openSecrets(sealed, { cipher: node, creator: CREATOR, workload }))).to.equal(
        "SECRETS_INVALID",
      );
    }
    const extra = encodeCanonical({ ...exampleSecrets(), extra: 1 });
    const sealed = await user.sealTo(node.publicKey, concatBytes(utf8("sprf/deployment-secrets/1"), extra));
    expect(await codeOf(openSecrets(sealed, { cipher: node, creator: CREATOR, workload }))).to.equal("SECRETS_INVALID");
  });

  it("has another hash for any other value, name, creator, salt or blinding", () => {
    const changes: Partial<DeploymentSecrets>[] = [
      {},
      { values: { db_password: "correct horses" } },
      { values: { db_passwort: "correct horse" } },
      { creator: new Uint8Array(20).fill(9) },
      { salt: new Uint8Array(16).fill(9) },
      { blinding: new Uint8Array(16).fill(9) },
    ];
    const hashes = changes.map((change) =>
      Buffer.from(hashSecrets({ ...exampleSecrets(), ...change })).toString("hex"),
    );
    expect(new Set(hashes)).to.have.lengthOf(changes.length);
  });

  it("keeps its limits, and quotes no value in what it says", () => {
    const texts = (lengths: readonly number[]): DeploymentSecrets => ({
      ...exampleSecrets(),
      values: Object.fromEntries(lengths.map((length, index) => [`s${index}`, "x".repeat(length)])),
    });
    expect(decodeSecrets(encodeSecrets(texts([MAX_SECRET_BYTES])))).to.deep.equal(texts([MAX_SECRET_BYTES]));
    expect(() => encodeSecrets(texts([MAX_SECRET_BYTES + 1])))
      .to.throw()
      .with.property("code", "INVALID_INPUT");
    const quarter = MAX_SECRETS_BYTES / 4;
    expect(() => encodeSecrets(texts([quarter, quarter, quarter, quarter])))
      .to.throw()
      .with.property("code", "INVALID_INPUT");
    expect(() => decodeSecrets(new Uint8Array(MAX_SECRETS_BYTES + 1)))
      .to.throw()
      .with.property("code", "SECRETS_INVALID");
    const bad = { ...exampleSecrets(), values: { a: "hunter2\0" } };
    expect(() => encodeSecrets(bad))
      .to.throw()
      .and.satisfy((error: Error) => !error.message.includes("hunter2"));
  });

  it("refuses hostile bytes with one code", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeSecrets(new Uint8Array(bytes)))
          .to.throw()
          .with.property("code", "SECRETS_INVALID");
      }),
    );
  });
});
