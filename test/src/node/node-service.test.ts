import { expect } from "chai";

import { isSprfError, SprfError } from "../../../src/errors.ts";
import { askNode, type NodeQuestion } from "../../../src/messaging/ask-node.ts";
import { readNodeLogs } from "../../../src/messaging/read-node-logs.ts";
import { devnetKeys } from "../../../src/devnet/accounts.ts";
import type { NodeService } from "../../../src/node/node-service.ts";
import type { GridContracts } from "../../../src/ports/grid-contracts.ts";
import type { Startable } from "../../../src/ports/startable.ts";
import type { Store } from "../../../src/ports/store.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { hashDeployment, type Workload } from "../../../src/wire/grid/workload.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { memoryStore, smallWorkload, startGridScene, withSecret, type GridScene } from "../../helpers/grid-scene.ts";
import { exampleContainer, GIB, MIB } from "../../helpers/grid-workloads.ts";
import { createMemoryWorkloads, type MemoryWorkloads } from "../../helpers/memory-workloads.ts";
import { until } from "../../helpers/until.ts";

const SLOW = { timeoutMs: 30_000 };

describe("node/node-service on a real chain", function () {
  this.timeout(60_000);
  let scene: GridScene;
  let workloads: MemoryWorkloads;
  let store: Store;
  let node: Startable | undefined;
  let mine: number[];

  before(async () => {
    scene = await startGridScene();
  });
  after(async () => {
    await scene?.stop();
  });
  beforeEach(async () => {
    workloads = createMemoryWorkloads();
    store = memoryStore();
    mine = [];
    node = await scene.startNode({ workloads, store });
  });
  afterEach(async () => {
    await node?.stop();
    await store.close();
    const { contracts } = scene.user.grid;
    for (const contractId of mine) {
      if ((await contracts.contract(contractId))?.state !== "deleted") await contracts.cancelContract(contractId);
    }
  });

  const buy = async (workload: Workload): Promise<number> => {
    const contractId = await scene.buy(workload);
    mine.push(contractId);
    return contractId;
  };
  const deploy = async (workload: Workload, contractId: number) =>
    await scene.ask(contractId, await scene.question(workload));
  const stateOf = async (contractId: number) => (await scene.user.grid.contracts.contract(contractId))?.state;
  const runs = (contractId: number): boolean => workloads.deployed.get(`${contractId}`)?.running === true;
  const refusalOf = async (asked: Promise<unknown>): Promise<unknown> => {
    try {
      await asked;
      return "none";
    } catch (error) {
      if (isSprfError(error, "NODE_REFUSED")) return error.context?.["refusal"];
      throw error;
    }
  };
  const restart = async (contracts?: GridContracts): Promise<void> => {
    node = await scene.startNode({ workloads, store, contracts });
  };

  it("should deploy what the contract names, confirm it on chain, and report it", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    const reply = await deploy(workload, contractId);
    expect(reply.kind === "done" && reply.deploymentHash).to.deep.equal(new Uint8Array(hashDeployment(workload)));
    expect(runs(contractId)).to.equal(true);
    expect(await stateOf(contractId)).to.equal("deployed");
    workloads.used = { ...workloads.used, memoryBytes: 50_000_000 };
    await until(async () => (await scene.user.grid.contracts.contract(contractId))?.rate !== 0n, SLOW);
  });

  it("should publish on reserved IPs and on the node's addresses, and open secrets for their container alone", async () => {
    const ports = [
      { containerPort: 80, hostPort: 8_080, protocol: "tcp" as const, address: 0 },
      { containerPort: 81, hostPort: 8_081, protocol: "udp" as const, address: "loopback" as const },
    ];
    const containers = [exampleContainer({ name: "web", memoryBytes: 32n * MIB, cpuMillicores: 100, ports })];
    const values = { password: "a-secret-that-nobody-logs" };
    const workload = withSecret(scene.user, smallWorkload({ containers, publicIps: 1 }), values);
    const contractId = await buy(workload);
    await scene.ask(contractId, await scene.question(workload, values));
    const [container] = workloads.deployed.get(`${contractId}`)?.spec.containers ?? [];
    expect(container?.environment).to.deep.equal({ PASSWORD: values.password });
    const [ip] = (await scene.user.grid.contracts.contract(contractId))?.publicIps ?? [];
    expect(container?.ports.map(({ hostAddress }) => hostAddress)).to.deep.equal([ip?.ip, "127.0.0.1"]);
    expect(JSON.stringify(scene.lines)).to.not.include(values.password);
  });

  it("should take a body that is too large for a message from its block", async () => {
    const workload = largeWorkload();
    const contractId = await buy(workload);
    const question = await scene.question(workload);
    expect("deployment" in question && question.deployment.kind).to.equal("block");
    await scene.ask(contractId, question);
    expect(runs(contractId)).to.equal(true);
  });

  describe("refuses, and leaves nothing", () => {
    const cases: Readonly<
      Record<
        string,
        { readonly of: () => Promise<{ contractId: number; question: NodeQuestion }>; readonly code: string }
      >
    > = {
      "another workload than the contract names": {
        code: "hash-mismatch",
        of: async () => ({ contractId: await buy(smallWorkload()), question: await scene.question(smallWorkload()) }),
      },
      "a contract that was cancelled": {
        code: "contract-over",
        async of() {
          const workload = smallWorkload();
          const contractId = await buy(workload);
          await scene.user.grid.contracts.cancelContract(contractId);
          return { contractId, question: await scene.question(workload) };
        },
      },
      "an image that does not exist": {
        code: "image-not-found",
        async of() {
          workloads.fails = () => new SprfError("WORKLOAD_IMAGE_NOT_FOUND", "no such image");
          const workload = smallWorkload();
          return { contractId: await buy(workload), question: await scene.question(workload) };
        },
      },
      "a container that does not become healthy": {
        code: "unhealthy",
        async of() {
          workloads.fails = () => new SprfError("WORKLOAD_UNHEALTHY", "it did not become ready");
          const workload = smallWorkload();
          return { contractId: await buy(workload), question: await scene.question(workload) };
        },
      },
      "an engine that fails": {
        code: "node-failed",
        async of() {
          workloads.fails = () => new SprfError("ENGINE_FAILED", "the disk is on fire");
          const workload = smallWorkload();
          return { contractId: await buy(workload), question: await scene.question(workload) };
        },
      },
      "secrets of another deployment": {
        code: "secrets-invalid",
        async of() {
          const values = { password: "one" };
          const workload = withSecret(scene.user, smallWorkload(), values);
          return {
            contractId: await buy(workload),
            question: await scene.question(workload, values, { for: smallWorkload() }),
          };
        },
      },
      "secrets that are sealed to another node": {
        code: "secrets-invalid",
        async of() {
          const values = { password: "one" };
          const workload = withSecret(scene.user, smallWorkload(), values);
          const to = scene.farmer.messaging.identity.publicKey;
          return { contractId: await buy(workload), question: await scene.question(workload, values, { to }) };
        },
      },
      "a block that is sealed to another node": {
        code: "workload-invalid",
        async of() {
          const workload = largeWorkload();
          const to = scene.farmer.messaging.identity.publicKey;
          return { contractId: await buy(workload), question: await scene.question(workload, undefined, { to }) };
        },
      },
      "a body that is none": {
        code: "workload-invalid",
        of: async () => ({
          contractId: await buy(smallWorkload()),
          question: { kind: "deploy", deployment: { kind: "inline", body: new Uint8Array([1, 2]) } },
        }),
      },
      "a disk that the node has not": {
        code: "limits-mismatch",
        async of() {
          const workload = smallWorkload();
          const contractId = await scene.user.grid.contracts.createContract({
            nodeId: scene.nodeId,
            deploymentHash: hashDeployment(workload),
            data: new Uint8Array(),
            publicIps: 0,
            limits: { ...workload.limits, sruBytes: 1n * GIB },
          });
          mine.push(contractId);
          return { contractId, question: await scene.question(workload) };
        },
      },
      "fewer public IPs than the workload has": {
        code: "public-ips-mismatch",
        async of() {
          const workload = smallWorkload({ publicIps: 1 });
          const contractId = await scene.user.grid.contracts.createContract({
            nodeId: scene.nodeId,
            deploymentHash: hashDeployment(workload),
            data: new Uint8Array(),
            publicIps: 0,
            limits: workload.limits,
          });
          mine.push(contractId);
          return { contractId, question: await scene.question(workload) };
        },
      },
      "a port that another deployment has": {
        code: "port-taken",
        async of() {
          const ports = [{ containerPort: 80, hostPort: 8_080, protocol: "tcp" as const, address: "node" as const }];
          const containers = [exampleContainer({ name: "web", memoryBytes: 32n * MIB, cpuMillicores: 100, ports })];
          const [first, second] = [smallWorkload({ containers }), smallWorkload({ containers })];
          await deploy(first, await buy(first));
          return { contractId: await buy(second), question: await scene.question(second) };
        },
      },
    };
    for (const [name, { of, code }] of Object.entries(cases)) {
      it(name, async () => {
        const { contractId, question } = await of();
        expect(await refusalOf(scene.ask(contractId, question))).to.equal(code);
        expect(workloads.deployed.has(`${contractId}`)).to.equal(false);
        expect(await stateOf(contractId)).to.not.equal("deployed");
      });
    }

    it("whoever did not create the contract", async () => {
      const workload = smallWorkload();
      const contractId = await buy(workload);
      const asked = askNode(scene.farmer.messaging, {
        nodeKey: scene.machine.messaging.identity.publicKey,
        contractId: BigInt(contractId),
        question: await scene.question(workload),
      });
      expect(await refusalOf(asked)).to.equal("not-the-creator");
      expect(workloads.calls).to.deep.equal([]);
    });

    it("a contract that does not exist", async () => {
      const asked = scene.ask(999_999, { kind: "status" }, { timeoutMs: 1_500 });
      expect(await refusalOf(asked)).to.equal("contract-unknown");
    });
  });

  it("should do once what is asked twice at a time", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    const replies = await Promise.all([deploy(workload, contractId), deploy(workload, contractId)]);
    expect(replies.map(({ kind }) => kind)).to.deep.equal(["done", "done"]);
    expect(workloads.calls.filter((call) => call.startsWith("deploy"))).to.deep.equal([`deploy ${contractId}`]);
  });

  it("should update to what the chain names now, and keep the old one when the new one does not come up", async () => {
    const [first, second, third] = [smallWorkload(), smallWorkload(), smallWorkload()];
    const contractId = await buy(first);
    await deploy(first, contractId);
    const update = async (workload: Workload) => {
      const deploymentHash = hashDeployment(workload);
      await scene.user.grid.contracts.updateContract(contractId, { deploymentHash, data: new Uint8Array() });
      return await scene.ask(contractId, { ...(await scene.question(workload)), kind: "update" } as NodeQuestion);
    };
    await update(second);
    const hash = () => workloads.deployed.get(`${contractId}`)?.spec.deploymentHash;
    expect(hash()).to.equal(Buffer.from(hashDeployment(second)).toString("hex"));
    workloads.fails = () => new SprfError("WORKLOAD_UNHEALTHY", "it did not become ready");
    expect(await refusalOf(update(third))).to.equal("unhealthy");
    expect(hash()).to.equal(Buffer.from(hashDeployment(second)).toString("hex"));
    const status = await scene.ask(contractId, { kind: "status" });
    expect(status).to.include({ kind: "status-reply", state: "running", refusal: "unhealthy" });
  });

  it("should wait for a chain that is behind the user's", async () => {
    await node?.stop();
    const real = scene.machine.grid.contracts;
    let looks = 0;
    await restart({
      ...real,
      async contract(contractId, options) {
        const contract = await real.contract(contractId, options);
        looks += 1;
        return looks > 2 || contract === undefined ? contract : { ...contract, deploymentHash: new Uint8Array(32) };
      },
    });
    const workload = smallWorkload();
    const contractId = await buy(workload);
    expect((await deploy(workload, contractId)).kind).to.equal("done");
  });

  it("should stop what ran when an update leaves nothing but public IPs", async () => {
    const limits = { cruCores: 1, sruBytes: 0n, hruBytes: 0n, mruBytes: 64n * MIB, nruBytesPerHour: 0n };
    const [first, second] = [
      smallWorkload({ limits, publicIps: 1 }),
      smallWorkload({ limits, publicIps: 1, containers: [] }),
    ];
    const contractId = await buy(first);
    await deploy(first, contractId);
    const deploymentHash = hashDeployment(second);
    await scene.user.grid.contracts.updateContract(contractId, { deploymentHash, data: new Uint8Array() });
    await scene.ask(contractId, { ...(await scene.question(second)), kind: "update" } as NodeQuestion);
    expect(workloads.deployed.has(`${contractId}`)).to.equal(false);
    expect(await scene.ask(contractId, { kind: "status" })).to.include({ state: "running" });
  });

  it("should stop what is cancelled when it hears of it, although polling is far away", async () => {
    await node?.stop();
    node = await scene.startNode({
      workloads,
      store,
      changes: { pollIntervalMs: 3_600_000, reportIntervalMs: 3_600_000 },
    });
    const workload = smallWorkload();
    const contractId = await buy(workload);
    await deploy(workload, contractId);
    await scene.user.grid.contracts.cancelContract(contractId);
    await until(() => !workloads.deployed.has(`${contractId}`), SLOW);
  });

  it("should stop what was cancelled while it was down, by polling alone", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    await deploy(workload, contractId);
    await node?.stop();
    await scene.user.grid.contracts.cancelContract(contractId);
    await restart({ ...scene.machine.grid.contracts, changes: async () => [] });
    await until(() => !workloads.deployed.has(`${contractId}`), SLOW);
  });

  it("should delete at its user's word, and carry it to the chain", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    await deploy(workload, contractId);
    expect((await scene.ask(contractId, { kind: "delete" })).kind).to.equal("done");
    expect(workloads.deployed.has(`${contractId}`)).to.equal(false);
    expect(await stateOf(contractId)).to.equal("deleted");
    expect(await scene.ask(contractId, { kind: "status" })).to.include({ state: "absent" });
  });

  it("should go on after a stop in the middle of a deployment, and confirm it", async () => {
    const reached = Promise.withResolvers<void>();
    workloads.gate = async (_, signal) => {
      reached.resolve();
      await new Promise((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(new SprfError("ABORTED", "stopped")), { once: true });
      });
    };
    const workload = smallWorkload();
    const contractId = await buy(workload);
    const gone = new AbortController();
    const asked = scene.ask(contractId, await scene.question(workload), { signal: gone.signal });
    await reached.promise;
    await node?.stop();
    // Nobody asks again: what the node wrote down has to do.
    gone.abort();
    expect(await codeOf(asked)).to.equal("ABORTED");
    workloads.gate = undefined;
    await restart();
    await until(async () => (await stateOf(contractId)) === "deployed", SLOW);
    expect(runs(contractId)).to.equal(true);
    // The user's request, which nobody answered, is asked anew.
    expect((await deploy(workload, contractId)).kind).to.equal("done");
  });

  it("should make again what was lost, from what it wrote down", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    await deploy(workload, contractId);
    workloads.deployed.delete(`${contractId}`);
    await until(() => runs(contractId), SLOW);
  });

  it("should remove what carries its label and no contract's id", async () => {
    const container = { name: "web", image: "x" } as never;
    workloads.deployed.set("stray", {
      spec: { contractId: "stray", deploymentHash: "aa", containers: [container] },
      running: true,
    });
    await until(() => !workloads.deployed.has("stray"), SLOW);
  });

  it("should give logs, of the last lines", async () => {
    const workload = smallWorkload();
    const contractId = await buy(workload);
    await deploy(workload, contractId);
    workloads.log = ["one\n", "two\n", "three\n"].map((text, index) => ({
      stream: "stdout",
      at: `2026-11-28T00:00:0${index}.000000000Z`,
      bytes: utf8(text),
    }));
    const read = (container: string) =>
      readNodeLogs(scene.user.messaging, {
        nodeKey: scene.machine.messaging.identity.publicKey,
        contractId: BigInt(contractId),
        container,
        follow: false,
        tailLines: 2,
      });
    const texts: string[] = [];
    for await (const { bytes } of read("web")) texts.push(Buffer.from(bytes).toString());
    expect(texts).to.deep.equal(["two\n", "three\n"]);
    expect(await refusalOf(read("other").next())).to.equal("container-unknown");
  });

  it("should say that its twin has a newer message key than its own, for which users are not heard", async () => {
    const other = await startGridScene();
    let old: NodeService | undefined;
    try {
      old = await other.startNode({ workloads, store });
      const { machine } = other;
      const newer = devnetKeys(17);
      const keys = { messagePrivateKey: newer.messagePrivateKey, ledgerKey: new Uint8Array(32).fill(1) };
      await machine.chain.ensureTwin(keys);
      await until(() => old?.problem() !== undefined, SLOW);
      expect(old.problem()).to.include(`a newer message key for twin ${machine.twinId}`);
      const told = other.lines.filter(({ message }) => message === "users cannot use this node");
      expect(told.map(({ level }) => level)).to.deep.equal(["error"]);
      const contractId = await other.buy(smallWorkload());
      const { messageKey: nodeKey } = await machine.chain.twin(machine.twinId);
      expect(await codeOf(other.ask(contractId, { kind: "status" }, { nodeKey, timeoutMs: 1_000 }))).to.equal(
        "NODE_SILENT",
      );
    } finally {
      await old?.stop();
      await other.stop();
    }
  });
});

/** Too large for a message. */
function largeWorkload(): Workload {
  const environment = Object.fromEntries(
    Array.from({ length: 5 }, (_, index) => [`LARGE_${index}`, "x".repeat(30_000)]),
  );
  const containers = [exampleContainer({ name: "web", memoryBytes: 32n * MIB, cpuMillicores: 100, environment })];
  return smallWorkload({ containers });
}
