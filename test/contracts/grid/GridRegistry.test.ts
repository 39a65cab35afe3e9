import { anyValue } from "@nomicfoundation/hardhat-ethers-chai-matchers/withArgs";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { network } from "hardhat";

import {
  deployRegistry,
  INTERVAL,
  ipv4,
  LOCATION,
  makeFarm,
  makeGridTwin,
  makeNode,
  named,
  NEVER,
  NodeStatus,
  PRICES,
  publicIp,
  RESOURCES,
  SHARES,
  signConsent,
  twinArguments,
} from "../helpers/grid-registry.ts";

const { ethers, networkHelpers } = await network.create();

const MAX_RESOURCES = [2n ** 16n, 2n ** 54n, 2n ** 54n, 2n ** 54n];

/** A farm of a farmer and a node of another twin; the grid's contract is an account here. */
async function fixture() {
  const [deployer, farmer, operator, stranger, grid, treasury, outsider] = await ethers.getSigners();
  if (!deployer || !farmer || !operator || !stranger || !grid || !treasury || !outsider) {
    throw new Error("the network has too few accounts");
  }
  const base = await deployRegistry(ethers, treasury.address);
  const { registry, twins } = base;
  const farmerTwin = await makeGridTwin(twins, farmer);
  const operatorTwin = await makeGridTwin(twins, operator);
  await makeGridTwin(twins, stranger);
  await registry.connect(grid).attachGrid();
  const farmId = await makeFarm(registry, farmer, "Alpha_Farm-1");
  const nodeId = await makeNode(base, farmer, operator, farmId);
  return {
    ...base,
    farmer,
    operator,
    stranger,
    grid,
    treasury,
    outsider,
    farmerTwin,
    operatorTwin,
    farmId,
    nodeId,
    asFarmer: registry.connect(farmer),
    asOperator: registry.connect(operator),
    asStranger: registry.connect(stranger),
    asGrid: registry.connect(grid),
  };
}

async function fixtureWithIps() {
  const base = await fixture();
  for (let i = 1; i <= 4; i++) await base.asFarmer.addPublicIp(base.farmId, publicIp(i));
  return base;
}

const text = (value: string): string => ethers.encodeBytes32String(value);
const now = async (): Promise<bigint> => BigInt(await networkHelpers.time.latest());
/** Goes to a moment of the running interval, so that what follows is within one; returns the interval's end. */
async function atStartOfInterval(): Promise<bigint> {
  const start = ((await now()) / INTERVAL + 1n) * INTERVAL;
  await networkHelpers.time.increaseTo(start);
  return start + INTERVAL;
}
const policy = (changes: object = {}) => ({
  prices: PRICES,
  shares: SHARES,
  treasury: ZeroAddress.replace(/0$/, "1"),
  ...changes,
});

