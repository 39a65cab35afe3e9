import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createDashboard, type Dashboard } from "../../src/create-dashboard.ts";
import { openIndex } from "../../src/create-indexer.ts";
import { agreementView } from "../../src/dashboard/agreement-view.ts";
import type { MarketView, PaymentsView, StatusView, WorkerView } from "../../src/dashboard/views.ts";
import { deployMarket } from "../contracts/helpers/market.ts";
import { codeOf } from "../helpers/code-of.ts";
import { readEvents, type EventReader, type ReadEvent } from "../helpers/event-reader.ts";
import { startIndexMarket, type IndexMarket } from "../helpers/index-market.ts";
import { startTraffic, type MarketTraffic } from "../helpers/market-traffic.ts";
import { createTcpLink } from "../helpers/tcp-link.ts";
import { until } from "../helpers/until.ts";

/** Basis points. */
const WHOLE = 10_000;
const STEPS = 30;
const SEED = 11;

describe("create-dashboard", function () {
  this.timeout(120_000);
  let scene: IndexMarket;
  let traffic: MarketTraffic;
  let folder: string;
  let dashboard: Dashboard | undefined;

  before(async () => {
    scene = await startIndexMarket();
    traffic = await startTraffic(scene, SEED);
    await traffic.run(STEPS);
    await traffic.settleAll();
  });
  after(async () => await scene?.close());
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-dashboard-"));
  });
  afterEach(async () => {
    await dashboard?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(contracts = scene.contracts, rpcUrl = scene.rpcUrl): Promise<Dashboard> {
    const chain = { rpcUrl, contracts, pollingIntervalMs: 20 };
    dashboard = await createDashboard({ chain, dataDirectory: folder, http: {}, logger: createMemoryLogger() });
    return dashboard;
  }
  async function follow({ url }: Dashboard, topics: string): Promise<EventReader> {
    const reader = await readEvents(`${url}events?topics=${topics}`);
    await until(() => reader.events.length >= topics.split(",").length);
    return reader;
  }
  async function view<T>(from: Dashboard, topic: string): Promise<T> {
    const reader = await follow(from, topic);
    reader.close();
    const [first] = reader.events as [ReadEvent];
    return (first.data as { readonly view: T }).view;
  }

  it("should show workers and their reputation as the contracts have them", async () => {
    const started = await start();
    const { records } = scene.market;
    const { workers } = await view<MarketView>(started, "market");
    expect(workers).to.have.length(4);
    for (const { workerId, reputation, trend } of workers) {
      expect(reputation).to.equal(Number(await records.reputationOf(workerId)));
      const one = await view<WorkerView>(started, `worker/${workerId}`);
      const points = one.reputation.map((point) => point.reputation);
      expect(points.slice(1).slice(-trend.length)).to.deep.equal(trend);
      expect(points[0]).to.equal(WHOLE / 2);
      expect(one.reputation.at(-1)?.reputation ?? reputation).to.equal(reputation);
    }
    expect(workers.some(({ trend }) => trend.length > 0)).to.equal(true);
  });

  it("should say of each agreement who was paid what, as the statements have it", async () => {
    await start();
    const index = await openIndex(folder);
    const lines = new Map<string, bigint>();
    for (const { address } of traffic.accounts) {
      for await (const page of index.model.statement(address)) {
        for (const { kind, agreement, epoch, inWei } of page) {
          if (epoch === undefined || !["pay", "refund"].includes(kind)) continue;
          const key = `${agreement} ${kind === "pay" ? "worker" : "client"} ${address}`;
          lines.set(key, (lines.get(key) ?? 0n) + inWei);
        }
      }
    }
    const shown = new Map<string, bigint>();
    for (const agreement of traffic.agreements) {
      const { address, payees } = await agreementView(index.model, await agreement.getAddress());
      for (const { role, account, paidWei } of payees) {
        if (role === "tester" || paidWei === "0") continue;
        const key = `${address} ${role} ${account}`;
        shown.set(key, (shown.get(key) ?? 0n) + BigInt(paidWei));
      }
    }
    await index.close();
    expect(shown.size).to.be.above(3);
    expect(Object.fromEntries(shown)).to.deep.equal(Object.fromEntries(lines));
  });

  it("should say what is due to an account, and no more of its statement than is asked for", async () => {
    const started = await start();
    for (const { address } of traffic.accounts) {
      const { nowWei, claims, lines, lineCount } = await view<PaymentsView>(started, `payments/${address}`);
      expect(claims.every(({ amountWei }) => BigInt(amountWei) > 0n)).to.equal(true);
      expect(BigInt(nowWei) <= claims.reduce((sum, { amountWei }) => sum + BigInt(amountWei), 0n)).to.equal(true);
      expect(lines).to.have.length(Math.min(200, lineCount));
      expect([...lines].sort((a, b) => b.block - a.block)).to.deep.equal(lines);
    }
  });

  it("should tell all pages of a block as soon as it is indexed", async () => {
    const reader = await follow(await start(), "status");
    await scene.mine(1);
    await until(() => reader.events.length > 1);
    reader.close();
  });

  it("should say that the chain does not answer any more, and that it does again", async () => {
    const link = await createTcpLink(Number(new URL(scene.rpcUrl).port));
    const reader = await follow(await start(scene.contracts, `http://127.0.0.1:${link.port}`), "status");
    const isAway = (): boolean => {
      const [last] = reader.events.slice(-1) as [ReadEvent];
      return (last.data as { readonly view: StatusView }).view.isChainAway;
    };
    expect(isAway()).to.equal(false);
    await link.cut();
    await until(isAway, { timeoutMs: 30_000 });
    await link.mend();
    await until(() => !isAway(), { timeoutMs: 30_000 });
    reader.close();
    await dashboard?.close();
    await link.cut();
  });

  it("should index anew in a folder that holds another market", async () => {
    await (await start()).close();
    const market = await deployMarket(scene.ethers);
    const contracts = {
      twins: await market.twins.getAddress(),
      dispatcher: await market.dispatcher.getAddress(),
      testers: await market.testers.getAddress(),
      disputes: await market.disputes.getAddress(),
      records: await market.records.getAddress(),
    };
    expect((await view<MarketView>(await start(contracts), "market")).workers).to.deep.equal([]);
  });

  it("should refuse a folder in which another one works", async () => {
    const first = await start();
    expect(await codeOf(start())).to.equal("DIRECTORY_IN_USE");
    dashboard = first;
  });

  it("should leave nothing open, however often it is closed", async () => {
    const started = await start();
    const reader = await follow(started, "status");
    await Promise.all([started.close(), started.close()]);
    await started.ended;
    await until(() => reader.isEnded);
    await (await start()).close();
  });
});
