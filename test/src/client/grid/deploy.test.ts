import { randomBytes } from "node:crypto";

import { expect } from "chai";

import { tcpProber } from "../../../../src/adapters/prober/tcp.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { readBill } from "../../../../src/client/grid/bill.ts";
import { cancel } from "../../../../src/client/grid/cancel.ts";
import { deploy, finishInterrupted, type DeployRequest } from "../../../../src/client/grid/deploy.ts";
import type { GridUser } from "../../../../src/client/grid/grid-user.ts";
import { openEntries } from "../../../../src/client/grid/journal.ts";
import { ownContracts } from "../../../../src/client/grid/own-contracts.ts";
import { quoteDeployment } from "../../../../src/client/grid/quote.ts";
import { recover, type RecoveredContract } from "../../../../src/client/grid/recover.ts";
import { readData, readStatus } from "../../../../src/client/grid/status.ts";
import { watch, type WatchOptions, type WatchReport } from "../../../../src/client/grid/watch.ts";
import { update } from "../../../../src/client/grid/update.ts";
import { SprfError } from "../../../../src/errors.ts";
import { readNodeLogs } from "../../../../src/messaging/read-node-logs.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import type { WorkloadDraft } from "../../../../src/wire/grid/file/convert.ts";
import { MAX_DEPLOYMENT_DATA_BYTES } from "../../../../src/wire/grid/limits.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { startGridUserScene, type GridUserScene } from "../../../helpers/grid-user-scene.ts";
import { exampleContainer, exampleWorkload } from "../../../helpers/grid-workloads.ts";

/** What a node that is not there is waited for here. */
const SILENCE = { timeoutMs: 1_500 };

const draftOf = (changes: Partial<WorkloadDraft> = {}): WorkloadDraft => {
  const { salt: _salt, secretsHash: _hash, ...draft } = exampleWorkload();
  return { ...draft, ...changes };
};
const requestOf = (changes: Partial<DeployRequest> = {}): DeployRequest => ({
  name: "shop",
  draft: draftOf(),
  secretValues: new Map([["db_password", "correct horse"]]),
  ...changes,
});
const withoutSecrets = (environment: Record<string, string> = {}): WorkloadDraft =>
  draftOf({
    containers: [exampleContainer({ environment })],
    volumes: [],
    limits: { ...exampleWorkload().limits, sruBytes: 0n },
  });

/** With a port on its public IP. */
const publishing = (hostPort: number): WorkloadDraft =>
  draftOf({
    containers: draftOf().containers.map((container) => ({
      ...container,
      ports: [{ containerPort: 80, hostPort, protocol: "tcp" as const, address: 0 }],
    })),
    publicIps: 1,
  });