describe("GridRegistry", () => {
  describe("deployment", () => {
    it("should hold its numbers and the policy that names are sold by", async () => {
      const { registry, grid, treasury } = await networkHelpers.loadFixture(fixture);
      expect(await registry.intervalSeconds()).to.equal(INTERVAL);
      expect(await registry.grid()).to.equal(grid.address);
      expect(await registry.pricingPolicyCount()).to.equal(1n);
      const { prices, shares, treasury: account } = await registry.pricingPolicy(1n);
      expect(named(prices)).to.deep.equal(PRICES);
      expect(named(shares)).to.deep.equal(SHARES);
      expect(account).to.equal(treasury.address);
      expect(named(await registry.pricesOf(1n))).to.deep.equal(PRICES);
    });

    it("should refuse no twins, lengths of intervals out of bounds, and a first policy without a treasury", async () => {
      const { registry, twins, treasury } = await networkHelpers.loadFixture(fixture);
      const deploy = async (at: unknown, length: bigint, account = treasury.address) =>
        await ethers.deployContract("GridRegistry", [at, length, policy({ treasury: account })]);
      await expect(deploy(ZeroAddress, INTERVAL))
        .to.be.revertedWithCustomError(registry, "GridRegistry_BadSetting")
        .withArgs(text("twins"), 1n, 2n ** 256n - 1n, 0n);
      for (const length of [1n, 604_801n]) {
        await expect(deploy(twins, length))
          .to.be.revertedWithCustomError(registry, "GridRegistry_BadSetting")
          .withArgs(text("intervalSeconds"), 2n, 604_800n, length);
      }
      for (const length of [2n, 604_800n]) await deploy(twins, length);
      await expect(deploy(twins, INTERVAL, ZeroAddress))
        .to.be.revertedWithCustomError(registry, "GridRegistry_BadTreasury")
        .withArgs(SHARES.treasury, ZeroAddress);
    });

    it("should be attached once, and serve nobody else then", async () => {
      const { asStranger, asGrid, registry, grid, stranger, nodeId } = await networkHelpers.loadFixture(fixture);
      for (const contract of [asStranger, asGrid]) {
        await expect(contract.attachGrid())
          .to.be.revertedWithCustomError(registry, "GridRegistry_AlreadyAttached")
          .withArgs(grid.address);
      }
      for (const call of [
        () => asStranger.claim(nodeId, 1n, RESOURCES, 0n),
        () => asStranger.release(nodeId, 1n, RESOURCES),
      ]) {
        await expect(call())
          .to.be.revertedWithCustomError(registry, "GridRegistry_NotTheGrid")
          .withArgs(grid.address, stranger.address);
      }
      const { registry: fresh } = await deployRegistry(ethers, grid.address);
      await expect(fresh.connect(grid).attachGrid()).to.emit(fresh, "GridAttached").withArgs(grid.address);
    });
  });

  describe("pricing policies", () => {
    it("should be made by anybody, and read as they were made", async () => {
      const { asStranger, registry, stranger } = await networkHelpers.loadFixture(fixture);
      const made = policy({ prices: { ...PRICES, cu: 2n ** 32n - 1n, dedicationDiscountPercent: 100n } });
      await expect(asStranger.createPricingPolicy(made)).to.emit(registry, "PricingPolicyCreated");
      expect(await registry.pricingPolicyCount()).to.equal(2n);
      expect(named(await registry.pricingPolicy(2n))).to.deep.equal(made);
      const [event] = await registry.queryFilter(registry.filters.PricingPolicyCreated(2n));
      expect(event?.args.author).to.equal(stranger.address);
      expect(named(event?.args.policy)).to.deep.equal(made);
    });

    it("should give the whole revenue away, to somebody, and not more than the whole price off", async () => {
      const { registry } = await networkHelpers.loadFixture(fixture);
      for (const shares of [
        { ...SHARES, farm: 7_001n },
        { ...SHARES, burn: 999n },
        { farm: 65_535n, treasury: 65_535n, burn: 65_535n },
      ]) {
        await expect(registry.createPricingPolicy(policy({ shares })))
          .to.be.revertedWithCustomError(registry, "GridRegistry_BadShares")
          .withArgs(10_000n, shares.farm + shares.treasury + shares.burn);
      }
      await expect(registry.createPricingPolicy(policy({ prices: { ...PRICES, dedicationDiscountPercent: 101n } })))
        .to.be.revertedWithCustomError(registry, "GridRegistry_BadShares")
        .withArgs(100n, 101n);
      await expect(registry.createPricingPolicy(policy({ treasury: ZeroAddress })))
        .to.be.revertedWithCustomError(registry, "GridRegistry_BadTreasury")
        .withArgs(SHARES.treasury, ZeroAddress);
      await registry.createPricingPolicy(
        policy({ treasury: ZeroAddress, shares: { farm: 9_000n, treasury: 0n, burn: 1_000n } }),
      );
    });

    it("should be known by their ids only", async () => {
      const { registry } = await networkHelpers.loadFixture(fixture);
      for (const call of [() => registry.pricesOf(0n), () => registry.pricesOf(2n), () => registry.pricingPolicy(2n)]) {
        await expect(call()).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy");
      }
    });
  });

  describe("farms", () => {
    it("should belong to the twin that made them", async () => {
      const { registry, asStranger, stranger, farmer, farmId, farmerTwin, twins } =
        await networkHelpers.loadFixture(fixture);
      const twinId = await twins.twinOf(stranger.address);
      await expect(asStranger.createFarm("b", 0n, farmer.address))
        .to.emit(registry, "FarmCreated")
        .withArgs(2n, twinId, "b", 0n, farmer.address);
      expect(await registry.farmCount()).to.equal(2n);
      expect(await registry.payoutAddressOf(2n)).to.equal(farmer.address);
      const view = await registry.farm(farmId);
      expect(named(view)).to.deep.equal({
        farmId,
        name: "Alpha_Farm-1",
        twinId: farmerTwin,
        owner: farmer.address,
        payoutAddress: farmer.address,
        pricingPolicyId: 1n,
        nextPolicyId: 1n,
        nextPolicyFrom: view.nextPolicyFrom,
        publicIpCount: 0n,
        freePublicIpCount: 0n,
      });
      expect((await registry.farm(2n)).pricingPolicyId).to.equal(0n);
    });

    it("should have names that nobody takes for another's", async () => {
      const { registry, asFarmer, asStranger, stranger, farmer, farmId } = await networkHelpers.loadFixture(fixture);
      for (const name of ["Alpha_Farm-1", "alpha_farm-1", "ALPHA_FARM-1"]) {
        await expect(asStranger.createFarm(name, 1n, stranger.address))
          .to.be.revertedWithCustomError(registry, "GridRegistry_FarmNameTaken")
          .withArgs(name, farmId);
        expect(await registry.farmOfName(name)).to.equal(farmId);
      }
      for (const name of ["", " ", "a b", "a.b", "é", "a".repeat(41)]) {
        await expect(asFarmer.createFarm(name, 1n, farmer.address))
          .to.be.revertedWithCustomError(registry, "GridRegistry_BadFarmName")
          .withArgs(name);
      }
      await asFarmer.createFarm("a".repeat(40), 1n, farmer.address);
      expect((await registry.farm(2n)).name).to.equal("a".repeat(40));
      expect(await registry.farmOfName("nobody")).to.equal(0n);
    });

    it("should be refused to whom has no twin, without a payout address, or with an unknown policy", async () => {
      const { registry, outsider, asFarmer, farmer } = await networkHelpers.loadFixture(fixture);
      await expect(registry.connect(outsider).createFarm("b", 1n, farmer.address))
        .to.be.revertedWithCustomError(registry, "GridRegistry_NotATwin")
        .withArgs(outsider.address);
      await expect(asFarmer.createFarm("b", 1n, ZeroAddress)).to.be.revertedWithCustomError(
        registry,
        "GridRegistry_ZeroPayoutAddress",
      );
      await expect(asFarmer.createFarm("b", 2n, farmer.address))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy")
        .withArgs(2n);
    });

    it("should be changed by their owner only", async () => {
      const { registry, asFarmer, asStranger, stranger, farmer, farmId } = await networkHelpers.loadFixture(fixture);
      const refused = [
        () => asStranger.setPayoutAddress(farmId, stranger.address),
        () => asStranger.setPricingPolicy(farmId, 1n),
        () => asStranger.addPublicIp(farmId, publicIp(1)),
        () => asStranger.removePublicIp(farmId, publicIp(1).ip),
      ];
      for (const call of refused) {
        await expect(call())
          .to.be.revertedWithCustomError(registry, "GridRegistry_NotFarmOwner")
          .withArgs(farmId, farmer.address, stranger.address);
      }
      const unknown = [
        () => asFarmer.setPayoutAddress(9n, farmer.address),
        () => asFarmer.setPricingPolicy(9n, 1n),
        () => asFarmer.addPublicIp(9n, publicIp(1)),
        () => asFarmer.removePublicIp(9n, publicIp(1).ip),
        () => registry.farm(9n),
        () => registry.farm(0n),
        () => registry.payoutAddressOf(9n),
        () => registry.publicIps(9n, 0n, 1n),
        () => registry.publicIpsOf(9n, 1n),
        () => registry.nodesOfFarm(9n, 0n, 1n),
      ];
      for (const call of unknown) {
        await expect(call()).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownFarm");
      }
      await expect(asFarmer.setPayoutAddress(farmId, ZeroAddress)).to.be.revertedWithCustomError(
        registry,
        "GridRegistry_ZeroPayoutAddress",
      );
      await expect(asFarmer.setPayoutAddress(farmId, stranger.address))
        .to.emit(registry, "PayoutAddressChanged")
        .withArgs(farmId, stranger.address);
      expect(await registry.payoutAddressOf(farmId)).to.equal(stranger.address);
    });

    it("should switch to another policy at the end of the next interval, and back before it", async () => {
      const { registry, asFarmer, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      await registry.createPricingPolicy(policy());
      const from = (await atStartOfInterval()) + INTERVAL;
      await expect(asFarmer.setPricingPolicy(farmId, 2n))
        .to.emit(registry, "PricingPolicyChanged")
        .withArgs(farmId, 2n, from);
      const view = await registry.farm(farmId);
      expect([view.pricingPolicyId, view.nextPolicyId, view.nextPolicyFrom]).to.deep.equal([1n, 2n, from]);
      await networkHelpers.time.increaseTo(from - 1n);
      expect((await registry.termsOf(nodeId)).pricingPolicyId).to.equal(1n);
      await networkHelpers.time.increaseTo(from);
      expect((await registry.termsOf(nodeId)).pricingPolicyId).to.equal(2n);
      expect((await registry.farm(farmId)).pricingPolicyId).to.equal(2n);

      await asFarmer.setPricingPolicy(farmId, 1n);
      expect((await registry.farm(farmId)).pricingPolicyId).to.equal(2n);
      await asFarmer.setPricingPolicy(farmId, 2n);
      await networkHelpers.time.increase(3n * INTERVAL);
      expect((await registry.farm(farmId)).pricingPolicyId).to.equal(2n);
      await expect(asFarmer.setPricingPolicy(farmId, 3n))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPolicy")
        .withArgs(3n);
    });

    it("should stop and start selling by having no policy", async () => {
      const { registry, asFarmer, asGrid, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      await asFarmer.setPricingPolicy(farmId, 0n);
      await networkHelpers.time.increase(2n * INTERVAL);
      for (const call of [() => registry.termsOf(nodeId), () => asGrid.claim(nodeId, 1n, RESOURCES, 0n)]) {
        await expect(call()).to.be.revertedWithCustomError(registry, "GridRegistry_FarmWithoutPolicy").withArgs(farmId);
      }
      await asFarmer.setPricingPolicy(farmId, 1n);
      const { pricingPolicyId, nextPolicyFrom } = await registry.farm(farmId);
      expect([pricingPolicyId, nextPolicyFrom]).to.deep.equal([1n, await now()]);
      await asGrid.claim(nodeId, 1n, RESOURCES, 0n);
    });

    it("should be listed in pages, all and by twin", async () => {
      const { registry, asFarmer, farmer, farmerTwin } = await networkHelpers.loadFixture(fixture);
      for (const name of ["b", "c", "d"]) await asFarmer.createFarm(name, 1n, farmer.address);
      const names = async (from: bigint, count: bigint) => (await registry.farms(from, count)).map(({ name }) => name);
      expect(await names(1n, 100n)).to.deep.equal(["Alpha_Farm-1", "b", "c", "d"]);
      expect(await names(2n, 2n)).to.deep.equal(["b", "c"]);
      expect(await names(4n, 2n ** 256n - 1n)).to.deep.equal(["d"]);
      for (const [from, count] of [
        [0n, 1n],
        [5n, 1n],
        [2n ** 256n - 1n, 9n],
        [1n, 0n],
      ] as const) {
        expect(await names(from, count)).to.deep.equal([]);
      }
      expect(await registry.farmsOfTwin(farmerTwin, 0n, 100n)).to.deep.equal([1n, 2n, 3n, 4n]);
      expect(await registry.farmsOfTwin(farmerTwin, 2n, 1n)).to.deep.equal([3n]);
      expect(await registry.farmsOfTwin(farmerTwin, 4n, 1n)).to.deep.equal([]);
      expect(await registry.farmsOfTwin(77n, 0n, 1n)).to.deep.equal([]);
    });

    it("should give no more than a hundred entries a page", async () => {
      const { registry, asFarmer, farmer } = await networkHelpers.loadFixture(fixture);
      for (let i = 0; i < 101; i++) await asFarmer.createFarm(`farm-${i}`, 1n, farmer.address);
      expect(await registry.farms(1n, 1_000n)).to.have.lengthOf(100);
    });
  });

  describe("public IPs", () => {
    it("should be added and removed by the farm's owner", async () => {
      const { registry, asFarmer, farmId } = await networkHelpers.loadFixture(fixture);
      const one = publicIp(1);
      await expect(asFarmer.addPublicIp(farmId, one)).to.emit(registry, "PublicIpAdded");
      const [view] = await registry.publicIps(farmId, 0n, 10n);
      expect(named(view)).to.deep.equal({ publicIp: one, contractId: 0n });
      await expect(asFarmer.addPublicIp(farmId, { ...one, prefix: 24n }))
        .to.be.revertedWithCustomError(registry, "GridRegistry_PublicIpTaken")
        .withArgs(farmId, one.ip);
      await expect(asFarmer.removePublicIp(farmId, one.ip))
        .to.emit(registry, "PublicIpRemoved")
        .withArgs(farmId, one.ip);
      await expect(asFarmer.removePublicIp(farmId, one.ip))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownPublicIp")
        .withArgs(farmId, one.ip);
      expect(await registry.publicIps(farmId, 0n, 10n)).to.deep.equal([]);
      await asFarmer.addPublicIp(farmId, one);
      await expect(
        asFarmer.addPublicIp(farmId, { ip: ipv4("10.0.0.1"), gateway: ipv4("10.0.0.1"), prefix: 8n }),
      ).to.be.revertedWithCustomError(registry, "GridRegistry_BadPublicIp");
    });

    it("should be reserved for one contract, kept while it lasts, and free again after it", async () => {
      const { registry, asFarmer, asGrid, farmId, nodeId } = await networkHelpers.loadFixture(fixtureWithIps);
      const nothing = { cru: 0n, sru: 0n, hru: 0n, mru: 0n };
      await expect(asGrid.claim(nodeId, 7n, nothing, 3n)).to.emit(registry, "PublicIpsReserved");
      const held = await registry.publicIpsOf(farmId, 7n);
      const heldIps = held.map(({ ip }) => ip);
      expect(new Set(heldIps).size).to.equal(3);
      for (const one of held) expect([one.gateway, one.prefix]).to.deep.equal([ipv4("127.0.0.1"), 8n]);
      const [event] = await registry.queryFilter(registry.filters.PublicIpsReserved(farmId, 7n));
      expect(event?.args.ips).to.deep.equal(heldIps);
      const view = await registry.farm(farmId);
      expect([view.publicIpCount, view.freePublicIpCount]).to.deep.equal([4n, 1n]);
      const list = await registry.publicIps(farmId, 0n, 10n);
      expect(list.map(({ contractId }) => contractId)).to.deep.equal([0n, 7n, 7n, 7n]);
      expect(await registry.publicIps(farmId, 3n, 10n)).to.have.lengthOf(1);

      for (const ip of heldIps) {
        await expect(asFarmer.removePublicIp(farmId, ip))
          .to.be.revertedWithCustomError(registry, "GridRegistry_PublicIpReserved")
          .withArgs(farmId, ip, 7n);
      }
      await expect(asGrid.claim(nodeId, 8n, nothing, 2n))
        .to.be.revertedWithCustomError(registry, "GridRegistry_NotEnoughPublicIps")
        .withArgs(farmId, 2n, 1n);
      await asGrid.claim(nodeId, 9n, nothing, 1n);
      expect(heldIps).to.not.include((await registry.publicIpsOf(farmId, 9n))[0]?.ip);

      await expect(asGrid.release(nodeId, 7n, nothing)).to.emit(registry, "PublicIpsReleased");
      expect(await registry.publicIpsOf(farmId, 7n)).to.deep.equal([]);
      expect((await registry.farm(farmId)).freePublicIpCount).to.equal(3n);
      await asFarmer.removePublicIp(farmId, heldIps[1] ?? "");
      expect((await registry.farm(farmId)).publicIpCount).to.equal(3n);
      await expect(asGrid.release(nodeId, 7n, nothing)).to.not.emit(registry, "PublicIpsReleased");
    });

    it("should be reserved up to sixty-four at once", async () => {
      const { registry, asFarmer, asGrid, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      for (let i = 1; i <= 66; i++) await asFarmer.addPublicIp(farmId, publicIp(i));
      const nothing = { cru: 0n, sru: 0n, hru: 0n, mru: 0n };
      await expect(asGrid.claim(nodeId, 1n, nothing, 65n))
        .to.be.revertedWithCustomError(registry, "GridRegistry_TooManyPublicIps")
        .withArgs(64n, 65n);
      await asGrid.claim(nodeId, 1n, nothing, 64n);
      expect(await registry.publicIpsOf(farmId, 1n)).to.have.lengthOf(64);
      await asGrid.release(nodeId, 1n, nothing);
      expect((await registry.farm(farmId)).freePublicIpCount).to.equal(66n);
    });
  });

  describe("nodes", () => {
    it("should be what their twin and the farm's owner agreed on", async () => {
      const { registry, operator, operatorTwin, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      const view = await registry.node(nodeId);
      expect(named(view)).to.deep.equal({
        nodeId,
        farmId,
        twinId: operatorTwin,
        account: operator.address,
        status: NodeStatus.Up,
        resources: RESOURCES,
        claimed: { cru: 0n, sru: 0n, hru: 0n, mru: 0n },
        retiresAt: NEVER,
        location: LOCATION,
      });
      expect(await registry.nodeOfTwin(operatorTwin)).to.equal(nodeId);
      expect([...(await registry.nodeAccount(nodeId))]).to.deep.equal([operator.address, NEVER]);
      expect(named(await registry.termsOf(nodeId))).to.deep.equal({
        farmId,
        pricingPolicyId: 1n,
        account: operator.address,
        resources: RESOURCES,
      });
    });

    it("should need a consent of the owner, of just this, that is not used before and not out of date", async () => {
      const { registry, twins, asStranger, asOperator, stranger, operator, farmer, farmId } =
        await networkHelpers.loadFixture(fixture);
      const twinId = await twins.twinOf(stranger.address);
      const deadline = (await now()) + 1_000n;
      const good = { farmId, twinId, resources: RESOURCES, nonce: 0n, deadline };
      const create = async (consent: string, until = deadline, resources = RESOURCES) =>
        await asStranger.createNode(farmId, resources, LOCATION, until, consent);
      const other = { ...RESOURCES, mru: RESOURCES.mru + 1n };
      const { address: elsewhere } = operator;
      const bad = [
        await signConsent(registry, stranger, good),
        await signConsent(registry, farmer, { ...good, farmId: 2n }),
        await signConsent(registry, farmer, { ...good, twinId: twinId + 1n }),
        await signConsent(registry, farmer, { ...good, resources: other }),
        await signConsent(registry, farmer, { ...good, resources: { ...RESOURCES, cru: 1n } }),
        await signConsent(registry, farmer, { ...good, resources: { ...RESOURCES, sru: 1n } }),
        await signConsent(registry, farmer, { ...good, resources: { ...RESOURCES, hru: 1n } }),
        await signConsent(registry, farmer, { ...good, nonce: 1n }),
        await signConsent(registry, farmer, { ...good, deadline: deadline + 1n }),
        await signConsent(registry, farmer, { ...good, verifyingContract: elsewhere }),
        "0x",
        `0x${"00".repeat(65)}`,
      ];
      for (const consent of bad) {
        await expect(create(consent))
          .to.be.revertedWithCustomError(registry, "GridRegistry_BadConsent")
          .withArgs(farmId, farmer.address);
      }
      const consent = await signConsent(registry, farmer, good);
      await expect(create(consent, deadline, other)).to.be.revertedWithCustomError(registry, "GridRegistry_BadConsent");
      await expect(create(consent))
        .to.emit(registry, "NodeCreated")
        .withArgs(2n, farmId, twinId, Object.values(RESOURCES));

      await asStranger.deleteNode(2n);
      await networkHelpers.time.increase(3n * INTERVAL);
      await expect(create(consent, deadline))
        .to.be.revertedWithCustomError(registry, "GridRegistry_ConsentExpired")
        .withArgs(deadline, anyValue);
      const again = await signConsent(registry, farmer, { ...good, deadline: NEVER });
      await expect(create(again, NEVER), "its nonce was used").to.be.revertedWithCustomError(
        registry,
        "GridRegistry_BadConsent",
      );
      await expect(asOperator.createNode(farmId, RESOURCES, LOCATION, NEVER, again)).to.be.revertedWithCustomError(
        registry,
        "GridRegistry_AlreadyANode",
      );
    });

    it("should take a consent in its last second", async () => {
      const { registry, twins, asStranger, stranger, farmer, farmId } = await networkHelpers.loadFixture(fixture);
      const deadline = (await now()) + 500n;
      const twinId = await twins.twinOf(stranger.address);
      const consent = await signConsent(registry, farmer, {
        farmId,
        twinId,
        resources: RESOURCES,
        nonce: 0n,
        deadline,
      });
      await networkHelpers.time.setNextBlockTimestamp(deadline);
      await asStranger.createNode(farmId, RESOURCES, LOCATION, deadline, consent);
    });

    it("should take the consent of an owner that is a contract", async () => {
      const { registry, twins, farmer, operator, stranger, asStranger } = await networkHelpers.loadFixture(fixture);
      const owner = await ethers.deployContract("ContractAccount", [farmer.address]);
      const account = await owner.getAddress();
      const act = async (target: { getAddress(): Promise<string> }, data: string) =>
        await owner.act(await target.getAddress(), 0n, data);
      const registering = await twinArguments(twins, account);
      await act(twins, twins.interface.encodeFunctionData("register", registering));
      await act(registry, registry.interface.encodeFunctionData("createFarm", ["vault", 1n, account]));
      const twinId = await twins.twinOf(stranger.address);
      const good = { farmId: 2n, twinId, resources: RESOURCES, nonce: 0n, deadline: NEVER };
      const create = async (consent: string) => await asStranger.createNode(2n, RESOURCES, LOCATION, NEVER, consent);
      await expect(create(await signConsent(registry, operator, good)))
        .to.be.revertedWithCustomError(registry, "GridRegistry_BadConsent")
        .withArgs(2n, account);
      await create(await signConsent(registry, farmer, good));
      expect((await registry.node(2n)).farmId).to.equal(2n);
    });

    it("should need no consent on a farm of their own", async () => {
      const { registry, asFarmer, farmId, farmerTwin } = await networkHelpers.loadFixture(fixture);
      await asFarmer.createNode(farmId, RESOURCES, LOCATION, 0n, "0x");
      expect(await registry.nodeOfTwin(farmerTwin)).to.equal(2n);
      await asFarmer.updateNode(2n, { ...RESOURCES, cru: 32n }, 0n, "0x");
      expect((await registry.node(2n)).resources.cru).to.equal(32n);
    });

    it("should be refused on an unknown farm, on one without a policy, to whom has no twin, and twice", async () => {
      const { registry, outsider, asFarmer, asStranger, asOperator, operatorTwin, nodeId, farmer, farmId } =
        await networkHelpers.loadFixture(fixture);
      await expect(asStranger.createNode(9n, RESOURCES, LOCATION, NEVER, "0x"))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownFarm")
        .withArgs(9n);
      await expect(registry.connect(outsider).createNode(farmId, RESOURCES, LOCATION, NEVER, "0x"))
        .to.be.revertedWithCustomError(registry, "GridRegistry_NotATwin")
        .withArgs(outsider.address);
      await expect(asOperator.createNode(farmId, RESOURCES, LOCATION, NEVER, "0x"))
        .to.be.revertedWithCustomError(registry, "GridRegistry_AlreadyANode")
        .withArgs(operatorTwin, nodeId);
      await asFarmer.createFarm("bare", 0n, farmer.address);
      await expect(asFarmer.createNode(2n, RESOURCES, LOCATION, NEVER, "0x"))
        .to.be.revertedWithCustomError(registry, "GridRegistry_FarmWithoutPolicy")
        .withArgs(2n);
    });

    it("should have what a machine can have", async () => {
      const { registry, asFarmer, farmId } = await networkHelpers.loadFixture(fixture);
      const bad = [
        { ...RESOURCES, cru: 0n },
        { ...RESOURCES, mru: 0n },
        { ...RESOURCES, cru: 2n ** 16n + 1n },
        { ...RESOURCES, sru: 2n ** 54n + 1n },
        { ...RESOURCES, hru: 2n ** 54n + 1n },
        { ...RESOURCES, mru: 2n ** 54n + 1n },
      ];
      for (const resources of bad) {
        await expect(asFarmer.createNode(farmId, resources, LOCATION, NEVER, "0x"))
          .to.be.revertedWithCustomError(registry, "GridRegistry_BadResources")
          .withArgs(MAX_RESOURCES, Object.values(resources));
      }
      const most = { cru: 2n ** 16n, sru: 2n ** 54n, hru: 2n ** 54n, mru: 2n ** 54n };
      await asFarmer.createNode(farmId, most, LOCATION, NEVER, "0x");
      await asFarmer.updateNode(2n, { cru: 1n, sru: 0n, hru: 0n, mru: 1n }, 0n, "0x");
      await expect(asFarmer.updateNode(2n, { ...RESOURCES, cru: 0n }, 0n, "0x")).to.be.revertedWithCustomError(
        registry,
        "GridRegistry_BadResources",
      );
    });

    it("should stand somewhere on Earth", async () => {
      const { registry, asFarmer, asOperator, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      const bad = [
        { ...LOCATION, country: "0x4260" },
        { ...LOCATION, country: "0x405a" },
        { ...LOCATION, country: "0x5b5a" },
        { ...LOCATION, country: "0x4240" },
        { ...LOCATION, country: "0x4265" },
        { ...LOCATION, country: "0x0000" },
        { ...LOCATION, latitude: 90_000_001n },
        { ...LOCATION, latitude: -90_000_001n },
        { ...LOCATION, longitude: 180_000_001n },
        { ...LOCATION, longitude: -180_000_001n },
        { ...LOCATION, city: "a".repeat(65) },
      ];
      for (const location of bad) {
        for (const call of [
          () => asFarmer.createNode(farmId, RESOURCES, location, NEVER, "0x"),
          () => asOperator.setNodeLocation(nodeId, location),
        ]) {
          await expect(call())
            .to.be.revertedWithCustomError(registry, "GridRegistry_BadLocation")
            .withArgs(Object.values(location));
        }
      }
      const good = [
        { country: "0x415a", latitude: 90_000_000n, longitude: 180_000_000n, city: "a".repeat(64) },
        { country: "0x5a41", latitude: -90_000_000n, longitude: -180_000_000n, city: "" },
      ];
      for (const location of good) {
        await expect(asOperator.setNodeLocation(nodeId, location))
          .to.emit(registry, "NodeLocated")
          .withArgs(nodeId, Object.values(location));
        expect(named((await registry.node(nodeId)).location)).to.deep.equal(location);
      }
    });

    it("should shrink by themselves down to what is claimed, and grow with the owner's consent", async () => {
      const { registry, asOperator, asGrid, operatorTwin, farmer, farmId, nodeId } =
        await networkHelpers.loadFixture(fixture);
      const limits = { cru: 2n, sru: 10n, hru: 20n, mru: 30n };
      await asGrid.claim(nodeId, 1n, limits, 0n);
      for (const kind of ["cru", "sru", "hru", "mru"] as const) {
        const less = { ...RESOURCES, [kind]: limits[kind] - 1n };
        await expect(asOperator.updateNode(nodeId, less, 0n, "0x"))
          .to.be.revertedWithCustomError(registry, "GridRegistry_ResourcesClaimed")
          .withArgs(nodeId, Object.values(limits), Object.values(less));
        const more = { ...RESOURCES, [kind]: RESOURCES[kind] + 1n };
        await expect(asOperator.updateNode(nodeId, more, NEVER, "0x")).to.be.revertedWithCustomError(
          registry,
          "GridRegistry_BadConsent",
        );
      }
      await expect(asOperator.updateNode(nodeId, limits, 0n, "0x"))
        .to.emit(registry, "NodeUpdated")
        .withArgs(nodeId, Object.values(limits));
      expect(named((await registry.node(nodeId)).resources)).to.deep.equal(limits);

      const nonce = await registry.nonces((await registry.node(nodeId)).account);
      const consent = await signConsent(registry, farmer, {
        farmId,
        twinId: operatorTwin,
        resources: RESOURCES,
        nonce,
        deadline: NEVER,
      });
      await asOperator.updateNode(nodeId, RESOURCES, NEVER, consent);
      expect(named((await registry.node(nodeId)).resources)).to.deep.equal(RESOURCES);
    });

    it("should be moved by their own twin, and switched and deleted by the farm's owner as well", async () => {
      const { registry, asFarmer, asOperator, asStranger, farmer, operator, stranger, nodeId } =
        await networkHelpers.loadFixture(fixture);
      for (const contract of [asFarmer, asStranger]) {
        const caller = contract === asFarmer ? farmer : stranger;
        for (const call of [
          () => contract.updateNode(nodeId, RESOURCES, 0n, "0x"),
          () => contract.setNodeLocation(nodeId, LOCATION),
        ]) {
          await expect(call())
            .to.be.revertedWithCustomError(registry, "GridRegistry_NotNodeTwin")
            .withArgs(nodeId, operator.address, caller.address);
        }
      }
      for (const call of [
        () => asStranger.setNodeStatus(nodeId, NodeStatus.Standby),
        () => asStranger.deleteNode(nodeId),
      ]) {
        await expect(call())
          .to.be.revertedWithCustomError(registry, "GridRegistry_NotNodeOrFarm")
          .withArgs(nodeId, stranger.address);
      }
      for (const contract of [asFarmer, asOperator]) {
        for (const status of [NodeStatus.Standby, NodeStatus.Up]) {
          await expect(contract.setNodeStatus(nodeId, status))
            .to.emit(registry, "NodeStatusChanged")
            .withArgs(nodeId, status);
          expect((await registry.node(nodeId)).status).to.equal(status);
        }
      }
      await asFarmer.deleteNode(nodeId);
      const unknown = [
        () => asOperator.updateNode(9n, RESOURCES, 0n, "0x"),
        () => asOperator.setNodeLocation(9n, LOCATION),
        () => asOperator.setNodeStatus(9n, NodeStatus.Up),
        () => asOperator.deleteNode(9n),
        () => registry.node(9n),
        () => registry.node(0n),
        () => registry.nodeAccount(9n),
        () => registry.termsOf(9n),
      ];
      for (const call of unknown) {
        await expect(call()).to.be.revertedWithCustomError(registry, "GridRegistry_UnknownNode");
      }
    });

    it("should take no new contracts on standby, and keep those that they have", async () => {
      const { registry, asOperator, asGrid, nodeId } = await networkHelpers.loadFixture(fixture);
      const limits = { cru: 1n, sru: 2n, hru: 3n, mru: 4n };
      await asGrid.claim(nodeId, 1n, limits, 0n);
      await asOperator.setNodeStatus(nodeId, NodeStatus.Standby);
      for (const call of [() => registry.termsOf(nodeId), () => asGrid.claim(nodeId, 2n, limits, 0n)]) {
        await expect(call()).to.be.revertedWithCustomError(registry, "GridRegistry_NodeNotUp").withArgs(nodeId);
      }
      expect(named((await registry.node(nodeId)).claimed)).to.deep.equal(limits);
      await asGrid.release(nodeId, 1n, limits);
    });

    it("should retire at the end of the interval after the next one, and make room for another then", async () => {
      const { registry, asOperator, asGrid, operator, operatorTwin, farmer, farmId, nodeId, twins } =
        await networkHelpers.loadFixture(fixture);
      const limits = { cru: 1n, sru: 2n, hru: 3n, mru: 4n };
      await asGrid.claim(nodeId, 1n, limits, 0n);
      const end = await atStartOfInterval();
      // The last second of an interval counts as its first.
      await networkHelpers.time.setNextBlockTimestamp(end - 1n);
      const retiresAt = end + 2n * INTERVAL;
      await expect(asOperator.deleteNode(nodeId)).to.emit(registry, "NodeDeleted").withArgs(nodeId, retiresAt);
      expect([...(await registry.nodeAccount(nodeId))]).to.deep.equal([operator.address, retiresAt]);
      expect((await registry.node(nodeId)).retiresAt).to.equal(retiresAt);
      for (const call of [
        () => registry.termsOf(nodeId),
        () => asGrid.claim(nodeId, 2n, limits, 0n),
        () => asOperator.updateNode(nodeId, RESOURCES, 0n, "0x"),
        () => asOperator.deleteNode(nodeId),
      ]) {
        await expect(call())
          .to.be.revertedWithCustomError(registry, "GridRegistry_NodeRetires")
          .withArgs(nodeId, retiresAt);
      }
      await asGrid.release(nodeId, 1n, limits);

      await networkHelpers.time.setNextBlockTimestamp(retiresAt - 1n);
      await expect(asOperator.createNode(farmId, RESOURCES, LOCATION, NEVER, "0x"))
        .to.be.revertedWithCustomError(registry, "GridRegistry_AlreadyANode")
        .withArgs(operatorTwin, nodeId);
      await networkHelpers.time.setNextBlockTimestamp(retiresAt);
      const second = await makeNode({ twins, registry }, farmer, operator, farmId);
      expect(await registry.nodeOfTwin(operatorTwin)).to.equal(second);
      expect(await registry.nodesOfFarm(farmId, 0n, 10n)).to.deep.equal([nodeId, second]);
    });

    it("should be listed in pages, all and by farm", async () => {
      const { registry, asFarmer, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      await asFarmer.createNode(farmId, RESOURCES, LOCATION, NEVER, "0x");
      expect((await registry.nodes(1n, 100n)).map((one) => one.nodeId)).to.deep.equal([nodeId, 2n]);
      expect((await registry.nodes(2n, 1n)).map((one) => one.nodeId)).to.deep.equal([2n]);
      expect(await registry.nodes(0n, 1n)).to.deep.equal([]);
      expect(await registry.nodes(3n, 1n)).to.deep.equal([]);
      expect(await registry.nodesOfFarm(farmId, 1n, 9n)).to.deep.equal([2n]);
      expect(await registry.nodeOfTwin(99n)).to.equal(0n);
    });
  });

  describe("claims", () => {
    it("should never sum up to more than the node has, of anything", async () => {
      const { registry, asGrid, nodeId } = await networkHelpers.loadFixture(fixture);
      const half = { cru: 8n, sru: RESOURCES.sru / 2n, hru: RESOURCES.hru / 2n, mru: RESOURCES.mru / 2n };
      await asGrid.claim(nodeId, 1n, half, 0n);
      for (const kind of ["cru", "sru", "hru", "mru"] as const) {
        const tooMuch = { ...half, [kind]: half[kind] + 1n };
        await expect(asGrid.claim(nodeId, 2n, tooMuch, 0n))
          .to.be.revertedWithCustomError(registry, "GridRegistry_NotEnoughResources")
          .withArgs(nodeId, Object.values(tooMuch), Object.values(half));
      }
      await asGrid.claim(nodeId, 2n, half, 0n);
      expect(named((await registry.node(nodeId)).claimed)).to.deep.equal(RESOURCES);
      await asGrid.release(nodeId, 1n, half);
      expect(named((await registry.node(nodeId)).claimed)).to.deep.equal(half);
      await asGrid.release(nodeId, 2n, half);
      expect(named((await registry.node(nodeId)).claimed)).to.deep.equal({ cru: 0n, sru: 0n, hru: 0n, mru: 0n });
      await expect(asGrid.claim(9n, 1n, half, 0n))
        .to.be.revertedWithCustomError(registry, "GridRegistry_UnknownNode")
        .withArgs(9n);
    });

    it("should say what a contract is under from now on", async () => {
      const { asGrid, operator, farmId, nodeId } = await networkHelpers.loadFixture(fixture);
      const terms = await asGrid.claim.staticCall(nodeId, 1n, { cru: 1n, sru: 0n, hru: 0n, mru: 1n }, 0n);
      expect(named(terms)).to.deep.equal({
        farmId,
        pricingPolicyId: 1n,
        account: operator.address,
        resources: RESOURCES,
      });
    });
  });
});
