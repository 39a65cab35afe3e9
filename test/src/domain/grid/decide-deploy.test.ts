import { expect } from "chai";
import fc from "fast-check";

import type { ContractFacts } from "../../../../src/domain/grid/contract-facts.ts";
import {
  decideDeploy,
  refuseSender,
  type HeldDeployment,
  type NodeFacts,
} from "../../../../src/domain/grid/decide-deploy.ts";
import { firstConflict, hostPortsOf } from "../../../../src/domain/grid/host-ports.ts";
import { hashDeployment, type Workload } from "../../../../src/wire/grid/workload.ts";
import {
  GIB,
  emptyWorkload,
  exampleContainer,
  exampleWorkload,
  workloadArbitrary,
} from "../../../helpers/grid-workloads.ts";
import { messageKeysOf } from "../../../helpers/message-keys.ts";

const user = new Uint8Array(messageKeysOf("user").publicKey);
const other = new Uint8Array(messageKeysOf("other").publicKey);
const request = { kind: "deploy" as const, from: user };
const addresses = { loopback: "127.0.0.1", node: "192.0.2.1" };
const node: NodeFacts = {
  nodeId: 3n,
  resources: { cruCores: 4, sruBytes: 100n * GIB, hruBytes: 0n, mruBytes: 8n * GIB },
  addresses,
  ownPorts: [{ address: "127.0.0.1", port: 8_080, protocol: "tcp" }],
};

const contractOf = (workload: Workload, changes: Partial<ContractFacts> = {}): ContractFacts => ({
  contractId: 5n,
  nodeId: 3n,
  state: "created",
  deploymentHash: hashDeployment(workload),
  limits: workload.limits,
  publicIps: Array.from({ length: workload.publicIps }, (_, index) => `127.0.10.${index + 1}`),
  creatorKey: user,
  ...changes,
});

const heldOf = (workload: Workload, changes: Partial<HeldDeployment> = {}): HeldDeployment => ({
  contractId: 9n,
  deploymentHash: hashDeployment(workload),
  limits: workload.limits,
  ports: hostPortsOf(workload, addresses, []) ?? [],
  ...changes,
});

interface Scene {
  readonly workload?: Workload;
  readonly contract?: Partial<ContractFacts> | undefined;
  readonly held?: readonly HeldDeployment[];
  readonly node?: Partial<NodeFacts>;
  readonly sealedSecrets?: Uint8Array | undefined;
}

const decide = (scene: Scene = {}) => {
  const workload = scene.workload ?? exampleWorkload();
  const sealedSecrets = "sealedSecrets" in scene ? scene.sealedSecrets : new Uint8Array(1);
  const contract =
    "contract" in scene && scene.contract === undefined ? undefined : contractOf(workload, scene.contract);
  return decideDeploy(
    request,
    { workload, sealedSecrets, deploymentHash: hashDeployment(workload) },
    { contract, node: { ...node, ...scene.node }, held: scene.held ?? [] },
  );
};

const codeOf = (scene: Scene): string => {
  const decision = decide(scene);
  return decision.kind === "refuse" ? decision.code : decision.kind;
};

const withPort = (hostPort: number, address: "loopback" | "node" | number, publicIps = 0): Workload => {
  const [container] = exampleWorkload().containers;
  const ports = [{ containerPort: 1, hostPort, protocol: "tcp" as const, address }];
  return exampleWorkload({ publicIps, containers: [exampleContainer({ ...container, ports })] });
};

