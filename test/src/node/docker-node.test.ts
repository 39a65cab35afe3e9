import { expect } from "chai";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { createSqliteStore } from "../../../src/adapters/store/sqlite.ts";
import { createDockerWorkloads } from "../../../src/adapters/workloads/docker/create-docker-workloads.ts";
import type { NodeQuestion } from "../../../src/messaging/ask-node.ts";
import { readNodeLogs } from "../../../src/messaging/read-node-logs.ts";
import { createDeploymentStore } from "../../../src/node/deployment-store.ts";
import type { ConsumptionReport } from "../../../src/ports/grid-contracts.ts";
import type { Startable } from "../../../src/ports/startable.ts";
import type { Store } from "../../../src/ports/store.ts";
import type { Workloads } from "../../../src/ports/workloads.ts";
import { fromHex } from "../../../src/utils/bytes.ts";
import { encodeWorkload, hashDeployment, type Workload } from "../../../src/wire/grid/workload.ts";
import { busyboxImage, dockerNetworkAbsence } from "../../helpers/docker-workloads-fixture.ts";
import { runDoomedNode, type DoomedNodeInit } from "../../helpers/grid-node-process.ts";
import { smallWorkload, startGridScene, withSecret, type GridScene } from "../../helpers/grid-scene.ts";
import { exampleContainer, MIB } from "../../helpers/grid-workloads.ts";
import { describeWithPart } from "../../helpers/require-parts.ts";
import { until } from "../../helpers/until.ts";
import { ask, freePort } from "../../helpers/workload-specs.ts";

const SLOW = { timeoutMs: 60_000 };
const SECRET = "a-secret-that-nobody-may-log";
const SERVE =
  'trap "exit 0" TERM; mkdir /www; echo "$TEXT" >/www/index.html; httpd -p 80 -h /www; echo "up $TEXT"; sleep 100000 & wait';

