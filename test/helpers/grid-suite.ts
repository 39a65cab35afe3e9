import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { JsonRpcProvider, Wallet } from "ethers";

import type { DeployOptions, DeployStep } from "../../src/client/grid/bring.ts";
import { cancelOnChain } from "../../src/client/grid/cancel.ts";
import { deploy } from "../../src/client/grid/deploy.ts";
import { recover, type RecoveredContract } from "../../src/client/grid/recover.ts";
import { update } from "../../src/client/grid/update.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import type { GridContract } from "../../src/ports/grid-contracts.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { IGridContracts__factory } from "../../typechain-types/factories/interfaces/IGridContracts__factory.ts";
import { busyboxImage } from "./docker-workloads-fixture.ts";
import { startGridFleet, type GridAccess, type GridFleet, type GridNodeProcess } from "./grid-fleet.ts";
import { grainsOf, owned, readGridLedger, sum, weiOfGrains, type GridLedger } from "./grid-ledger.ts";
import { connectLossyGridUser, type LossyGridUser } from "./grid-lossy-user.ts";
import { pageDraft } from "./grid-page.ts";
import { describeWithPart } from "./require-parts.ts";
import { until } from "./until.ts";
import { ask } from "./workload-specs.ts";

const ETHER = 10n ** 18n;
/** The first devnet account deploys the grid, and its first policy's treasury is its. */
const TREASURY_ACCOUNT = 0;
const FIRST_USER_ACCOUNT = 1;
const OBSERVER_ACCOUNT = 9;
const FIRST_PORT = 18_000;
/** What is left to a user who is to run out of funds, in seconds without any discount. */
const LAST_SECONDS = 10n;
const LOSS = 0.25;
/** With them, a message is lost among the first few in each direction. */
const LOSS_SEED = 1;
const WAIT_MS = 240_000;
const ANSWER_TIMEOUT_MS = 180_000;
const PARTS_OF_A_WEI = grainsOf(1n);

/** How large a grid is played. */
export interface GridPlan {
  /** Farms by how many nodes they have; the last node dies and does not come back. */
  readonly nodesOfFarms: readonly number[];
  /** Users by how many deployments they buy: one who cancels, one who loses everything, one who runs out of funds. */
  readonly deploymentsOfUsers: readonly [number, number, number];
  /** Whether a node is killed in the middle of a deployment as well, which costs a minute. */
  readonly killsWhileDeploying: boolean;
  /** Of the grid. A node confirms within one interval at least, or the contract expires: room for a machine that is busy. */
  readonly intervalSeconds: number;
  /** Whoever pays within it loses nothing: room for a node that is slow to pause. */
  readonly graceSeconds: number;
  /** Whether the chain's clock is put forward over the time in which a bill runs on and a grace period ends. */
  readonly skipsTime: boolean;
  readonly timeoutMs: number;
}

/** A deployment, and where it is reached. */
interface Placed {
  readonly user: number;
  readonly node: GridNodeProcess;
  readonly port: number;
  readonly publicIp: boolean;
  readonly token: string;
  text: string;
  contractId: number;
  hostAddress: string;
}

