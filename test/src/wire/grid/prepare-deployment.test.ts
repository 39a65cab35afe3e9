import { expect } from "chai";

import { createEciesCipher } from "../../../../src/adapters/cipher/ecies.ts";
import { prepareDeployment } from "../../../../src/wire/grid/prepare-deployment.ts";
import { openSecrets, sealSecrets } from "../../../../src/wire/grid/secrets.ts";
import { hashDeployment, type Workload } from "../../../../src/wire/grid/workload.ts";
import { emptyWorkload, exampleWorkload } from "../../../helpers/grid-workloads.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const draftOf = ({ salt: _salt, secretsHash: _hash, ...draft }: Workload) => draft;
const parts = {
  creator: new Uint8Array(20).fill(2),
  salt: new Uint8Array(16).fill(3),
  blinding: new Uint8Array(16).fill(4),
  secretValues: new Map([
    ["db_password", "correct horse"],
    ["unused", "battery staple"],
  ]),
};

describe("wire/grid/prepare-deployment", () => {
  it("makes a workload whose secrets open on the node, and only those in use", async () => {
    const { workload, secrets, deploymentHash } = prepareDeployment(draftOf(exampleWorkload()), parts);
    expect(deploymentHash).to.deep.equal(hashDeployment(workload));
    if (secrets === undefined) return expect.fail("expected secrets");
    const [user, node] = ["user", "node"].map((name) => messageKeysOf(name));
    if (user === undefined || node === undefined) return expect.fail("expected keys");
    const sealed = await sealSecrets(secrets, {
      cipher: createEciesCipher({ messageKey: user.privateKey }),
      node: node.publicKey,
    });
    const cipher = createEciesCipher({ messageKey: node.privateKey });
    const values = await openSecrets(sealed, { cipher, creator: parts.creator, workload });
    expect([...values]).to.deep.equal([["db_password", "correct horse"]]);
  });

  it("needs no secrets where none is used", () => {
    const prepared = prepareDeployment(draftOf(emptyWorkload()), { ...parts, secretValues: new Map() });
    expect(prepared.secrets).to.equal(undefined);
    expect(prepared.workload.salt).to.deep.equal(parts.salt);
  });

  it("refuses a secret without a value", () => {
    const prepare = (): unknown => prepareDeployment(draftOf(exampleWorkload()), { ...parts, secretValues: new Map() });
    expect(prepare).to.throw().with.property("code", "INVALID_INPUT");
  });
});
