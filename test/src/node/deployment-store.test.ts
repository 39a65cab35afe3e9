import { expect } from "chai";

import { createSqliteStore } from "../../../src/adapters/store/sqlite.ts";
import { createDeploymentStore, type DeploymentRecord } from "../../../src/node/deployment-store.ts";
import { openConsumption } from "../../../src/domain/grid/consumption.ts";

describe("node/deployment-store", () => {
  const recordOf = (contractId: number): DeploymentRecord => ({
    contractId,
    isPaused: false,
    current: {
      deploymentHash: new Uint8Array(32).fill(contractId % 256),
      workload: new Uint8Array([1, 2, 3]),
      creator: new Uint8Array(20),
      publicIps: ["127.0.10.1"],
    },
  });

  it("should keep consumption of any size, to the unit", async () => {
    const store = createSqliteStore(":memory:");
    const deployments = createDeploymentStore(store);
    const pending = {
      contractId: 5n,
      timestamp: 9,
      cruCores: 1n,
      sruBytes: 2n ** 70n,
      hruBytes: 0n,
      mruBytes: 3n,
      nruBytes: 4n,
    };
    const state = {
      ...openConsumption(5n, 1_000),
      memoryByteMs: 2n ** 80n + 1n,
      counters: { web: { identity: "a", cpu: 2n ** 65n, network: 7n } },
      pending,
    };
    await deployments.saveConsumption([state]);
    expect(await deployments.consumption()).to.deep.equal([state]);
    await store.close();
  });

  it("should go on with consumption that is counted already, and forget it with its contract", async () => {
    const store = createSqliteStore(":memory:");
    const deployments = createDeploymentStore(store);
    await deployments.commit(recordOf(5), 1_000);
    const used = { ...openConsumption(5n, 1_000), networkBytes: 17n };
    await deployments.saveConsumption([used]);
    await deployments.commit(recordOf(5), 9_000);
    expect(await deployments.consumption()).to.deep.equal([used]);
    await deployments.forget(5);
    expect([await deployments.consumption(), await deployments.all()]).to.deep.equal([[], []]);
    await store.close();
  });

  it("should list more than a page, in the order of contracts", async () => {
    const store = createSqliteStore(":memory:");
    const deployments = createDeploymentStore(store);
    const ids = Array.from({ length: 1_005 }, (_, index) => index + 1);
    for (const contractId of ids) await deployments.put(recordOf(contractId));
    expect((await deployments.all()).map(({ contractId }) => contractId)).to.deep.equal(ids);
    await store.close();
  });
});