/** Deployments through their life on nodes that are processes of their own, run real containers and are killed with SIGKILL. */
export function gridSuite(title: string, plan: GridPlan, absent: string | undefined): void {
  describeWithPart("docker-networks", absent, title, function (this: Mocha.Suite) {
    this.timeout(plan.timeoutMs);
    const placed: Placed[] = [];
    const users: LossyGridUser[] = [];
    const paidInWei: bigint[] = [];
    let fleet: GridFleet;
    let observer: GridAccess;
    let image: string;
    /** By the chain's clock, after the last report of the node that dies. */
    let diedAt: number;
    /** What contracts on the dead node had cost when their bills had stopped. */
    let costOfDead: ReadonlyMap<number, bigint>;

    before(async () => {
      image = await busyboxImage();
      const times = { intervalSeconds: BigInt(plan.intervalSeconds), graceSeconds: BigInt(plan.graceSeconds) };
      fleet = await startGridFleet({
        nodesOfFarms: plan.nodesOfFarms,
        ipsOfFarm: plan.deploymentsOfUsers.length,
        times,
      });
      observer = await fleet.access(OBSERVER_ACCOUNT);
      for (const index of plan.deploymentsOfUsers.keys()) {
        users.push(await connectUser(index, LOSS));
        await deposit(index, ETHER);
      }
    });
    after(async () => {
      for (const user of users) await user.close();
      await fleet?.stop();
    });
    afterEach("every grain belongs to somebody", async () => {
      expectEveryGrain(await ledger());
    });

    it("should deploy what users buy, though messages are lost", async () => {
      for (const [user, count] of plan.deploymentsOfUsers.entries()) {
        for (let n = 0; n < count; n++) placed.push(placeOf(user, n, placed.length));
      }
      await Promise.all(
        users.map(async (_user, index) => {
          for (const place of placesOf(index)) await deployTo(place);
        }),
      );
      for (const place of placed) await eventually(`the page of contract ${place.contractId}`, () => serves(place));
      const lost = users.map(({ messenger }) => messenger.lost);
      expect(sum(lost.map(({ sent }) => BigInt(sent))) > 0n, "requests were lost").to.equal(true);
      expect(sum(lost.map(({ received }) => BigInt(received))) > 0n, "answers were lost").to.equal(true);
      expect(await states(placed)).to.deep.equal(placed.map(() => "deployed"));
    });

    it("should serve on while every node is killed, and report on when they are back", async () => {
      const before = await identities();
      await Promise.all(fleet.nodes.map(async (node) => await node.kill()));
      for (const place of placed) expect(await serves(place), `contract ${place.contractId}`).to.equal(true);
      await startInPairs(fleet.nodes);
      const upAt = await chainSeconds();
      for (const { contractId } of placed) {
        await eventually(`a report of contract ${contractId}`, async () => {
          return ((await viewOf(contractId)).reportedAt ?? 0) > upAt;
        });
      }
      expect(await identities(), "nothing was started anew").to.deep.equal(before);
      expect(await states(placed)).to.deep.equal(placed.map(() => "deployed"));
    });

    if (plan.killsWhileDeploying) {
      it("should finish a deployment in whose middle its node is killed, once", async () => {
        const place = { ...placeOf(0, 0, placed.length), publicIp: false };
        const { node } = place;
        let contractId = 0;
        const restarted = async (): Promise<void> => {
          const isHalfMade = async (): Promise<boolean> => contractId > 0 && (await isOn(node, contractId));
          await until(isHalfMade, { timeoutMs: ANSWER_TIMEOUT_MS, what: "something of the deployment" });
          await node.kill();
          await node.start();
        };
        const onStep = (step: DeployStep): void => {
          if (step.step === "bought") contractId = step.contractId;
        };
        await Promise.all([deployTo(place, { onStep }), restarted()]);
        placed.push(place);
        await eventually("its page", () => serves(place));
        const found = (await node.machine.list()).filter((each) => each.contractId === `${contractId}`);
        expect(found.map(({ containers }) => containers.length)).to.deep.equal([1]);
        expect(await states([place])).to.deep.equal(["deployed"]);
      });
    }

    it("should update in place, on the data that there was", async () => {
      const place = placesOf(1)[0]!;
      const old = place.text;
      place.text = "updated";
      await update(users[1]!.user, place.contractId, requestOf(place), { timeoutMs: ANSWER_TIMEOUT_MS });
      await eventually("the updated page", () => serves(place));
      expect(await history(place))
        .to.include(old)
        .and.include(place.text);
    });

    it("should stop what was cancelled while its node was down with the first look after its return", async () => {
      const place = placesOf(0)[0]!;
      const { node, contractId } = place;
      const others = placed.filter((each) => each.node === node && each !== place);
      await node.kill();
      const { publicIps } = await viewOf(contractId);
      expect(publicIps.length).to.equal(1);
      await cancelOnChain(users[0]!.user, contractId);
      expect(await serves(place), "nobody could stop it").to.equal(true);
      const { state, cause } = await viewOf(contractId);
      expect({ state, cause }).to.deep.equal({ state: "deleted", cause: "by-user" });
      const listed = await observer.grid.registry.publicIps(node.farmId, 0, 10);
      expect(listed.find(({ ip }) => ip === publicIps[0]?.ip)).to.not.have.property("contractId");
      // A node that looks again in an hour has just one look.
      await node.start({ pollMs: 3_600_000 });
      await eventually("nothing is left of it", async () => !(await isOn(node, contractId)));
      expect(await serves(place)).to.equal(false);
      for (const other of others) expect(await serves(other), `contract ${other.contractId}`).to.equal(true);
      placed.splice(placed.indexOf(place), 1);
      await node.kill();
      await node.start();
    });

    it("should serve nothing for a user who is out of funds, and serve it again on its data when it pays", async () => {
      const places = placesOf(2);
      // For good: what it is paid is looked at below.
      await deadNode().kill();
      // What it had sent is on the chain with the next block.
      await eventually("a block", async () => true);
      diedAt = await chainSeconds();
      await leaveFundsForSeconds(2);
      await untilAll(places, "grace-period");
      for (const place of places) {
        await eventually(`contract ${place.contractId} is paused`, async () => !(await serves(place)));
        expect(await isOn(place.node, place.contractId), "its data is kept").to.equal(true);
      }
      const { grace } = await users[2]!.contracts.account(users[2]!.twinId);
      expect(grace !== undefined && grace.recoveryCostWei > 0n).to.equal(true);
      await deposit(2, ETHER);
      await untilAll(places, "deployed");
      for (const place of places) {
        await eventually(`contract ${place.contractId} is back`, () => serves(place));
        expect(await history(place)).to.include(place.text);
      }
      // Nothing is paid this time: what comes of it is looked at below.
      await leaveFundsForSeconds(2);
    });

    it("should give a user everything back whose machine is lost, from its words alone", async () => {
      await users[1]!.loseMachine();
      users[1] = await connectUser(1, 0);
      const found = await recovered(1);
      const places = placesOf(1);
      expect(found.map(({ contract }) => contract.contractId)).to.have.members(
        places.map(({ contractId }) => contractId),
      );
      for (const place of places) {
        const { contract, data, node } = found.find((each) => each.contract.contractId === place.contractId)!;
        expect(node, `contract ${place.contractId}`).to.equal(place.node.isUp() ? "runs" : "unreachable");
        expect(data?.workload.containers[0]?.environment).to.deep.equal({ TEXT: place.text });
        expect(data?.secrets?.values).to.deep.equal({ token: place.token });
        if (place.node.isUp()) continue;
        // What was recovered runs elsewhere.
        await cancelOnChain(users[1].user, contract.contractId);
        const { salt: _salt, secretsHash: _hash, ...draft } = data!.workload;
        const moved = {
          ...placeOf(1, 0, place.port - FIRST_PORT),
          text: place.text,
          token: place.token,
          publicIp: false,
        };
        placed.splice(placed.indexOf(place), 1, moved);
        await deployTo(moved, { draft, secretValues: new Map(Object.entries(data!.secrets!.values)) });
      }
      for (const place of placesOf(1)) await eventually(`contract ${place.contractId}`, () => serves(place));
    });

    it("should bill nothing for a dead node", async () => {
      const all = await viewsOnDeadNode();
      if (plan.skipsTime) {
        await untilAll(placesOf(2), "grace-period");
        await putForward(plan.graceSeconds + 3 * plan.intervalSeconds);
      }
      for (const { contractId, billedUntil } of all) {
        if (billedUntil === undefined) continue;
        // A report keeps the bill running for two intervals after its own.
        const lastInterval = Math.floor(diedAt / plan.intervalSeconds) + 3;
        expect(billedUntil, "end of the bill").to.be.at.most(lastInterval * plan.intervalSeconds);
        await eventually(`contract ${contractId} is billed no more`, async () => (await chainSeconds()) > billedUntil);
      }
      costOfDead = await costsOf(all.map(({ contractId }) => contractId));
      const isRunning = all.some(({ state }) => state === "deployed");
      expect(isRunning, "one that nobody cancelled").to.equal(true);
    });

    it("should delete everything of a user who does not pay within the grace period", async () => {
      const places = placesOf(2);
      await untilAll(places, "deleted");
      for (const { contractId, node } of places) {
        expect((await viewOf(contractId)).cause).to.equal("out-of-funds");
        await eventually(`nothing is left of contract ${contractId}`, async () => !(await isOn(node, contractId)));
      }
      placed.splice(0, placed.length, ...placed.filter(({ user }) => user !== 2));
    });

    it("should restore every deployment on a node whose disk was lost", async () => {
      const [node] = fleet.nodes;
      await node!.kill();
      await node!.loseMachine();
      await node!.start();
      // A node whose answer is late counts as one that lost everything for good.
      for (const { messenger } of users) messenger.loss = 0;
      for (const user of [0, 1]) {
        const found = new Map((await recovered(user)).map((each) => [each.contract.contractId, each.node]));
        for (const place of placesOf(user)) {
          if (place.node === node) expect(found.get(place.contractId)).to.equal("sent");
        }
      }
      for (const place of placed.filter((each) => each.node.isUp())) {
        await eventually(`contract ${place.contractId}`, () => serves(place));
      }
    });

    it("should write no secret to a log", async () => {
      const written = await logs();
      expect(written).to.include("node started");
      for (const { token } of placed) expect(written).to.not.include(token);
    });

    it("should account for every wei in the end", async () => {
      for (const user of users) {
        for (const { contractId, isClosed } of await user.ownContracts()) {
          if (!isClosed) await cancelOnChain(user.user, contractId);
        }
      }
      for (const node of fleet.nodes.filter((each) => each !== deadNode())) {
        await eventually(`${node.name} runs nothing`, async () => (await node.machine.list()).length === 0);
      }
      await fleet.stopNodes();
      expect(fleet.problems).to.deep.equal([]);
      expect(await costsOf([...costOfDead.keys()]), "what the dead node is paid").to.deep.equal(costOfDead);

      const settled = await ledger();
      expectEveryGrain(settled);
      expect(settled.unsettled, "what nobody settled").to.equal(0n);
      for (const [index, user] of users.entries()) {
        const ids = (await user.ownContracts()).map(({ contractId }) => contractId);
        const costs = sum([...(await costsOf(ids)).values()]);
        expect(costs > 0n).to.equal(true);
        expect(grainsOf(paidInWei[index]!) - settled.balances[index]!, `user ${index} paid for`).to.equal(costs);
      }
      for (const [index, revenue] of settled.revenues.entries()) {
        expect(revenue > 0n, `farm ${index + 1} earned`).to.equal(true);
      }
      await everybodyTakesTheirs();
      const left = await ledger();
      expectEveryGrain(left);
      for (const part of [...left.balances, ...left.revenues, left.treasury, left.unburnt]) {
        expect(part < PARTS_OF_A_WEI, "less than a wei is left").to.equal(true);
      }
    });

    /** What the nodes of this run have written to their logs. */
    async function logs(): Promise<string> {
      const files = (await readdir(fleet.directory)).filter((file) => file.endsWith(".log"));
      return (await Promise.all(files.map(async (file) => await readFile(join(fleet.directory, file), "utf8")))).join(
        "",
      );
    }

    async function connectUser(index: number, loss: number): Promise<LossyGridUser> {
      const account = FIRST_USER_ACCOUNT + index;
      const dataDirectory = join(fleet.directory, `user-${account}`);
      return await connectLossyGridUser({
        devnet: fleet.devnet,
        account,
        dataDirectory,
        loss,
        seed: LOSS_SEED + 2 * index,
      });
    }

    async function deposit(index: number, wei: bigint): Promise<void> {
      await users[index]!.contracts.depositWei(wei);
      paidInWei[index] = (paidInWei[index] ?? 0n) + wei;
    }

    /** Takes out what a user has but for its last seconds at the price without discount, which it may fall to. */
    async function leaveFundsForSeconds(index: number): Promise<void> {
      const { contracts, twinId } = users[index]!;
      const { balanceWei, grainsPerSecond, discountPercent } = await contracts.account(twinId);
      const undiscounted = (grainsPerSecond * 100n) / BigInt(100 - discountPercent);
      const wei = balanceWei - weiOfGrains(undiscounted * LAST_SECONDS);
      await contracts.withdrawWei(wei);
      paidInWei[index] = paidInWei[index]! - wei;
    }

    function deadNode(): GridNodeProcess {
      return fleet.nodes.at(-1)!;
    }

    /** Users take the nodes in turn, but whoever runs out of funds avoids the one that dies. */
    function placeOf(user: number, n: number, index: number): Placed {
      const nodes = user === 2 ? fleet.nodes.slice(0, -1) : fleet.nodes;
      return {
        user,
        node: nodes[n % nodes.length]!,
        port: FIRST_PORT + index,
        publicIp: n === 0,
        text: `page-${index}`,
        token: `a-secret-that-nobody-logs-${index}`,
        contractId: 0,
        hostAddress: "",
      };
    }

    function placesOf(user: number): readonly Placed[] {
      return placed.filter((place) => place.user === user);
    }

    function requestOf(place: Placed) {
      return {
        name: `n${place.port}`,
        draft: pageDraft(image, place),
        secretValues: new Map([["token", place.token]]),
      };
    }

    async function deployTo(
      place: Placed,
      { onStep, ...request }: Pick<DeployOptions, "onStep"> & Partial<ReturnType<typeof requestOf>> = {},
    ): Promise<Placed> {
      const { contract } = await deploy(
        users[place.user]!.user,
        { ...requestOf(place), ...request, nodeId: place.node.nodeId },
        { timeoutMs: ANSWER_TIMEOUT_MS, onStep },
      );
      place.contractId = contract.contractId;
      place.hostAddress = place.publicIp ? contract.publicIps[0]!.ip : place.node.loopback;
      return place;
    }

    async function serves(place: Placed): Promise<boolean> {
      return (await ask({ hostAddress: place.hostAddress, hostPort: place.port })) === `${place.text} ${place.token}`;
    }

    async function history({ hostAddress, port }: Placed): Promise<readonly string[]> {
      return (await ask({ hostAddress, hostPort: port }, "/history"))?.split("\n") ?? [];
    }

    async function isOn({ machine }: GridNodeProcess, contractId: number): Promise<boolean> {
      return (await machine.list()).some((each) => each.contractId === `${contractId}`);
    }

    /** They change with each start of a container. */
    async function identities(): Promise<readonly string[]> {
      const usages = placed.map(async ({ node, contractId }) => await node.machine.usage(`${contractId}`));
      return (await Promise.all(usages)).flatMap(({ containers }) => containers.map(({ identity }) => identity));
    }

    async function startInPairs(nodes: readonly GridNodeProcess[]): Promise<void> {
      for (let at = 0; at < nodes.length; at += 2) {
        await Promise.all(nodes.slice(at, at + 2).map(async (node) => await node.start()));
      }
    }

    async function viewOf(contractId: number): Promise<GridContract> {
      return (await observer.grid.contracts.contract(contractId))!;
    }

    async function viewsOnDeadNode(): Promise<readonly GridContract[]> {
      const ids = await observer.grid.contracts.contractsOnNode(deadNode().nodeId);
      return await Promise.all(ids.map(viewOf));
    }

    async function states(places: readonly Placed[]): Promise<readonly string[]> {
      return await observer.grid.contracts.statesOf(places.map(({ contractId }) => contractId));
    }

    async function untilAll(places: readonly Placed[], state: string): Promise<void> {
      await eventually(`all are in state ${state}`, async () => (await states(places)).every((each) => each === state));
    }

    /** In grains, settled or not. */
    async function costsOf(ids: readonly number[]): Promise<ReadonlyMap<number, bigint>> {
      const settled = await observer.grid.contracts.settledGrains(ids);
      const costs = ids.map(async (id) => [id, settled.get(id)! + (await viewOf(id)).unsettledGrains] as const);
      return new Map(await Promise.all(costs));
    }

    async function recovered(index: number): Promise<readonly RecoveredContract[]> {
      const found: RecoveredContract[] = [];
      for await (const each of recover(users[index]!.user, { timeoutMs: ANSWER_TIMEOUT_MS })) found.push(each);
      return found;
    }

    async function chainSeconds(): Promise<number> {
      return await withProvider(async (provider) => (await provider.getBlock("latest"))!.timestamp);
    }

    async function putForward(seconds: number): Promise<void> {
      await withProvider(async (provider) => {
        await provider.send("evm_increaseTime", [seconds]);
        await provider.send("evm_mine", []);
      });
    }

    async function withProvider<T>(work: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
      const { rpcUrl } = fleet.devnet.networks.chain;
      const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
      try {
        return await work(provider);
      } finally {
        provider.destroy();
      }
    }

    async function ledger(): Promise<GridLedger> {
      const { rpcUrl, grid } = fleet.devnet.networks.chain;
      return await readGridLedger({
        rpcUrl,
        grid: grid!,
        twinIds: users.map(({ twinId }) => twinId),
        farmIds: fleet.farmIds,
        treasury: devnetKeys(TREASURY_ACCOUNT).account,
      });
    }

    async function everybodyTakesTheirs(): Promise<void> {
      for (const { contracts, twinId } of users) {
        const { balanceWei } = await contracts.account(twinId);
        if (balanceWei > 0n) await contracts.withdrawWei(balanceWei);
      }
      for (const farmId of fleet.farmIds) await observer.grid.contracts.withdrawRevenue(farmId);
      await withProvider(async (provider) => {
        const key = `0x${toHex(devnetKeys(TREASURY_ACCOUNT).accountPrivateKey)}`;
        const address = fleet.devnet.networks.chain.grid!.contracts;
        const grid = IGridContracts__factory.connect(address, new Wallet(key, provider));
        await (await grid.withdrawTreasury()).wait();
        await (await grid.burn()).wait();
      });
    }

    /** Looks with every block. */
    async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
      const signal = AbortSignal.timeout(WAIT_MS);
      try {
        for await (const _block of observer.chain.blocks({ signal })) if (await condition()) return;
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      throw new Error(`${what}: not within ${WAIT_MS} ms`);
    }
  });
}

/** G2: all the ether that came in and did not go out is somebody's. */
function expectEveryGrain(ledger: GridLedger): void {
  expect(ledger.etherWei, "ether of the contract").to.equal(ledger.flowWei);
  expect(owned(ledger) - grainsOf(ledger.etherWei), `grains that appeared by block ${ledger.block}`).to.equal(0n);
}
