import { expect } from "chai";

import { SprfError } from "../../../src/errors.ts";
import type { ConsumptionReport, GridContracts } from "../../../src/ports/grid-contracts.ts";
import type { NodeService } from "../../../src/node/node-service.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Store } from "../../../src/ports/store.ts";
import { codeOf } from "../../helpers/code-of.ts";
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
  let node: NodeService | undefined;

  before(async () => {
    scene = await startGridScene({ intervalSeconds: 600n, graceSeconds: 10_000n });
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

  for (const [title, hours] of [
    ["hours ahead", 3],
    ["hours behind", -3],
  ] as const) {
    it(`should say in one line that its clock is ${title}, bill nothing by it, and nothing twice when it is right`, async () => {
      const landed: ConsumptionReport[] = [];
      const skipped: string[] = [];
      const real = scene.machine.grid.contracts;
      const contracts: GridContracts = {
        ...real,
        async addReports(nodeId, reports, options) {
          const outcomes = await real.addReports(nodeId, reports, options);
          landed.push(...reports.filter((_, index) => outcomes[index] === "accepted"));
          skipped.push(...outcomes.filter((outcome) => outcome !== "accepted"));
          return outcomes;
        },
      };
      node = await scene.startNode({ workloads, store, contracts });
      const contractId = await deploy();
      await until(() => landed.length > 0, SLOW);
      await node.stop();
      const count = landed.length;
      const told = (): string[] =>
        scene.lines.filter(({ level }) => level === "error").map(({ context }) => String(context["problem"]));
      const before = told().length;

      skipped.length = 0;
      workloads.used = { ...workloads.used, sentBytes: BYTES_A_STEP };
      node = await scene.startNode({ workloads, store, contracts, clock: shifted(hours * 3_600_000) });
      const wrong = node;
      await until(() => skipped.length > 1, SLOW);
      await until(() => wrong.problem() !== undefined, SLOW);
      expect(wrong.problem()).to.match(hours > 0 ? /clock is \d+ s ahead of/ : /clock is \d+ s behind/);
      expect(told().length - before, "lines about it").to.equal(1);
      expect(new Set(skipped)).to.deep.equal(new Set([hours > 0 ? "from-the-future" : "not-newer"]));
      expect(landed.length).to.equal(count);
      const silent = scene.ask(contractId, { kind: "status" }, { timeoutMs: 1_000 });
      expect(await codeOf(silent)).to.equal("NODE_SILENT");
      await node.stop();

      node = await scene.startNode({ workloads, store, contracts });
      const right = node;
      const traffic = (): bigint => landed.reduce((sum, { nruBytes }) => sum + nruBytes, 0n);
      // What was measured by a clock that was behind is lost: it cannot be told from what has landed before.
      const expected = hours > 0 ? BYTES_A_STEP : 0n;
      await until(() => landed.length > count + 1 && traffic() >= expected, SLOW);
      expect(traffic()).to.equal(expected);
      const times = landed.map(({ timestampSeconds }) => timestampSeconds);
      expect(times).to.deep.equal([...new Set(times)].toSorted((a, b) => a - b));
      expect(right.problem()).to.equal(undefined);
      await scene.user.grid.contracts.cancelContract(contractId);
    });
  }

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

/** The machine's clock, set wrong. */
function shifted(byMs: number): Clock {
  return { ...systemClock, now: () => systemClock.now() + byMs };
}
