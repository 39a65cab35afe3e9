import { expect } from "chai";

import { SprfError } from "../../../src/errors.ts";
import type { ConsumptionReport, GridContracts } from "../../../src/ports/grid-contracts.ts";
import type { Startable } from "../../../src/ports/startable.ts";
import type { Store } from "../../../src/ports/store.ts";
import { memoryStore, smallWorkload, startGridScene, type GridScene } from "../../helpers/grid-scene.ts";
import { createMemoryWorkloads, type MemoryWorkloads } from "../../helpers/memory-workloads.ts";
import { until } from "../../helpers/until.ts";

const SLOW = { timeoutMs: 40_000 };
const BYTES_A_STEP = 1_000n;

describe("node/meter on a real chain", function () {
  this.timeout(90_000);
  let scene: GridScene;
  let workloads: MemoryWorkloads;
  let store: Store;
  let node: Startable | undefined;

  before(async () => {
    scene = await startGridScene({ intervalSeconds: 5n, graceSeconds: 10_000n });
  });
  after(async () => {
    await scene?.stop();
  });
  beforeEach(async () => {
    workloads = createMemoryWorkloads();
    store = memoryStore();
  });
  afterEach(async () => {
    await node?.stop();
    await store.close();
  });

  const deploy = async (): Promise<number> => {
    const workload = smallWorkload();
    const contractId = await scene.buy(workload);
    await scene.ask(contractId, await scene.question(workload));
    return contractId;
  };

  it("should have every byte of traffic on the chain once, whichever reports or answers are lost, across restarts", async () => {
    const landed: ConsumptionReport[] = [];
    let calls = 0;
    const real = scene.machine.grid.contracts;
    const contracts: GridContracts = {
      ...real,
      async addReports(nodeId, reports, options) {
        calls += 1;
        const lost = ["nothing", "request", "answer"][calls % 3];
        const fault = new SprfError("CHAIN_UNREACHABLE", `the ${lost} was lost`);
        if (lost === "request") throw fault;
        const outcomes = await real.addReports(nodeId, reports, options);
        landed.push(...reports.filter((_, index) => outcomes[index] === "accepted"));
        if (lost === "answer") throw fault;
        return outcomes;
      },
    };
    node = await scene.startNode({ workloads, store, contracts });
    const contractId = await deploy();
    let sent = 0n;
    for (let round = 0; round < 4; round += 1) {
      sent += BYTES_A_STEP;
      workloads.used = { ...workloads.used, sentBytes: sent };
      const before = landed.length;
      await until(() => landed.length > before, SLOW);
      await node.stop();
      node = await scene.startNode({ workloads, store, contracts });
    }
    const total = (): bigint => landed.reduce((sum, { nruBytes }) => sum + nruBytes, 0n);
    await until(() => total() >= sent, SLOW);
    const count = landed.length;
    await until(() => landed.length > count + 1, SLOW);
    expect(total()).to.equal(sent);
    const times = landed.map(({ timestampSeconds }) => timestampSeconds);
    expect(new Set(times).size).to.equal(times.length);
    await scene.user.grid.contracts.cancelContract(contractId);
  });

  it("should report rent contracts too, and all contracts in one transaction", async () => {
    const batches: number[][] = [];
    const real = scene.machine.grid.contracts;
    const contracts: GridContracts = {
      ...real,
      async addReports(nodeId, reports, options) {
        batches.push(reports.map(({ contractId }) => contractId));
        return await real.addReports(nodeId, reports, options);
      },
    };
    node = await scene.startNode({ workloads, store, contracts });
    await until(async () => (await scene.user.grid.contracts.rentContractOf(scene.nodeId)) === undefined, SLOW);
    const rent = await scene.user.grid.contracts.createRentContract(scene.nodeId);
    const ids = [await deploy(), await deploy()];
    await until(() => batches.some((batch) => [...ids, rent].every((id) => batch.includes(id))), SLOW);
    for (const contractId of [...ids, rent]) await scene.user.grid.contracts.cancelContract(contractId);
  });

  it("should pause and keep the data when the user is out of funds, and serve again after a deposit", async () => {
    node = await scene.startNode({ workloads, store });
    const contractId = await deploy();
    workloads.used = { ...workloads.used, memoryBytes: 50_000_000 };
    const { contracts } = scene.user.grid;
    await until(async () => (await contracts.contract(contractId))?.rate !== 0n, SLOW);
    const { balanceWei } = await contracts.account(scene.user.twinId);
    // What is left pays for less than a second.
    await contracts.withdrawWei(balanceWei - 1_000n);
    const found = () => workloads.deployed.get(`${contractId}`);
    await until(() => found()?.running === false, SLOW);
    expect((await contracts.contract(contractId))?.state).to.equal("grace-period");
    expect(await scene.ask(contractId, { kind: "status" })).to.include({ state: "paused" });
    await contracts.depositWei(10n ** 18n);
    await until(() => found()?.running === true, SLOW);
    await contracts.cancelContract(contractId);
    await until(() => found() === undefined, SLOW);
  });
});
