import { expect } from "chai";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createDockerWorkloads } from "../../src/adapters/workloads/docker/create-docker-workloads.ts";
import { readBill } from "../../src/client/grid/bill.ts";
import { deploy } from "../../src/client/grid/deploy.ts";
import { cancelOnChain } from "../../src/client/grid/cancel.ts";
import { quoteDeployment } from "../../src/client/grid/quote.ts";
import { recover, type RecoveredContract } from "../../src/client/grid/recover.ts";
import { update } from "../../src/client/grid/update.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import type { GridContract } from "../../src/ports/grid-contracts.ts";
import type { WorkloadDraft } from "../../src/wire/grid/file/convert.ts";
import { codeOf } from "../helpers/code-of.ts";
import type { Daemon } from "../helpers/daemon.ts";
import { busyboxImage, dockerNetworkAbsence } from "../helpers/docker-workloads-fixture.ts";
import { startGridFleet, type GridFleet } from "../helpers/grid-fleet.ts";
import { grainsOf, owned, readGridLedger } from "../helpers/grid-ledger.ts";
import { connectLossyGridUser, type LossyGridUser } from "../helpers/grid-lossy-user.ts";
import { pageDraft } from "../helpers/grid-page.ts";
import { startOddNode, type OddNodeInit } from "../helpers/odd-node-process.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";
import { ask } from "../helpers/workload-specs.ts";

const ETHER = 10n ** 18n;
/** Owns the farm, and its machine is the node. */
const NODE_ACCOUNT = 10;
const USER_ACCOUNT = 1;
const PORT = 18_500 + (process.pid % 1_000);
const LOOPBACK = `127.0.${(process.pid % 200) + 20}.60`;
const THREE_HOURS_MS = 3 * 3_600_000;
const SLOW = { timeoutMs: 90_000 };
const ANSWER_TIMEOUT_MS = 120_000;
/** A rate is in 2^-20 of 1e-7 USD an hour. */
const RATE_BITS = 20n;

