import { expect } from "chai";

import { startGridScene, type GridScene } from "../../../../helpers/grid-scene.ts";
import { GIB, MIB } from "../../../../helpers/grid-workloads.ts";
import { until } from "../../../../helpers/until.ts";

const CONTRACTS = 20;
const LIMITS = { cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: MIB, nruBytesPerHour: GIB };
const AHEAD_SECONDS = 30;

describe("adapters/chain/grid/contracts", function () {
  this.timeout(90_000);
  let scene: GridScene;

  before(async () => {
    scene = await startGridScene({ intervalSeconds: 3_600n });
  });
  after(async () => {
    await scene?.stop();
  });

  it("should give reports the gas that they need when they land, though at their estimate they were from the future", async () => {
    const { contracts } = scene.machine.grid;
    const ids: number[] = [];
    for (let index = 1; index <= CONTRACTS; index++) {
      const deploymentHash = new Uint8Array(32).fill(index);
      const { nodeId } = scene;
      const contract = { nodeId, deploymentHash, data: new Uint8Array(), publicIps: 0, limits: LIMITS };
      ids.push(await scene.user.grid.contracts.createContract(contract));
    }
    for (const contractId of ids) await contracts.confirmDeployment(contractId);
    // As on a public chain: the newest block is some seconds old, and the next one is not made at once.
    await scene.rpc("evm_setIntervalMining", 0);
    await scene.rpc("evm_setAutomine", false);
    const { timestamp } = (await scene.rpc("eth_getBlockByNumber", "pending", false)) as { readonly timestamp: string };
    const used = { cruCores: 0, sruBytes: 0n, hruBytes: 0n, mruBytes: MIB, nruBytes: 1n };
    const timestampSeconds = Number(timestamp) + AHEAD_SECONDS;
    const outcomes = contracts.addReports(
      scene.nodeId,
      ids.map((contractId) => ({ contractId, timestampSeconds, ...used })),
    );
    await until(async () => (await pendingTransactions()) === 1);
    await scene.pass(AHEAD_SECONDS + 1);
    expect(await outcomes).to.deep.equal(ids.map(() => "accepted"));
  });

  async function pendingTransactions(): Promise<number> {
    const block = (await scene.rpc("eth_getBlockByNumber", "pending", false)) as {
      readonly transactions: readonly string[];
    };
    return block.transactions.length;
  }
});
