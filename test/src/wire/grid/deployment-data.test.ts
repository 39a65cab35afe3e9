import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";

import { expect } from "chai";
import fc from "fast-check";

import { createEciesCipher } from "../../../../src/adapters/cipher/ecies.ts";
import { concatBytes, utf8 } from "../../../../src/utils/bytes.ts";
import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import {
  openDeploymentData,
  sealDeploymentData,
  type DeploymentData,
} from "../../../../src/wire/grid/deployment-data.ts";
import { MAX_DEPLOYMENT_DATA_BYTES } from "../../../../src/wire/grid/limits.ts";
import { hashSecrets } from "../../../../src/wire/grid/secrets.ts";
import { encodeWorkload, hashDeployment } from "../../../../src/wire/grid/workload.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import {
  exampleContainer,
  exampleSecrets,
  exampleWorkload,
  workloadArbitrary,
} from "../../../helpers/grid-workloads.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const cipherOf = (name: string) => createEciesCipher({ messageKey: messageKeysOf(name).privateKey });
const user = cipherOf("user");
const secrets = exampleSecrets();
const example: DeploymentData = {
  nodeId: 3n,
  name: "shop",
  workload: exampleWorkload({ secretsHash: hashSecrets(secrets) }),
  secrets,
};
const DOMAIN = utf8("sprf/deployment-data/1");

describe("wire/grid/deployment-data", () => {
  it("gives back what was sealed, and the hash to compare", async () => {
    const sealed = await sealDeploymentData(example, user);
    expect(await openDeploymentData(sealed, user)).to.deep.equal({
      kind: "data",
      data: example,
      deploymentHash: hashDeployment(example.workload),
    });
    expect(sealed.length).to.be.below(1_024);
  });

  it("gives back any workload", async () => {
    await fc.assert(
      fc.asyncProperty(workloadArbitrary, async (workload) => {
        const opened = await openDeploymentData(await sealDeploymentData({ nodeId: 1n, workload }, user), user);
        expect(opened).to.have.deep.property("data", { nodeId: 1n, workload });
      }),
      { numRuns: 40 },
    );
  });

  it("holds far more text than bytes, and says when it is too large", async () => {
    const of = (text: string): DeploymentData => {
      const [container] = example.workload.containers;
      return {
        ...example,
        workload: { ...example.workload, containers: [exampleContainer({ ...container, command: [text] })] },
      };
    };
    const sealed = await sealDeploymentData(of("listen_addresses = '*'\n".repeat(1_300)), user);
    expect(sealed.length).to.be.below(2_048);
    const noise = randomBytes(MAX_DEPLOYMENT_DATA_BYTES).toString("base64");
    expect(await codeOf(sealDeploymentData(of(noise), user))).to.equal("DEPLOYMENT_DATA_TOO_LARGE");
  });

  const problemOf = async (sealed: Uint8Array): Promise<string> => {
    const opened = await openDeploymentData(sealed, user);
    return opened.kind === "problem" ? opened.problem : opened.kind;
  };

  it("names the problem of whatever else the chain holds, and never rejects", async () => {
    const sealTo = async (...parts: Uint8Array[]): Promise<Uint8Array> =>
      await user.sealTo(user.publicKey, concatBytes(...parts));
    const form = (value: number): Uint8Array => new Uint8Array([value]);
    const workload = encodeWorkload(example.workload);
    expect(await problemOf(new Uint8Array(0))).to.equal("empty");
    expect(await problemOf(new Uint8Array(MAX_DEPLOYMENT_DATA_BYTES + 1))).to.equal("too-large");
    expect(await problemOf(new Uint8Array(500))).to.equal("not-ours");
    expect(await problemOf(await sealDeploymentData(example, cipherOf("somebody")))).to.equal("not-ours");
    expect(await problemOf(await sealTo(utf8("sprf/deployment-data/2"), form(0)))).to.equal("unknown-version");
    const damaged = [
      [utf8("hello")],
      [DOMAIN],
      [DOMAIN, form(2), workload],
      [DOMAIN, form(0), workload],
      [DOMAIN, form(1), workload],
      [DOMAIN, form(0), encodeCanonical({ nodeId: 1, workload: new Uint8Array(3) })],
      [DOMAIN, form(0), encodeCanonical({ nodeId: 1, workload, secrets: new Uint8Array(3) })],
      [DOMAIN, form(0), encodeCanonical({ nodeId: 1, workload, extra: 1 })],
    ];
    for (const parts of damaged) expect(await problemOf(await sealTo(...parts))).to.equal("damaged");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, isDeflated) => {
        const form1 = form(isDeflated ? 1 : 0);
        expect(await problemOf(await sealTo(DOMAIN, form1, new Uint8Array(bytes)))).to.equal("damaged");
      }),
      { numRuns: 50 },
    );
  });

  it("does not take what the node wrote over it, though it is sealed to the user", async () => {
    const node = cipherOf("node");
    const body = encodeCanonical({ nodeId: 1, workload: encodeWorkload(example.workload) });
    const forged = await node.sealTo(user.publicKey, concatBytes(DOMAIN, new Uint8Array([0]), body));
    expect(await problemOf(forged)).to.equal("not-ours");
  });

  it("is not blown up by a small thing that inflates to a large one", async () => {
    const bomb = deflateRawSync(new Uint8Array(4 * 1024 * 1024), { level: 9 });
    expect(bomb.length).to.be.below(MAX_DEPLOYMENT_DATA_BYTES);
    const sealed = await user.sealTo(user.publicKey, concatBytes(DOMAIN, new Uint8Array([1]), new Uint8Array(bomb)));
    expect(await problemOf(sealed)).to.equal("damaged");
  });
});