describeWithPart(
  "docker-networks",
  await dockerNetworkAbsence(),
  "node/node-service with a Docker Engine",
  function () {
    const owner = `node-${process.pid}`;
    let scene: GridScene;
    let image: string;
    let folder: string;
    let store: Store;
    let workloads: Workloads;
    let node: Startable | undefined;
    let lines: LogLine[];

    before(async function () {
      this.timeout(120_000);
      image = await busyboxImage();
      scene = await startGridScene({ intervalSeconds: 600n });
      folder = await mkdtemp(join(tmpdir(), "sprf-node-"));
    });
    after(async function () {
      this.timeout(60_000);
      await scene?.stop();
      await rm(folder, { recursive: true, force: true });
    });
    let count = 0;
    const storePath = (): string => join(folder, `${count}.sqlite`);
    beforeEach(async () => {
      count += 1;
      lines = [];
      workloads = createDockerWorkloads(
        { logger: createMemoryLogger(lines) },
        { owner, firewall: "managed-elsewhere" },
      );
      store = createSqliteStore(storePath());
    });
    afterEach(async function () {
      this.timeout(60_000);
      await node?.stop();
      node = undefined;
      await store.close();
      for (const { contractId } of await workloads.list()) await workloads.remove(contractId);
    });

    const page = async (text: string, address: 0 | "loopback", hostPort: number, secret = true): Promise<Workload> => {
      const container = exampleContainer({
        name: "web",
        image,
        entrypoint: ["sh", "-c", SERVE],
        environment: { TEXT: text },
        cpuMillicores: 200,
        memoryBytes: 32n * MIB,
        ports: [{ containerPort: 80, hostPort, protocol: "tcp", address }],
        health: {
          command: ["wget", "-qO-", "http://127.0.0.1/"],
          intervalMs: 1_000,
          timeoutMs: 5_000,
          retries: 30,
          startPeriodMs: 0,
        },
      });
      const workload = smallWorkload({ containers: [container], publicIps: address === 0 ? 1 : 0 });
      return secret ? withSecret(scene.user, workload, { password: SECRET }) : workload;
    };
    const stateOf = async (contractId: number) => (await scene.user.grid.contracts.contract(contractId))?.state;
    const containersOf = async (contractId: number) =>
      (await workloads.list()).find((each) => each.contractId === `${contractId}`)?.containers ?? [];

    it("should serve on the reserved IP, update, show logs, and be gone when it is cancelled; no log has the secret", async () => {
      node = await scene.startNode({ workloads, store });
      const first = await page("one", 0, 8_080);
      const contractId = await scene.buy(first);
      const steps = new Set<string>();
      await scene.ask(contractId, await scene.question(first, { password: SECRET }), {
        timeoutMs: 60_000,
        onProgress: ({ step }) => steps.add(step),
      });
      expect([...steps]).to.include("starting");
      expect(await stateOf(contractId)).to.equal("deployed");
      const [reserved] = (await scene.user.grid.contracts.contract(contractId))?.publicIps ?? [];
      const port = { hostAddress: reserved?.ip ?? "", hostPort: 8_080 };
      expect(await ask(port)).to.equal("one");

      const second = await page("two", 0, 8_080);
      const deploymentHash = hashDeployment(second);
      await scene.user.grid.contracts.updateContract(contractId, { deploymentHash, data: new Uint8Array() });
      const question = await scene.question(second, { password: SECRET });
      await scene.ask(contractId, { ...question, kind: "update" } as NodeQuestion, { timeoutMs: 60_000 });
      expect(await ask(port)).to.equal("two");

      const log = readNodeLogs(scene.user.messaging, {
        nodeKey: scene.machine.messaging.identity.publicKey,
        contractId: BigInt(contractId),
        container: "web",
        follow: true,
        tailLines: 1,
      });
      const entry = await log.next();
      expect(Buffer.from(entry.done === true ? new Uint8Array() : entry.value.bytes).toString()).to.equal("up two\n");
      await log.return(undefined);

      await until(async () => (await scene.user.grid.contracts.contract(contractId))?.rate !== 0n, SLOW);
      await scene.user.grid.contracts.cancelContract(contractId);
      await until(async () => (await containersOf(contractId)).length === 0, SLOW);
      expect(await ask(port)).to.equal(undefined);
      expect(JSON.stringify([lines, scene.lines])).to.not.include(SECRET);
    }).timeout(120_000);

    it("should refuse an image that does not exist, and leave nothing", async () => {
      node = await scene.startNode({ workloads, store });
      const workload = smallWorkload({
        containers: [
          exampleContainer({
            name: "web",
            image: `${image.slice(0, image.indexOf("@"))}@sha256:${"0".repeat(64)}`,
            memoryBytes: 32n * MIB,
            cpuMillicores: 100,
          }),
        ],
      });
      const contractId = await scene.buy(workload);
      const asked = scene.ask(contractId, await scene.question(workload), { timeoutMs: 60_000 });
      expect(await asked.catch((error: { context?: object }) => error.context)).to.include({
        refusal: "image-not-found",
      });
      expect(await workloads.list()).to.deep.equal([]);
    }).timeout(120_000);

    const doomed = (dies: DoomedNodeInit["dies"]): DoomedNodeInit => {
      const { rpcUrl, market, addresses: grid, nodeId } = scene;
      return { rpcUrl, market, grid, accountIndex: 2, nodeId, owner, storePath: storePath(), dies };
    };
    /** As a request leaves it that was decided about and written down. */
    const writeDown = async (workload: Workload): Promise<number> => {
      const contractId = await scene.buy(workload);
      await createDeploymentStore(store).put({
        contractId,
        isPaused: false,
        next: {
          deploymentHash: new Uint8Array(hashDeployment(workload)),
          workload: new Uint8Array(encodeWorkload(workload)),
          creator: new Uint8Array(fromHex(scene.user.chain.account)),
          publicIps: [],
        },
      });
      await store.close();
      return contractId;
    };

    for (const step of ["created", "started", "committed"]) {
      it(`should finish a deployment in whose middle it was killed: ${step}`, async () => {
        const { hostPort } = await freePort("127.0.0.1");
        const contractId = await writeDown(await page("again", "loopback", hostPort, false));
        expect(await runDoomedNode(doomed({ at: "step", step }))).to.equal("SIGKILL");
        expect(await stateOf(contractId)).to.equal("created");
        store = createSqliteStore(storePath());
        node = await scene.startNode({ workloads, store });
        await until(async () => (await stateOf(contractId)) === "deployed", SLOW);
        expect(await ask({ hostAddress: "127.0.0.1", hostPort })).to.equal("again");
        expect(await containersOf(contractId)).to.have.length(1);
        await scene.user.grid.contracts.cancelContract(contractId);
      }).timeout(120_000);
    }

    it("should bill once what it reported when it was killed before it knew", async () => {
      const { hostPort } = await freePort("127.0.0.1");
      const contractId = await writeDown(await page("paid", "loopback", hostPort, false));
      expect(await runDoomedNode(doomed({ at: "report" }))).to.equal("SIGKILL");
      store = createSqliteStore(storePath());
      const pending = (await createDeploymentStore(store).consumption())[0]?.pending;
      expect(pending?.timestamp).to.equal((await scene.user.grid.contracts.contract(contractId))?.reportedAt);
      const reports: ConsumptionReport[] = [];
      const contracts = scene.machine.grid.contracts;
      node = await scene.startNode({
        workloads,
        store,
        contracts: {
          ...contracts,
          async addReports(nodeId, sent, options) {
            const outcomes = await contracts.addReports(nodeId, sent, options);
            reports.push(...sent.filter((_, index) => outcomes[index] === "accepted"));
            return outcomes;
          },
        },
      });
      await ask({ hostAddress: "127.0.0.1", hostPort });
      const used = async (): Promise<bigint> => {
        const usage = await workloads.usage(`${contractId}`);
        return usage.containers.reduce((sum, each) => sum + each.receivedBytes + each.sentBytes, 0n);
      };
      const billed = (): bigint => reports.reduce((sum, { nruBytes }) => sum + nruBytes, pending?.nruBytes ?? 0n);
      const before = await used();
      await until(() => billed() >= before, SLOW);
      expect(billed() <= (await used())).to.equal(true);
      expect(reports.map(({ timestampSeconds }) => timestampSeconds)).to.not.include(pending?.timestamp);
      await scene.user.grid.contracts.cancelContract(contractId);
    }).timeout(120_000);
  },
);
