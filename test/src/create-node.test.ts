import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createPeer, type Peer } from "../../src/create-peer.ts";
import { createWorker, type Worker } from "../../src/create-worker.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";
import { askNode } from "../../src/messaging/ask-node.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { packBody } from "../../src/wire/grid/deployment-body.ts";
import { hashDeployment } from "../../src/wire/grid/workload.ts";
import { createEciesCipher } from "../../src/adapters/cipher/ecies.ts";
import { codeOf } from "../helpers/code-of.ts";
import { busyboxImage, dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { smallWorkload } from "../helpers/grid-scene.ts";
import { exampleContainer, GIB, MIB } from "../helpers/grid-workloads.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const SLOW = { timeoutMs: 60_000 };
const [OPERATOR, USER] = [5, 6];
const TERMS = {
  pricePerBlockWei: 10n ** 12n,
  maxLengthBlocks: 100,
  slots: 1,
  applicationType: `0x${"0".repeat(64)}`,
  vettedDigests: [],
};

describeWithPart("docker-networks", await dockerNetworkAbsence(), "create-node", function () {
  let devnet: Devnet;
  let folder: string;
  let worker: Worker | undefined;
  let user: Peer | undefined;
  const lines: LogLine[] = [];

  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(join(tmpdir(), "sprf-create-node-"));
    devnet = await startDevnet({ logger: createMemoryLogger(lines) });
  });
  after(async function () {
    this.timeout(60_000);
    await worker?.stop();
    await user?.stop();
    await devnet?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const makeWorker = async (farmId: number | undefined): Promise<Worker> =>
    await createWorker({
      networks: devnet.networks,
      keys: devnetKeys(OPERATOR),
      dataDirectory: join(folder, "worker"),
      logger: createMemoryLogger(lines),
      engines: { kinds: ["wasi"] },
      http: {},
      registration: { terms: TERMS },
      node: {
        farmId,
        resources: { cruCores: 4, sruBytes: 10n * GIB, hruBytes: 0n, mruBytes: 4n * GIB },
        pollIntervalMs: 200,
        sampleIntervalMs: 200,
        reportIntervalMs: 500,
        docker: { label: `daemon-${process.pid}`, firewall: "managed-elsewhere" },
      },
    });

  it("should refuse to be a node without a farm, in one line", async () => {
    const homeless = await makeWorker(undefined);
    expect(await codeOf(homeless.start())).to.equal("CONFIG_INVALID");
    await homeless.stop();
  }).timeout(60_000);

  it("should make the worker's daemon a node of its farm, deploy over Waku, and stop with the contract", async () => {
    user = await createPeer({ networks: devnet.networks, keys: devnetKeys(USER), logger: createMemoryLogger(lines) });
    await user.start();
    await user.ensureTwin();
    const operator = await createPeer({
      networks: devnet.networks,
      keys: devnetKeys(OPERATOR),
      logger: createMemoryLogger(lines),
    });
    await operator.ensureTwin();
    const farmId = await operator.chain.grid?.registry.createFarm({
      name: "home",
      pricingPolicyId: 1,
      payoutAddress: operator.chain.account,
    });
    await operator.stop();
    worker = await makeWorker(farmId);
    await worker.start();
    const { nodeId } = worker;
    const { grid } = user.chain;
    if (nodeId === undefined || grid === undefined) throw new Error("unreachable");
    expect((await grid.registry.node(nodeId))?.farmId).to.equal(farmId);
    const health = (await (await fetch(`${worker.apiUrl}/health`)).json()) as { readonly node: unknown };
    expect(health.node, "as long as nothing keeps users from it").to.deep.equal({ nodeId });

    const container = exampleContainer({
      name: "web",
      image: await busyboxImage(),
      entrypoint: ["sh", "-c", 'trap "exit 0" TERM; sleep 100000 & wait'],
      memoryBytes: 32n * MIB,
      cpuMillicores: 100,
    });
    const workload = smallWorkload({ containers: [container] });
    await grid.contracts.depositWei(10n ** 18n);
    const contractId = await grid.contracts.createContract({
      nodeId,
      deploymentHash: hashDeployment(workload),
      data: new Uint8Array(),
      publicIps: 0,
      limits: workload.limits,
    });
    const { keys } = user;
    const nodeKey = worker.twin.messageKey;
    const cipher = createEciesCipher({ messageKey: keys.messagePrivateKey });
    const { carrier: deployment } = await packBody({ workload }, { cipher, node: nodeKey });
    const reply = await askNode(
      {
        ...user,
        identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
        chainId: user.chain.chainId,
        grid: fromHex(grid.addresses.contracts),
      },
      { nodeKey, contractId: BigInt(contractId), question: { kind: "deploy", deployment }, ...SLOW },
    );
    expect(reply.kind).to.equal("done");
    await until(async () => ((await grid.contracts.contract(contractId))?.reportedAt ?? 0) > 0, SLOW);
    await grid.contracts.cancelContract(contractId);
    const isGone = (): boolean =>
      lines.some(({ context }) => context["contract"] === contractId && context["action"] === "delete");
    await until(isGone, SLOW);
  }).timeout(120_000);
});