describe("client/grid", () => {
  let scene: GridUserScene;
  let nextUser = 1;
  before(async function () {
    this.timeout(60_000);
    scene = await startGridUserScene();
  });
  after(async () => await scene?.close());
  beforeEach(async () => {
    Object.assign(scene.node, { refusal: undefined, confirms: true, state: "running", asked: 0 });
    await scene.node.start();
  });
  const newUser = async (options?: Parameters<GridUserScene["user"]>[1]): Promise<GridUser> =>
    await scene.user(nextUser++, options);
  const statesOf = async (user: GridUser): Promise<readonly string[]> =>
    (await ownContracts(user)).map(({ state }) => state);

  const passTime = async (seconds: number): Promise<void> => {
    await scene.provider.send("evm_increaseTime", [seconds]);
    await scene.provider.send("evm_mine", []);
  };
  /** Waits a hundredth of the time. */
  const hasty = (user: GridUser): GridUser => ({
    ...user,
    clock: { ...user.clock, sleep: async (ms, options) => await user.clock.sleep(ms / 100, options) },
  });

  it("buys, deploys and confirms, and nobody but the node reads the secrets", async () => {
    const user = await newUser();
    const steps: string[] = [];
    const { contract, isResumed } = await deploy(user, requestOf(), { onStep: ({ step }) => steps.push(step) });
    expect(isResumed).to.equal(false);
    expect(contract.state).to.equal("deployed");
    expect(steps.slice(0, 2)).to.deep.equal(["buying", "bought"]);
    const run = scene.node.runs.get(BigInt(contract.contractId));
    expect(run?.secrets.get("db_password")).to.equal("correct horse");
    expect(await openEntries(user.store)).to.deep.equal([]);

    const status = await readStatus(user, contract);
    expect(status.node?.state).to.equal("running");
    const opened = await readData(user, contract);
    expect(opened.kind === "data" && opened.data.name).to.equal("shop");
    const lines = [];
    const what = { container: "db", follow: false, tailLines: 10 };
    const log = readNodeLogs(user, {
      ...what,
      nodeKey: scene.node.party.keys.messageKey,
      contractId: BigInt(contract.contractId),
    });
    for await (const { bytes } of log) lines.push(Buffer.from(bytes).toString());
    expect(lines).to.deep.equal(["log of db\n"]);
  });

  it("asks for nothing that a deployment does not need, and says what it costs before", async () => {
    const user = await newUser();
    const quote = await quoteDeployment(user, draftOf());
    // 1e-7 USD are 100 gwei at a dollar an ether, and an ether costs 3,000.
    expect(quote.nodeId).to.equal(scene.node.nodeId);
    expect(quote.costPerHour > 0n).to.equal(true);
    expect(quote.weiPerHour / 10n ** 9n).to.equal((quote.costPerHour * 10n ** 2n) / 3_000n);
  });

  it("cancels what the node refuses, and leaves nothing", async () => {
    const user = await newUser();
    scene.node.refusal = "image-not-found";
    const steps: string[] = [];
    const failed = deploy(user, requestOf({ draft: { ...draftOf(), publicIps: 1 } }), {
      onStep: ({ step }) => steps.push(step),
    });
    expect(await codeOf(failed)).to.equal("NODE_REFUSED");
    expect(steps.at(-1)).to.equal("cancelled");
    expect(await statesOf(user)).to.deep.equal(["deleted"]);
    expect((await user.registry.farm(scene.farmId))?.freePublicIps).to.equal(2);
    expect(await openEntries(user.store)).to.deep.equal([]);
  });

  it("cancels what a silent node was sold", async () => {
    const user = await newUser();
    await scene.node.stop();
    expect(await codeOf(deploy(user, requestOf(), SILENCE))).to.equal("NODE_SILENT");
    expect(await statesOf(user)).to.deep.equal(["deleted"]);
  }).timeout(20_000);

  it("cancels what its node runs and never confirms, and says so", async () => {
    scene.node.confirms = false;
    const user = hasty(await newUser());
    const error = await deploy(user, requestOf()).then(
      () => undefined,
      (failure: unknown) => failure as SprfError,
    );
    expect(error?.code).to.equal("NODE_SILENT");
    expect(error?.context["contractId"]).to.be.a("number");
    expect(await statesOf(user)).to.deep.equal(["deleted"]);
    expect(await openEntries(user.store)).to.deep.equal([]);
  }).timeout(30_000);

  it("says that a contract has expired whose node never confirmed it, and buys anew", async () => {
    scene.node.confirms = false;
    const user = await newUser();
    const expiring = deploy(user, requestOf({ draft: { ...draftOf(), publicIps: 1 } }), {
      onStep: ({ step }) => {
        if (step === "node") void passTime(2 * 3_600);
      },
    });
    expect(await codeOf(expiring)).to.equal("NODE_SILENT");
    const [expired] = await ownContracts(user);
    expect(expired).to.include({ state: "deleted", cause: "expired", isClosed: true });
    expect((await user.registry.farm(scene.farmId))?.freePublicIps).to.equal(2);

    // The user's machine goes down, and nobody cancels: the contract ends all the same.
    const gone = new AbortController();
    const left = deploy(user, requestOf({ name: "left" }), { signal: gone.signal, onStep: () => gone.abort() });
    expect(await codeOf(left)).to.equal("ABORTED");
    await passTime(2 * 3_600);
    expect((await statesOf(user)).at(-1)).to.equal("deleted");
    scene.node.confirms = true;
    expect(await finishInterrupted(user)).to.deep.equal([]);
    const { contract } = await deploy(user, requestOf({ name: "left" }));
    expect(contract.state).to.equal("deployed");
    await cancel(user, contract.contractId);
  }).timeout(30_000);

  it("buys nothing that no node, farm or balance can bear", async () => {
    const user = await newUser();
    const large = draftOf({ limits: { ...draftOf().limits, cruCores: 9 } });
    expect(await codeOf(deploy(user, requestOf({ draft: large })))).to.equal("NO_NODE");
    expect(await codeOf(deploy(user, requestOf({ draft: { ...draftOf(), publicIps: 3 } })))).to.equal("NO_NODE");
    expect(await codeOf(deploy(user, requestOf({ nodeId: 99 })))).to.equal("NO_NODE");
    expect(await codeOf(deploy(user, requestOf({ secretValues: new Map() })))).to.equal("INVALID_INPUT");
    const noise = randomBytes(MAX_DEPLOYMENT_DATA_BYTES).toString("base64");
    expect(await codeOf(deploy(user, requestOf({ draft: withoutSecrets({ NOISE: noise }) })))).to.equal(
      "DEPLOYMENT_DATA_TOO_LARGE",
    );
    expect(await openEntries(user.store)).to.deep.equal([]);
    const poor = await newUser({ depositWei: 0n });
    expect(await codeOf(deploy(poor, requestOf()))).to.equal("BALANCE_TOO_LOW");
    expect([...(await statesOf(user)), ...(await statesOf(poor))]).to.deep.equal([]);
    expect(await openEntries(poor.store)).to.deep.equal([]);
  });

  it("buys nothing on a node that is on standby or whose farm sells nothing", async () => {
    const user = await newUser();
    const { farmer, farmId, node } = scene;
    await node.party.grid.registry.setNodeStatus(node.nodeId, "standby");
    expect(await codeOf(deploy(user, requestOf()))).to.equal("NO_NODE");
    await node.party.grid.registry.setNodeStatus(node.nodeId, "up");
    const interval = await farmer.grid.registry.intervalSeconds();
    const passIntervals = async (): Promise<void> => await passTime(3 * interval);
    await farmer.grid.registry.setPricingPolicy(farmId, 0);
    await passIntervals();
    expect(await codeOf(deploy(user, requestOf()))).to.equal("NO_NODE");
    await farmer.grid.registry.setPricingPolicy(farmId, 1);
    await passIntervals();
    expect(await statesOf(user)).to.deep.equal([]);
  });

  it("begins nothing while the price feed fails, and cancels all the same", async () => {
    const user = await newUser();
    const { contract } = await deploy(user, requestOf());
    const revert = await scene.breakPriceFeed();
    try {
      expect(await codeOf(deploy(user, requestOf({ name: "later" })))).to.equal("PRICE_STALE");
      expect(await openEntries(user.store)).to.deep.equal([]);
      expect(await cancel(user, contract.contractId)).to.deep.equal({ wasOver: false, isStopped: true });
    } finally {
      await revert();
    }
    expect(await statesOf(user)).to.deep.equal(["deleted"]);
  });

  it("finishes what was interrupted after it was bought, once", async () => {
    const user = await newUser();
    const abort = new AbortController();
    const interrupted = deploy(user, requestOf(), {
      signal: abort.signal,
      onStep: ({ step }) => {
        if (step === "bought") abort.abort();
      },
    });
    expect(await codeOf(interrupted)).to.equal("ABORTED");
    expect(await statesOf(user)).to.deep.equal(["created"]);
    const { contract, isResumed } = await deploy(user, requestOf());
    expect(isResumed).to.equal(true);
    expect(await statesOf(user)).to.deep.equal(["deployed"]);
    expect(await finishInterrupted(user)).to.deep.equal([]);
    expect(contract.state).to.equal("deployed");
  });

  it("buys no second contract when it does not know whether it bought one", async () => {
    for (const lands of [true, false]) {
      const user = await newUser();
      const { contracts } = user;
      const blind: GridUser = {
        ...user,
        contracts: {
          ...contracts,
          async createContract(...args) {
            if (lands) await contracts.createContract(...args);
            throw new SprfError("CHAIN_UNREACHABLE", "gone");
          },
        },
      };
      expect(await codeOf(deploy(blind, requestOf()))).to.equal("CHAIN_UNREACHABLE");
      expect((await openEntries(user.store)).length).to.equal(1);
      const { isResumed } = await deploy(user, requestOf());
      expect(isResumed).to.equal(true);
      expect(await statesOf(user)).to.deep.equal(["deployed"]);
    }
  });

  it("cancels an interrupted deployment that its node does not take any more", async () => {
    const user = await newUser();
    const abort = new AbortController();
    const options = { signal: abort.signal, onStep: () => abort.abort() };
    await deploy(user, requestOf(), options).catch(() => undefined);
    scene.node.refusal = "start-failed";
    expect(await finishInterrupted(user)).to.deep.equal([]);
    expect((await statesOf(user)).filter((state) => state !== "deleted")).to.deep.equal([]);
  });

  it("updates, and goes back when the node refuses the new", async () => {
    const user = await newUser();
    const { contract } = await deploy(user, requestOf({ draft: withoutSecrets(), secretValues: new Map() }));
    const { contractId } = contract;
    const changed = await update(user, contractId, { draft: withoutSecrets({ A: "2" }), secretValues: new Map() });
    expect(scene.node.runs.get(BigInt(contractId))?.deploymentHash).to.deep.equal(changed.deploymentHash);
    scene.node.refusal = "unhealthy";
    const refused = update(user, contractId, { draft: withoutSecrets({ A: "3" }), secretValues: new Map() });
    expect(await codeOf(refused)).to.equal("NODE_REFUSED");
    const now = await user.contracts.contract(contractId);
    expect(now?.deploymentHash).to.deep.equal(changed.deploymentHash);
    const opened = now === undefined ? undefined : await readData(user, now);
    expect(opened?.kind === "data" && opened.data.workload.containers[0]?.environment).to.deep.equal({ A: "2" });
    const larger = withoutSecrets();
    const other = { draft: { ...larger, limits: { ...larger.limits, cruCores: 2 } }, secretValues: new Map() };
    expect(await codeOf(update(user, contractId, other))).to.equal("INVALID_INPUT");
  });

  it("sends an update again with the next command that its node did not answer to, and the same update once more", async () => {
    const user = await newUser();
    const first = { draft: withoutSecrets(), secretValues: new Map<string, string>() };
    const { contract } = await deploy(user, requestOf(first));
    const { contractId } = contract;
    const ranHash = (): string | undefined => {
      const hash = scene.node.runs.get(BigInt(contractId))?.deploymentHash;
      return hash === undefined ? undefined : Buffer.from(hash).toString("hex");
    };
    const before = ranHash();
    const second = { draft: withoutSecrets({ A: "2" }), secretValues: new Map<string, string>() };
    await scene.node.stop();
    expect(await codeOf(update(user, contractId, second, SILENCE))).to.equal("NODE_SILENT");
    const named = Buffer.from((await user.contracts.contract(contractId))?.deploymentHash ?? []).toString("hex");
    expect(named).not.to.equal(before);
    await scene.node.start();
    expect(ranHash(), "what ran before runs on").to.equal(before);
    expect((await finishInterrupted(user)).map((each) => each.contract.contractId)).to.deep.equal([contractId]);
    expect(ranHash()).to.equal(named);
    await update(user, contractId, second);
    expect(await openEntries(user.store)).to.deep.equal([]);
    expect((await statesOf(user)).length).to.equal(1);
    await cancel(user, contractId);
  }).timeout(20_000);

  it("cancels on the chain whether or not the node hears of it", async () => {
    const user = await newUser();
    const { contract } = await deploy(user, requestOf());
    expect(await cancel(user, contract.contractId)).to.deep.equal({ wasOver: false, isStopped: true });
    expect(scene.node.runs.has(BigInt(contract.contractId))).to.equal(false);
    expect((await cancel(user, contract.contractId)).wasOver).to.equal(true);
    expect(await codeOf(cancel(await newUser(), contract.contractId))).to.equal("CONTRACT_UNKNOWN");
    expect(await codeOf(cancel(user, 4_000))).to.equal("CONTRACT_UNKNOWN");
  });

  it("gives everything back to who has only the words, and the node what it lost", async () => {
    const user = await newUser();
    const [kept, lost] = [
      await deploy(user, requestOf({ name: "kept" })),
      await deploy(user, requestOf({ name: "lost" })),
    ];
    scene.node.runs.delete(BigInt(lost.contract.contractId));
    const elsewhere: GridUser = { ...user, store: createMemoryStore() };
    const found: RecoveredContract[] = [];
    for await (const each of recover(elsewhere)) found.push(each);
    expect(found.map(({ contract, node, data }) => [contract.contractId, node, data?.name])).to.deep.equal([
      [kept.contract.contractId, "runs", "kept"],
      [lost.contract.contractId, "sent", "lost"],
    ]);
    expect(found[1]?.data?.secrets?.values).to.deep.equal({ db_password: "correct horse" });
    expect(scene.node.runs.has(BigInt(lost.contract.contractId))).to.equal(true);
  });

  it("calls nothing lost because its node is silent or cannot take it back now, only what the node says it has not", async () => {
    const user = await newUser();
    const { contract } = await deploy(user, requestOf());
    const foundOf = async (): Promise<RecoveredContract["node"]> => {
      for await (const { node } of recover(user, { ...SILENCE, statusTimeoutMs: 500 })) return node;
      return undefined;
    };
    await scene.node.stop();
    expect(await foundOf()).to.equal("unreachable");
    await scene.node.start();
    expect(await foundOf()).to.equal("runs");
    scene.node.runs.delete(BigInt(contract.contractId));
    scene.node.refusal = "image-not-found";
    expect(await foundOf()).to.equal("lost");
    scene.node.refusal = undefined;
    expect(await foundOf()).to.equal("sent");
    expect(await statesOf(user)).to.deep.equal(["deployed"]);
    await cancel(user, contract.contractId);
  }).timeout(20_000);

  it("adds up a bill to the balance", async () => {
    const user = await newUser();
    await deploy(user, requestOf({ draft: { ...draftOf(), publicIps: 1 } }));
    await passTime(600);
    const bill = await readBill(user);
    const [line] = bill.contracts;
    expect(line?.costWei).to.equal(bill.costWei);
    expect(bill.costWei > 0n).to.equal(true);
    const id = line?.contract.contractId ?? 0;
    await cancel(user, id);
    const after = await readBill(user);
    expect(after.weiPerHour).to.equal(0n);
    // Of the deposit of 1 ether, rounded once on each side.
    const spent = 10n ** 18n - after.account.balanceWei;
    expect(spent - after.costWei <= 1n && after.costWei - spent <= 1n, `${spent} ${after.costWei}`).to.equal(true);
  });

  it("notices what is dead, and cancels it only when it is told to", async () => {
    const user = { ...(await newUser()), prober: tcpProber };
    const { contract } = await deploy(user, requestOf({ draft: publishing(1), name: "seen" }));
    const round = async (options: Partial<WatchOptions> = {}): Promise<readonly WatchReport[]> => {
      for await (const reports of watch(user, { everyMs: 1, answerTimeoutMs: 1_000, ...options })) return reports;
      return [];
    };
    // Nothing listens at its public IP, whatever the node says.
    const [dead] = await round();
    expect(dead?.kind === "dead" && dead.faults).to.deep.equal([
      `nothing answers at ${contract.publicIps[0]?.ip ?? ""}, port 1`,
    ]);
    expect((await user.contracts.contract(contract.contractId))?.state).to.equal("deployed");
    await scene.node.stop();
    const verdicts: boolean[] = [];
    for await (const [report] of watch(user, { everyMs: 1, answerTimeoutMs: 300, cancelAfterMs: 1 })) {
      verdicts.push(report?.isCancelled ?? false);
      if (report === undefined || report.isCancelled) break;
    }
    expect(verdicts).to.deep.equal([false, true]);
    expect((await user.contracts.contract(contract.contractId))?.cause).to.equal("by-user");
  }).timeout(30_000);

  it("says that a note which was damaged cannot be used, and buys nothing", async () => {
    const user = await newUser();
    const value = utf8("{}");
    await user.store.apply([{ kind: "put", table: "grid-deployments", key: "00", value }]);
    expect(await codeOf(deploy(user, requestOf()))).to.equal("STORE_UNAVAILABLE");
    expect(await statesOf(user)).to.deep.equal([]);
  });
});