describeWithPart(
  "docker-networks",
  await dockerNetworkAbsence(),
  "a node that is not as it should be",
  function (this: Mocha.Suite) {
    this.timeout(180_000);
    let fleet: GridFleet;
    let user: LossyGridUser;
    let node: Daemon | undefined;
    let draft: WorkloadDraft;
    let contractId: number;
    const label = `odd-${process.pid}`;
    const machine = createDockerWorkloads(
      { logger: createMemoryLogger() },
      { owner: label, firewall: "managed-elsewhere" },
    );
    const logFile = (): string => join(fleet.directory, "odd-node.log");

    before(async () => {
      const image = await busyboxImage();
      draft = pageDraft(image, { text: "first", port: PORT, publicIp: false });
      fleet = await startGridFleet({ nodesOfFarms: [0], ipsOfFarm: 0, times: { intervalSeconds: 60n } });
      user = await connectLossyGridUser({
        devnet: fleet.devnet,
        account: USER_ACCOUNT,
        dataDirectory: join(fleet.directory, "user"),
        loss: 0,
        seed: 1,
      });
      await user.contracts.depositWei(ETHER);
    });
    after(async () => {
      await node?.kill();
      for (const each of await machine.list()) await machine.remove(each.contractId);
      await user?.close();
      await fleet?.stop();
    });

    const startNode = async (odd: Partial<OddNodeInit> = {}): Promise<void> => {
      const init: OddNodeInit = {
        devnetFile: join(fleet.directory, "devnet.json"),
        account: NODE_ACCOUNT,
        farmId: fleet.farmIds[0]!,
        dataDirectory: join(fleet.directory, "odd-node"),
        label,
        loopback: LOOPBACK,
        usageTimes: 1,
        clockAheadMs: 0,
        ...odd,
      };
      node = await startOddNode(init, logFile());
    };
    const contract = async (): Promise<GridContract> => (await user.contracts.contract(contractId))!;
    const requestOf = (text: string, environment: Record<string, string> = {}) => ({
      name: "page",
      draft: {
        ...draft,
        containers: draft.containers.map((each) => ({ ...each, environment: { TEXT: text, ...environment } })),
      },
      secretValues: new Map([["token", "a-token"]]),
    });
    const shown = async (): Promise<string | undefined> => await ask({ hostAddress: LOOPBACK, hostPort: PORT });
    const problems = async (): Promise<readonly string[]> =>
      (await readFile(logFile(), "utf8"))
        .split("\n")
        .filter((line) => line.includes("users cannot use this node"))
        .map((line) => String((JSON.parse(line) as { problem: string }).problem));

    it("should be billed within the limits when it reports more, and its user sees that it did", async () => {
      await startNode({ usageTimes: 10_000 });
      ({
        contract: { contractId },
      } = await deploy(user.user, requestOf("first"), { timeoutMs: ANSWER_TIMEOUT_MS }));
      await until(async () => (await readBill(user.user)).contracts[0]!.clippedReports > 1, SLOW);
      const { rate, createdAt } = await contract();
      const quote = await quoteDeployment(user.user, draft, { nodeId: Number(node?.info["nodeId"]) });
      const rounded = (rate + (1n << (RATE_BITS - 1n))) >> RATE_BITS;
      expect(rounded, "the rate of a deployment that uses all that it may").to.equal(quote.costPerHour);
      const bill = await readBill(user.user);
      // What is asked of a chain may be answered as of its next block.
      const seconds = BigInt((await user.contracts.headSeconds()) + 60 - createdAt);
      const most = ((quote.weiPerHour + quote.trafficWeiPerHour) * seconds) / 3_600n;
      expect(bill.costWei > 0n && bill.costWei <= most, `${bill.costWei} wei, at most ${most}`).to.equal(true);
      await node?.kill();
    });

    for (const [title, clockAheadMs, said] of [
      ["ahead", THREE_HOURS_MS, /^this machine's clock is 10\d\d\d s ahead of the chain's/],
      ["behind", -THREE_HOURS_MS, /^this machine's clock is 10\d\d\d s behind the chain's/],
    ] as const) {
      it(`should say in one line that its clock is hours ${title}, and be paid nothing by it`, async () => {
        const told = (await problems()).length;
        await startNode({ clockAheadMs });
        // What was under way when it was killed may land.
        const reportedAt = async (): Promise<number> => (await contract()).reportedAt ?? 0;
        // A block, with which a clock is compared.
        await user.contracts.depositWei(1n);
        await until(async () => (await problems()).length > told, SLOW);
        const before = await reportedAt();
        for (let block = 0; block < 3; block += 1) await user.contracts.depositWei(1n);
        const now = await problems();
        expect(now.slice(told)).to.have.length(1);
        expect(now.at(-1)).to.match(said);
        expect(await reportedAt()).to.equal(before);
        expect(await shown(), "what runs runs on").to.equal("first a-token");
        await node?.kill();
      });
    }

    it("should report again when its clock is right", async () => {
      const before = (await contract()).reportedAt ?? 0;
      await startNode();
      await until(async () => ((await contract()).reportedAt ?? 0) > before, SLOW);
    });

    it("should run what is too large for a message, by its CID", async () => {
      const large = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`LARGE_${n}`, "x".repeat(30_000)]));
      await update(user.user, contractId, requestOf("large", large), { timeoutMs: ANSWER_TIMEOUT_MS });
      expect(await shown()).to.equal("large a-token");
    });

    it("should finish an update in whose middle it was killed when it is asked again", async () => {
      const heard = Promise.withResolvers<void>();
      const asked = codeOf(
        update(user.user, contractId, requestOf("second"), {
          timeoutMs: 15_000,
          onStep: ({ step }) => {
            if (step === "node") heard.resolve();
          },
        }),
      );
      await heard.promise;
      await node?.kill();
      expect(await asked).to.equal("NODE_SILENT");
      await startNode();
      await update(user.user, contractId, requestOf("second"), { timeoutMs: ANSWER_TIMEOUT_MS });
      expect(await shown()).to.equal("second a-token");
      const found = (await machine.list()).filter((each) => each.contractId === `${contractId}`);
      expect(found.map(({ containers }) => containers.length)).to.deep.equal([1]);
    });

    it("should be called unreachable while it is away, not lost, and be billed for nothing twice in the end", async () => {
      await node?.kill();
      const found: RecoveredContract[] = [];
      for await (const each of recover(user.user, { statusTimeoutMs: 3_000 })) found.push(each);
      expect(found.map((each) => each.node)).to.deep.equal(["unreachable"]);
      await cancelOnChain(user.user, contractId);
      await startNode();
      await until(async () => (await machine.list()).length === 0, SLOW);
      await node?.stop();
      node = undefined;
      const { rpcUrl, grid } = fleet.devnet.networks.chain;
      const ledger = await readGridLedger({
        rpcUrl,
        grid: grid!,
        twinIds: [user.twinId],
        farmIds: fleet.farmIds,
        treasury: devnetKeys(0).account,
      });
      expect(ledger.etherWei).to.equal(ledger.flowWei);
      expect(owned(ledger)).to.equal(grainsOf(ledger.etherWei));
    });
  },
);
