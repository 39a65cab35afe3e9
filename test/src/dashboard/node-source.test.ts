import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createNodeSources } from "../../../src/dashboard/node-source.ts";
import type { NodeView, NodesView } from "../../../src/dashboard/node-types.ts";
import type { ConsumptionReport } from "../../../src/ports/grid-contracts.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { viewWhen } from "../../helpers/view-when.ts";
import { smallWorkload, startGridScene, type GridScene } from "../../helpers/grid-scene.ts";
import { MIB } from "../../helpers/grid-workloads.ts";

const SECONDS = 60;

describe("dashboard/node-source", function () {
  this.timeout(60_000);
  let scene: GridScene;
  let sources: ReturnType<typeof createNodeSources>;
  let ending: AbortController;

  before(async () => {
    scene = await startGridScene();
    const { chain, grid } = scene.farmer;
    sources = createNodeSources({ chain, ...grid, clock: systemClock, lookMs: 50 });
  });
  after(async () => await scene?.stop());
  beforeEach(() => {
    ending = new AbortController();
  });
  afterEach(() => ending.abort());

  /** Rejects when a report was not taken as it should be. */
  async function report(contractId: number, cruCores: number, nruBytes = 0n): Promise<ConsumptionReport> {
    await scene.pass(SECONDS);
    const { contracts } = scene.machine.grid;
    const timestampSeconds = await contracts.headSeconds();
    const said = { contractId, timestampSeconds, cruCores, sruBytes: 0n, hruBytes: 0n, mruBytes: 64n * MIB, nruBytes };
    expect(await contracts.addReports(scene.nodeId, [said])).to.deep.equal(["accepted"]);
    return said;
  }
  async function deploy(publicIps = 0): Promise<number> {
    const contractId = await scene.buy(smallWorkload({ publicIps }));
    await scene.machine.grid.contracts.confirmDeployment(contractId);
    return contractId;
  }
  const nodeViews = (): AsyncIterator<NodeView, unknown> =>
    sources.node.views(String(scene.nodeId), ending)[Symbol.asyncIterator]();
  it("lists nodes with what is free on them", async () => {
    const { nodes } = await viewWhen<NodesView>(sources.nodes.views("", ending)[Symbol.asyncIterator]());
    expect(nodes).to.have.length(1);
    expect(nodes[0]).to.deep.include({
      nodeId: scene.nodeId,
      farmName: "farm",
      country: "BE",
      city: "Brussels",
    });
  });

  it("shows what contracts use, cost and are paid from, and follows new ones and their end", async () => {
    const views = nodeViews();
    const first = await viewWhen(views);
    expect(first.deployments).to.deep.equal([]);

    const contractId = await deploy(1);
    const reports = [await report(contractId, 1), await report(contractId, 0, 1_000n)];
    const used = await viewWhen(views, ({ deployments }) => deployments[0]?.usage.length === 2);
    const [deployment] = used.deployments;
    expect(deployment).to.deep.include({ contractId, kind: "node", state: "deployed", userTwinId: scene.user.twinId });
    expect(deployment?.publicIps.every((ip) => scene.ips.includes(ip))).to.equal(true);
    expect(deployment?.publicIps).to.have.length(1);
    for (const [index, { timestampSeconds, cruCores, mruBytes, nruBytes }] of reports.entries()) {
      expect(deployment?.usage[index]).to.deep.include({
        atSeconds: timestampSeconds,
        cruCores,
        mruBytes: mruBytes.toString(),
        nruBytes: nruBytes.toString(),
      });
    }
    const [payer] = used.payers;
    expect(payer).to.deep.include({ twinId: scene.user.twinId, account: scene.user.chain.account.toLowerCase() });
    expect(payer?.fundedUntil).to.be.greaterThan(used.nowSeconds);
    const bill = await scene.user.grid.contracts.account(scene.user.twinId);
    expect(payer?.balanceWei).to.equal(bill.balanceWei.toString());
    expect(BigInt(used.costWei) > 0n).to.equal(true);
    expect(BigInt(deployment?.weiPerHour ?? 0) > 0n).to.equal(true);

    await report(contractId, 1);
    const more = await viewWhen(views, ({ deployments }) => deployments[0]?.usage.length === 3);
    expect(more.deployments[0]?.usage.map(({ cruCores }) => cruCores)).to.deep.equal([1, 0, 1]);

    await scene.user.grid.contracts.cancelContract(contractId);
    const next = await deploy();
    const after = await viewWhen(views, ({ deployments }) => deployments[0]?.contractId === next);
    expect(after.deployments.map(({ state }) => state)).to.deep.equal(["deployed", "deleted"]);
    expect(after.deployments[1]).to.deep.include({ contractId, cause: "by-user", weiPerHour: "0" });
    expect(after.contractCount).to.equal(2);
  });

  it("refuses what is no node", async () => {
    const look = async (id: string): Promise<string | undefined> =>
      await codeOf(sources.node.views(id, ending)[Symbol.asyncIterator]().next());
    expect(await look("web")).to.equal("INVALID_INPUT");
    expect(await look("77")).to.equal("NO_NODE");
  });
});
