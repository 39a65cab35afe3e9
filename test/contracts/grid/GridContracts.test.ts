import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";
import { network } from "hardhat";

import { INTERVAL, named } from "../helpers/grid-registry.ts";
import {
  ANSWER,
  balanceOf,
  BALANCE,
  Cause,
  consumed,
  costOf,
  deploy,
  deployGrid,
  deployGridLibraries,
  GRACE_SECONDS,
  GRAINS_PER_WEI,
  type Grid,
  IP_RATE,
  IPS,
  LIMITS,
  NODE_RATE,
  Outcome,
  RATE,
  report,
  State,
  stateOf,
} from "../helpers/grid.ts";

const { ethers, networkHelpers } = await network.create();

const fixture = async () => await deployGrid(ethers, networkHelpers);
const freeIps = async ({ registry }: Grid) => (await registry.farm(1n)).freePublicIpCount;

describe("GridContracts", () => {
  describe("the constructor", () => {
    it("ties the registry to the contract", async () => {
      const { contracts, registry } = await networkHelpers.loadFixture(fixture);
      expect(await registry.grid()).to.equal(await contracts.getAddress());
    });

    it("refuses a grace period of nothing or over a year, and a share over 100 %", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const libraries = await deployGridLibraries(ethers);
      const factory = await ethers.getContractFactory("GridContracts", { libraries });
      for (const [seconds, share, name] of [
        [0n, 50n, "graceSeconds"],
        [365n * 24n * 3_600n + 1n, 50n, "graceSeconds"],
        [1n, 101n, "graceShare"],
      ] as const) {
        await expect(factory.deploy(grid.twins, grid.registry, grid.prices, seconds, share), name)
          .to.be.revertedWithCustomError(grid.contracts, "GridContracts_BadSetting")
          .withArgs(
            ethers.encodeBytes32String(name),
            name === "graceShare" ? 0n : 1n,
            name === "graceShare" ? 100n : 365n * 24n * 3_600n,
            name === "graceShare" ? share : seconds,
          );
      }
    });
  });

  describe("a deployment", () => {
    it("is created, confirmed, reported and cancelled, and costs what it used to the second", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const contractId = await deploy(grid, 100n, { publicIps: 2n });
      await report(grid, 200n, contractId);
      await grid.at(300n);
      await expect(grid.contracts.connect(grid.user).cancelContract(contractId))
        .to.emit(grid.contracts, "ContractClosed")
        .withArgs(contractId, 1n, Cause.ByUser, grid.start + 300n);
      const cost = costOf(2n * IP_RATE, 200n) + costOf(NODE_RATE, 100n);
      expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - cost);
      await grid.lookAt(10_000n);
      expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - cost);
      expect(await stateOf(grid, contractId)).to.deep.equal([State.Deleted, Cause.ByUser]);
    });

    it("shows all that is known of it", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const contractId = await deploy(grid, 100n, { publicIps: 1n, isConfirmed: false });
      const dataBlock = await ethers.provider.getBlockNumber();
      const found = await grid.contracts.contractOf(contractId);
      const view = named(found);
      expect(view).to.deep.include({
        contractId: 1n,
        kind: 0n,
        state: State.Created,
        cause: Cause.None,
        userTwinId: grid.userId,
        nodeId: 1n,
        farmId: 1n,
        pricingPolicyId: 1n,
        deploymentHash: id("workload"),
        name: "",
        publicIpCount: 1n,
        limits: LIMITS,
        rentContractId: 0n,
        createdAt: grid.start + 100n,
        endsAt: grid.start + 2n * INTERVAL,
        reportedAt: 0n,
        billedUntil: grid.start + 2n * INTERVAL,
        rate: IP_RATE,
        unsettledGrains: 0n,
        dataBlock: BigInt(dataBlock),
        isClosed: false,
      });
      expect(found.publicIps).to.have.lengthOf(1);
      expect(await grid.contracts.contractsOf(grid.userId, 0n, 10n)).to.deep.equal([1n]);
      expect(await grid.contracts.contractsOf(grid.userId, 1n, 10n)).to.deep.equal([]);
      expect(await grid.contracts.contractOfHash(grid.userId, 1n, id("workload"))).to.equal(1n);
      expect(await grid.contracts.statesOf([1n])).to.deep.equal([State.Created]);
    });

    it("puts its data into an event that its own record finds", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const own = grid.contracts.connect(grid.user);
      await own.createContract(1n, id("a"), "0x0102", 0n, LIMITS);
      await own.updateContract(1n, "0x0304", id("b"));
      const block = Number((await own.contractOf(1n)).dataBlock);
      const [found] = await own.queryFilter(own.filters.DeploymentData(1n), block, block);
      expect(found?.args.data).to.equal("0x0304");
    });

    it("is refused without a twin, hash, good price or enough balance, and with too much data", async () => {
      const { contracts, stranger, user, other, feed } = await networkHelpers.loadFixture(fixture);
      const refused = (by: typeof user, hash: string, data = "0x") =>
        expect(contracts.connect(by).createContract(1n, hash, data, 0n, LIMITS)).to.be;
      await refused(stranger, id("a")).revertedWithCustomError(contracts, "GridContracts_NotATwin");
      await refused(user, ZeroHash).revertedWithCustomError(contracts, "GridContracts_ZeroHash");
      const most = `0x${"00".repeat(8_192)}`;
      await refused(user, id("a"), `${most}00`)
        .revertedWithCustomError(contracts, "GridContracts_DataTooLong")
        .withArgs(8_192n, 8_193n);
      await contracts.connect(user).createContract(1n, id("most"), most, 0n, LIMITS);
      // 0.07084 USD for an hour at the limits, and 0.005 USD for its traffic.
      const needed = 25_280_000_000_000n;
      await contracts.connect(other).withdraw(BALANCE - needed + 10n ** 9n);
      await refused(other, id("a")).revertedWithCustomError(contracts, "GridContracts_BalanceTooLow");
      await contracts.connect(other).deposit({ value: 10n ** 9n });
      await contracts.connect(other).createContract(1n, id("a"), "0x", 0n, LIMITS);
      await feed.setMood(1n);
      await refused(user, id("a")).revertedWithCustomError(contracts, "GridContracts_PriceNotFresh");
    });

    it("is refused on a node that is unknown, standby, full or retires, and with more IPs than are free", async () => {
      const { contracts, user, node, registry } = await networkHelpers.loadFixture(fixture);
      const refused = (nodeId: bigint, ips: bigint, limits = LIMITS) =>
        expect(contracts.connect(user).createContract(nodeId, id("a"), "0x", ips, limits)).to.be;
      await refused(2n, 0n).revertedWithCustomError(registry, "GridRegistry_UnknownNode");
      await refused(1n, IPS + 1n)
        .revertedWithCustomError(registry, "GridRegistry_NotEnoughPublicIps")
        .withArgs(1n, IPS + 1n, IPS);
      const tooMuch = { ...LIMITS, resources: { ...LIMITS.resources, cru: 17n } };
      await refused(1n, 0n, tooMuch).revertedWithCustomError(registry, "GridRegistry_NotEnoughResources");
      await registry.connect(node).setNodeStatus(1n, 1n);
      await refused(1n, 0n).revertedWithCustomError(registry, "GridRegistry_NodeNotUp");
      await registry.connect(node).setNodeStatus(1n, 0n);
      await registry.connect(node).deleteNode(1n);
      await refused(1n, 0n).revertedWithCustomError(registry, "GridRegistry_NodeRetires");
    });

    it("is refused when all rates of the user could be more than a stream holds, and so is a report", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, user, node, registry, farmer } = grid;
      const most = 2n ** 32n - 1n;
      await registry.createPricingPolicy({
        prices: { cu: most, su: most, nu: 0n, ipu: 0n, uniqueName: 0n, dedicationDiscountPercent: 0n },
        shares: { farm: 10_000n, treasury: 0n, burn: 0n },
        treasury: ZeroAddress,
      });
      await registry.connect(farmer).setPricingPolicy(1n, 2n);
      await contracts.connect(user).deposit({ value: 100n * BALANCE });
      // Eight compute units and a storage unit of 429 USD each; a stream holds not quite sixteen.
      const nine = { resources: { cru: 8n, sru: 200n * 2n ** 30n, hru: 0n, mru: 32n * 2n ** 30n }, nruPerHour: 0n };
      const second = 2n * INTERVAL;
      await deploy(grid, second, { limits: nine });
      await deploy(grid, second + 10n, { limits: nine, label: "second" });
      await grid.at(second + 20n);
      const reports = [1n, 2n].map((contractId) => consumed(grid, second + 20n, contractId, nine.resources));
      await expect(contracts.connect(node).addReports(1n, reports))
        .to.emit(contracts, "ReportSkipped")
        .withArgs(2n, grid.start + second + 20n, Outcome.RateTooHigh);
      expect((await contracts.contractOf(2n)).rate).to.equal(0n);
      await contracts.connect(user).cancelContract(2n);
      await expect(contracts.connect(user).createContract(1n, id("third"), "0x", 0n, nine))
        .to.be.revertedWithCustomError(contracts, "GridContracts_RateTooHigh")
        .withArgs(2n ** 56n - 1n, 18n * most * RATE);
    });

    it("is refused twice with one hash on one node while active, and not after", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, user, other } = grid;
      const contractId = await deploy(grid, 0n);
      const again = () => contracts.connect(user).createContract(1n, id("workload"), "0x", 0n, LIMITS);
      await expect(again()).to.be.revertedWithCustomError(contracts, "GridContracts_HashInUse").withArgs(contractId);
      await contracts.connect(other).createContract(1n, id("workload"), "0x", 0n, LIMITS);
      await contracts.connect(user).cancelContract(contractId);
      await again();
      expect(await contracts.contractOfHash(grid.userId, 1n, id("workload"))).to.equal(3n);
    });

    it("gives its hash to another contract when it is over, and closing it takes nothing away", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, user } = grid;
      await deploy(grid, 0n, { isConfirmed: false });
      await grid.at(2n * INTERVAL);
      await contracts.connect(user).createContract(1n, id("workload"), "0x", 0n, LIMITS);
      await contracts.close(1n);
      expect(await contracts.contractOfHash(grid.userId, 1n, id("workload"))).to.equal(2n);
    });

    it("expires at the end of the next interval unless it is confirmed, and its IPs cost until then", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, node, stranger } = grid;
      await deploy(grid, INTERVAL - 1n, { publicIps: 1n, isConfirmed: false });
      await grid.at(INTERVAL);
      await expect(contracts.close(1n))
        .to.be.revertedWithCustomError(contracts, "GridContracts_NotOver")
        .withArgs(1n, State.Created);
      await grid.lookAt(2n * INTERVAL - 1n);
      expect(await stateOf(grid, 1n)).to.deep.equal([State.Created, Cause.None]);
      await grid.lookAt(2n * INTERVAL + 500n);
      expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.Expired]);
      expect(await balanceOf(grid)).to.equal(
        BALANCE * GRAINS_PER_WEI - costOf(IP_RATE, 1n) - costOf(IP_RATE, INTERVAL, 60n),
      );
      await expect(contracts.connect(node).confirmDeployment(1n))
        .to.be.revertedWithCustomError(contracts, "GridContracts_Over")
        .withArgs(1n, Cause.Expired);
      expect(await freeIps(grid)).to.equal(IPS - 1n);
      await contracts.connect(stranger).close(1n);
      expect(await freeIps(grid)).to.equal(IPS);
      await expect(contracts.close(1n)).to.be.revertedWithCustomError(contracts, "GridContracts_Over");
    });

    it("is confirmed once, by its node", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, node, user } = grid;
      await deploy(grid, 0n, { isConfirmed: false });
      await expect(contracts.connect(user).confirmDeployment(1n))
        .to.be.revertedWithCustomError(contracts, "GridContracts_NotTheNode")
        .withArgs(1n, node.address, user.address);
      await expect(contracts.connect(node).confirmDeployment(1n)).to.emit(contracts, "DeploymentConfirmed");
      await expect(contracts.connect(node).confirmDeployment(1n)).to.be.revertedWithCustomError(
        contracts,
        "GridContracts_AlreadyConfirmed",
      );
      await expect(contracts.connect(node).confirmDeployment(2n))
        .to.be.revertedWithCustomError(contracts, "GridContracts_UnknownContract")
        .withArgs(2n);
    });

    it("is updated by its user's and its node's twin alone, to a hash that is free", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, user, node, other, stranger } = grid;
      await deploy(grid, 0n);
      await deploy(grid, 10n, { label: "second" });
      const own = contracts.connect(user);
      for (const by of [other, stranger]) {
        await expect(contracts.connect(by).updateContract(1n, "0x", id("b")))
          .to.be.revertedWithCustomError(contracts, "GridContracts_NotYours")
          .withArgs(1n, by.address);
      }
      await expect(own.updateContract(1n, "0x", id("second")))
        .to.be.revertedWithCustomError(contracts, "GridContracts_HashInUse")
        .withArgs(2n);
      await expect(own.updateContract(1n, "0x", ZeroHash)).to.be.revertedWithCustomError(own, "GridContracts_ZeroHash");
      await expect(own.updateContract(1n, `0x${"00".repeat(8_193)}`, id("b"))).to.be.revertedWithCustomError(
        own,
        "GridContracts_DataTooLong",
      );
      await expect(own.updateContract(1n, "0x", id("b")))
        .to.emit(own, "ContractUpdated")
        .withArgs(1n, id("b"), grid.userId);
      await expect(contracts.connect(node).updateContract(1n, "0x", id("c")))
        .to.emit(own, "ContractUpdated")
        .withArgs(1n, id("c"), grid.nodeTwinId);
      // Data alone.
      await own.updateContract(1n, "0x01", id("c"));
      expect(await own.contractOfHash(grid.userId, 1n, id("workload"))).to.equal(0n);
      await own.cancelContract(1n);
      await expect(own.updateContract(1n, "0x", id("d")))
        .to.be.revertedWithCustomError(own, "GridContracts_Over")
        .withArgs(1n, Cause.ByUser);
      expect(await own.contractOfHash(grid.userId, 1n, id("c"))).to.equal(0n);
    });

    it("is cancelled by its user's and its node's twin alone, once, and frees its IPs and resources at once", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, registry, user, node, other, stranger } = grid;
      await deploy(grid, 0n, { publicIps: 2n });
      await deploy(grid, 10n, { publicIps: 1n, label: "second" });
      for (const by of [other, stranger]) {
        await expect(contracts.connect(by).cancelContract(1n))
          .to.be.revertedWithCustomError(contracts, "GridContracts_NotYours")
          .withArgs(1n, by.address);
      }
      expect(await freeIps(grid)).to.equal(IPS - 3n);
      await contracts.connect(node).cancelContract(1n);
      expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.ByNode]);
      expect(await freeIps(grid)).to.equal(IPS - 1n);
      expect((await registry.node(1n)).claimed.cru).to.equal(4n);
      await expect(contracts.connect(user).cancelContract(1n))
        .to.be.revertedWithCustomError(contracts, "GridContracts_Over")
        .withArgs(1n, Cause.ByNode);
      await expect(contracts.connect(user).cancelContract(3n)).to.be.revertedWithCustomError(
        contracts,
        "GridContracts_UnknownContract",
      );
    });

    it("is cancelled whatever the price feed does", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, feed, user, prices } = grid;
      for (const [mood, label] of ["refuses", "burns gas", "is short"].entries()) {
        const contractId = await deploy(grid, BigInt(mood) * 1_000n, { label });
        await feed.setMood(BigInt(mood) + 1n);
        await expect(contracts.connect(user).cancelContract(contractId), label).to.emit(prices, "StalePriceUsed");
        await feed.setAnswer(ANSWER, 0n);
      }
    });

    it("is over when its node retires, with all that is billed before", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const { contracts, registry, node, user } = grid;
      await deploy(grid, 0n, { publicIps: 1n });
      await report(grid, 100n, 1n);
      await grid.at(200n);
      await registry.connect(node).deleteNode(1n);
      const [retires] = [3n * INTERVAL];
      expect((await contracts.contractOf(1n)).endsAt).to.equal(grid.start + retires);
      // Reports until then lapse no later.
      await report(grid, 2n * INTERVAL, 1n);
      expect((await contracts.contractOf(1n)).billedUntil).to.equal(grid.start + retires);
      await grid.lookAt(retires + 10n);
      expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.NodeRetired]);
      const spent = costOf(IP_RATE, retires) + costOf(NODE_RATE, retires - 100n, 0n);
      const discounted = BALANCE * GRAINS_PER_WEI - (await balanceOf(grid));
      expect(discounted).to.be.lessThan(spent);
      // A cancellation of what is over closes it, and does not change why.
      await contracts.connect(user).cancelContract(1n);
      expect(await stateOf(grid, 1n)).to.deep.equal([State.Deleted, Cause.NodeRetired]);
      expect(await freeIps(grid)).to.equal(IPS);
    });

    it("bills a contract that has only IPs from its creation, and nothing else", async () => {
      const grid = await networkHelpers.loadFixture(fixture);
      const limits = { resources: { cru: 0n, sru: 0n, hru: 0n, mru: 0n }, nruPerHour: 0n };
      await deploy(grid, 100n, { publicIps: 3n, limits });
      await grid.lookAt(1_100n);
      expect(await balanceOf(grid)).to.equal(BALANCE * GRAINS_PER_WEI - costOf(3n * IP_RATE, 1_000n));
    });
  });

  it("lists a user's contracts in pages", async () => {
    const grid = await networkHelpers.loadFixture(fixture);
    const { contracts, userId } = grid;
    for (const label of ["a", "b", "c"]) await contracts.connect(grid.user).createNameContract(label);
    expect(await contracts.contractsOf(userId, 1n, 1n)).to.deep.equal([2n]);
    expect(await contracts.contractsOf(userId, 1n, 100n)).to.deep.equal([2n, 3n]);
    expect(await contracts.contractsOf(userId, 3n, 100n)).to.deep.equal([]);
    expect(await contracts.contractsOf(9n, 0n, 100n)).to.deep.equal([]);
    expect(await contracts.contractCount()).to.equal(3n);
    await expect(contracts.contractOf(4n)).to.be.revertedWithCustomError(contracts, "GridContracts_UnknownContract");
    await expect(contracts.statesOf([4n])).to.be.revertedWithCustomError(contracts, "GridContracts_UnknownContract");
  });

  it("keeps nobody's contracts longer than the grace period", async () => {
    const { contracts } = await networkHelpers.loadFixture(fixture);
    expect(await contracts.GRACE_SECONDS()).to.equal(GRACE_SECONDS);
  });
});