describe("domain/grid/decide-deploy", () => {
  it("deploys what the contract names, and says where its ports are", () => {
    expect(decide()).to.deep.equal({
      kind: "deploy",
      ports: [{ address: "127.0.0.1", port: 15_432, protocol: "tcp", container: "db", containerPort: 5_432 }],
    });
    const onIp = decide({ workload: withPort(443, 1, 2) });
    expect(onIp).to.have.deep.nested.property("ports[0].address", "127.0.10.2");
  });

  it("updates what runs under the contract, which takes no room from itself", () => {
    const before = exampleWorkload({ salt: new Uint8Array(16).fill(8) });
    const full = { ...before.limits, cruCores: 4, mruBytes: 8n * GIB };
    expect(codeOf({ held: [heldOf(before, { contractId: 5n, limits: full })] })).to.equal("update");
    expect(codeOf({ contract: { state: "deployed" } })).to.equal("deploy");
  });

  it("has nothing to do for what it has, so that a request may come twice", () => {
    expect(codeOf({ held: [heldOf(exampleWorkload(), { contractId: 5n })] })).to.equal("already");
  });

  const refusals: Readonly<Record<string, [string, Scene]>> = {
    "a contract that is not there": ["contract-unknown", { contract: undefined }],
    "another node's contract": ["other-node", { contract: { nodeId: 4n } }],
    "somebody else's contract": ["not-the-creator", { contract: { creatorKey: other } }],
    "a contract that is over": ["contract-over", { contract: { state: "deleted" } }],
    "a contract in grace": ["contract-in-grace", { contract: { state: "grace" } }],
    "another hash": ["hash-mismatch", { contract: { deploymentHash: new Uint8Array(32) } }],
    "other limits than the contract's": [
      "limits-mismatch",
      { contract: { limits: { ...exampleWorkload().limits, nruBytesPerHour: 0n } } },
    ],
    "other public IPs than the contract's": ["public-ips-mismatch", { contract: { publicIps: ["127.0.10.1"] } }],
    "secrets that did not come": ["secrets-invalid", { sealedSecrets: undefined }],
    "a kind of disk that is not there": [
      "disk-unavailable",
      { workload: { ...emptyWorkload(), limits: { ...emptyWorkload().limits, hruBytes: 1n } } },
    ],
    "more cores than the node has": [
      "not-enough-resources",
      { node: { resources: { ...node.resources, cruCores: 0 } } },
    ],
    "more memory than is left": [
      "not-enough-resources",
      { held: [heldOf(exampleWorkload(), { ports: [], limits: { ...exampleWorkload().limits, mruBytes: 8n * GIB } })] },
    ],
    "a port of the node itself": ["port-taken", { workload: withPort(8_080, "loopback") }],
    "a port of another deployment": ["port-taken", { held: [heldOf(exampleWorkload())] }],
    "loopback when that is the node's address": [
      "port-taken",
      { workload: withPort(8_080, "node"), node: { addresses: { loopback: "127.0.0.1", node: "127.0.0.1" } } },
    ],
  };
  for (const [name, [code, scene]] of Object.entries(refusals)) {
    it(`refuses ${name}`, () => {
      expect(codeOf(scene)).to.equal(code);
    });
  }

  it("lets only the creator ask, and in any state of the contract", () => {
    for (const kind of ["status", "logs", "delete"] as const) {
      for (const state of ["created", "deployed", "grace", "deleted"] as const) {
        const contract = contractOf(exampleWorkload(), { state });
        expect(refuseSender({ kind, from: user }, contract, node)).to.equal(undefined);
        expect(refuseSender({ kind, from: other }, contract, node)?.code).to.equal("not-the-creator");
      }
    }
  });

  it("never accepts what exceeds the node, nor a port twice", () => {
    fc.assert(
      fc.property(fc.array(workloadArbitrary, { minLength: 1, maxLength: 6 }), (workloads) => {
        const big: NodeFacts = {
          ...node,
          resources: { cruCores: 12, sruBytes: 900n * GIB, hruBytes: 900n * GIB, mruBytes: 96n * GIB },
        };
        const held: HeldDeployment[] = [];
        for (const [index, workload] of workloads.entries()) {
          const contract = contractOf(workload, { contractId: BigInt(index), publicIps: [`127.0.10.${index % 2}`] });
          const body = { workload, sealedSecrets: new Uint8Array(1), deploymentHash: hashDeployment(workload) };
          const decision = decideDeploy(request, body, { contract, node: big, held });
          if (decision.kind !== "deploy") continue;
          held.push(heldOf(workload, { contractId: BigInt(index), ports: decision.ports }));
        }
        for (const name of ["cruCores", "sruBytes", "hruBytes", "mruBytes"] as const) {
          const claimed = held.reduce((sum, { limits }) => sum + BigInt(limits[name]), 0n);
          expect(claimed <= BigInt(big.resources[name]), name).to.equal(true);
        }
        expect(
          firstConflict(
            held.flatMap(({ ports }) => ports),
            big.ownPorts,
          ),
        ).to.equal(undefined);
      }),
    );
  });
});
