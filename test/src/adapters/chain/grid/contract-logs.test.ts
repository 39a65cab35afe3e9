import { expect } from "chai";
import { getAddress, type Filter } from "ethers";

import { connectToRead, type ReadConnection } from "../../../../../src/adapters/chain/connection.ts";
import { IGridContracts__factory } from "../../../../../src/adapters/chain/factories.ts";
import { createContractLogs } from "../../../../../src/adapters/chain/grid/contract-logs.ts";
import type { GridUser } from "../../../../../src/client/grid/grid-user.ts";
import { toHex } from "../../../../../src/utils/bytes.ts";
import { startGridUserScene, type GridUserScene } from "../../../../helpers/grid-user-scene.ts";

describe("adapters/chain/grid/contract-logs", () => {
  let scene: GridUserScene;
  let user: GridUser;
  let connection: ReadConnection;
  before(async function () {
    this.timeout(60_000);
    scene = await startGridUserScene();
    user = await scene.user(1);
    connection = await connectToRead({ rpcUrl: scene.rpcUrl, pollingIntervalMs: 50 });
  });
  after(async () => {
    connection?.close();
    await scene?.close();
  });

  it("looks for what contracts cost from the block on in which the first of them was made, and for nothing older", async () => {
    await scene.provider.send("hardhat_mine", ["0x64", "0x3c"]);
    const first = await user.contracts.createNameContract("first-name");
    await scene.provider.send("hardhat_mine", ["0x64", "0x3c"]);
    const second = await user.contracts.createNameContract("second-name");
    await scene.provider.send("hardhat_mine", ["0x64", "0x3c"]);
    await user.contracts.settleContracts([first, second]);

    const from: unknown[] = [];
    const { provider } = connection;
    const getLogs = provider.getLogs.bind(provider);
    provider.getLogs = async (filter) => {
      from.push((filter as Filter).fromBlock);
      return await getLogs(filter);
    };
    const address = getAddress(`0x${toHex(user.grid)}`);
    const grid = IGridContracts__factory.connect(address, provider);
    const logs = createContractLogs(connection, grid, address);
    const costs = await logs.settledGrains([second, first]);
    expect(from).to.have.length(1);
    const begin = Number(from[0]);
    const createdAt = (await user.contracts.contract(first))?.createdAt ?? 0;
    const timeOf = async (block: number): Promise<number> => (await scene.provider.getBlock(block))?.timestamp ?? 0;
    expect((await timeOf(begin)) >= createdAt && (await timeOf(begin - 1)) < createdAt, `block ${begin}`).to.equal(
      true,
    );
    expect(costs).to.deep.equal(await user.contracts.settledGrains([first, second]));
    expect([...costs.values()].every((cost) => cost > 0n)).to.equal(true);
    expect(await logs.clippedReports([second])).to.deep.equal(new Map([[second, 0]]));
    expect(await logs.contractsOnNode(scene.node.nodeId)).to.deep.equal([]);
    expect(from.slice(1).every((block) => Number(block) >= begin)).to.equal(true);
  }).timeout(30_000);
});
