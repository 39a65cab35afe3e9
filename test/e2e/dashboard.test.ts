import { expect } from "chai";
import type { Page } from "playwright-core";

import { devnetKeys } from "../../src/devnet/accounts.ts";
import {
  LOOKS,
  chromiumAbsent,
  expectAccessible,
  expectFits,
  giveWallet,
  openPage,
  picture,
  type OpenPage,
} from "../helpers/browser.ts";
import { startDashboardScene, type DashboardScene } from "../helpers/dashboard-scene.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 240_000;
/** Of `npx web-vitals`: what people do not notice. */
const GOOD_LAYOUT_SHIFT = 0.1;
/** What a loaded machine takes to show a block. */
const SLOW = { timeoutMs: 30_000 };
const EPOCH_BLOCKS = 60n;
const WEI_PER_ETHER = 1e18;
/** Holds ether, and is no twin of the market. */
const STRANGER_ACCOUNT = 20;
const WIDE = { width: 1280, colours: "light" } as const;

describeWithPart("chromium", chromiumAbsent(), "the dashboard in Chromium", function (this: Mocha.Suite) {
  this.timeout(SUITE_TIMEOUT_MS);
  let scene: DashboardScene;
  let open: OpenPage;
  let page: Page;

  before(async () => {
    scene = await startDashboardScene();
  });
  after(async () => await scene?.stop());
  beforeEach(async () => {
    open = await openPage(scene.browser, WIDE);
    page = open.page;
  });
  afterEach(async () => {
    const { complaints } = open;
    await open.close();
    expect(complaints).to.deep.equal([]);
  });

  async function visit(path: string): Promise<void> {
    await page.goto(`${scene.url}${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.getByText(/^block [\d,]+$/).waitFor();
  }
  const rows = async (caption: string): Promise<string[]> =>
    await page.getByRole("table", { name: caption }).locator("tbody tr").allInnerTexts();
  const heading = async (): Promise<string> => await page.getByRole("heading", { level: 1 }).innerText();

  describe("market", () => {
    it("should list all workers with what the chain says of them, and sort them", async () => {
      await visit("");
      const found = await rows("Workers of the market");
      expect(found).to.have.length(3);
      for (const { workerId } of scene.fleet.workers) {
        const { reputation } = await scene.client.chain.reputationOf(workerId);
        const row = found.find((text) => text.startsWith(`Worker ${workerId}`));
        expect(row).to.contain(`${(reputation / 100).toFixed(1)} %`);
      }
      const byPrice = page.getByRole("button", { name: "gwei per block" });
      await byPrice.click();
      expect((await rows("Workers of the market")).map(priceIn)).to.deep.equal(["22,000", "21,000", "20,000"]);
      await byPrice.click();
      expect((await rows("Workers of the market")).map(priceIn)).to.deep.equal(["20,000", "21,000", "22,000"]);
      expect(await page.getByRole("columnheader", { name: "gwei per block" }).getAttribute("aria-sort")).to.equal(
        "ascending",
      );
    });

    it("should find a worker, lead to its page by the keyboard, and back to what was found", async () => {
      await visit("");
      await page.getByRole("searchbox").fill("2");
      await until(async () => (await rows("Workers of the market")).length === 1, SLOW);
      await page.getByRole("link", { name: "Worker 2" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Worker 2" }).waitFor();
      await until(async () => (await page.title()) === "Worker 2 · SPRF", SLOW);
      // Who does not see the page hears where it begins.
      await until(async () => (await page.evaluate("document.activeElement.tagName")) === "H1", SLOW);
      await page.goBack();
      await page.getByRole("heading", { level: 1, name: "Market" }).waitFor();
      expect(await page.getByRole("searchbox").inputValue()).to.equal("2");
      expect(await rows("Workers of the market")).to.have.length(1);
    });

    it("should show what happens on the chain without being asked again", async () => {
      await visit("agreements");
      const before = (await rows("Agreements")).length;
      await scene.buy(240);
      await until(async () => (await rows("Agreements")).length === before + 1, SLOW);
      expect((await rows("Agreements"))[0]).to.contain("running");
    });
  });

  describe("agreement", () => {
    it("should show verdicts and money as the chain has them", async () => {
      await visit(`agreements/${scene.finished}`);
      expect(await heading()).to.equal("Agreement #1");
      const outcomes = await scene.client.chain.outcomesOf(scene.finished, 0);
      const [epoch = ""] = await rows("Epochs with a draw or an outcome");
      expect(epoch.match(/ok|no-quorum|unreachable|wrong/g)).to.deep.equal([...outcomes]);
      const paid = await rows("What the settled epochs credited");
      const { workerIds = [] } = (await scene.client.chain.agreement(scene.finished)) ?? {};
      for (const [index, workerId] of workerIds.entries()) {
        const worker = await scene.client.chain.worker(workerId);
        const isPaid = ["ok", "no-quorum"].includes(outcomes[index] ?? "");
        const ether = isPaid ? Number((worker?.pricePerBlockWei ?? 0n) * EPOCH_BLOCKS) / WEI_PER_ETHER : 0;
        expect(paid.find((row) => row.startsWith(`worker ${workerId}`))).to.contain(`${ether} ETH`);
      }
      expect(
        await page
          .getByRole("img", { name: /^Gwei per block over blocks/ })
          .locator("canvas")
          .count(),
      ).to.equal(1);
      await page.getByText("The same as a table").click();
      const [flow = ""] = await rows("Money per block");
      expect(flow).to.contain("settled");
    });

    it("should tell what is settled from what is expected", async () => {
      await visit("agreements/2");
      await page.getByText("The same as a table").click();
      const flow = await rows("Money per block");
      expect(flow).to.have.length(15);
      expect(flow.filter((row) => row.includes("settled")).length).to.be.within(1, 14);
      expect(flow.at(-1)).to.contain("expected");
    });

    it("should say that there is none", async () => {
      await visit("agreements/999");
      await page.getByRole("alert").getByText("there is no agreement 999").waitFor();
      await visit("nowhere/at/all");
      expect(await heading()).to.equal("Not found");
    });
  });

  describe("with a wallet", () => {
    it("should buy from a worker's row, by keyboard alone", async () => {
      const wallet = await giveWallet(open.context, ofClient());
      await visit("");
      await page.getByRole("button", { name: "Buy from worker 3" }).focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "Buy from worker 3" });
      await dialog.getByLabel(/^Blocks of work/).fill("120");
      await page.keyboard.press("Enter");
      await dialog.getByRole("button", { name: /^Buy for 0\.\d+ ETH$/ }).waitFor();
      await dialog.getByLabel(/^Blocks of work/).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: /^Agreement #/ }).waitFor();
      expect((await rows("Workers of the agreement"))[0]).to.match(/^Worker 3/);
      wallet.close();
    });

    it("should tell in words what a wallet or the market refuses", async () => {
      const wallet = await giveWallet(open.context, ofClient());
      await visit("workers/1");
      await page.getByRole("button", { name: "Connect wallet" }).click();
      await page.getByRole("button", { name: "Buy an agreement" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("button", { name: /^Buy for/ }).waitFor();
      wallet.decline = true;
      await dialog.getByRole("button", { name: /^Buy for/ }).click();
      await dialog.getByText("Declined in the wallet.").waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      wallet.close();
    });

    it("should tell an account that is no twin what to do", async () => {
      const { accountPrivateKey: privateKey } = devnetKeys(STRANGER_ACCOUNT);
      const wallet = await giveWallet(open.context, { ...ofClient(), privateKey });
      await visit("workers/1");
      await page.getByRole("button", { name: "Connect wallet" }).click();
      await page.getByRole("button", { name: "Buy an agreement" }).click();
      await page
        .getByRole("dialog")
        .getByRole("button", { name: /^Buy for/ })
        .click();
      await page.getByText("This account is no twin yet.").waitFor();
      wallet.close();
    });

    it("should say that a browser has none", async () => {
      await visit("");
      await page.getByRole("button", { name: "Connect wallet" }).click();
      await page.getByRole("alert").getByText("This browser has no wallet.").waitFor();
    });

    it("should show what an account is owed, and take it out", async () => {
      const { keys, chain } = scene.client;
      const agreement = await scene.buy(240);
      await chain.terminate(agreement);
      const wallet = await giveWallet(open.context, ofClient());
      await visit("payments");
      await page.getByRole("main").getByRole("button", { name: "Connect wallet" }).click();
      const { number = 0 } = (await chain.agreement(agreement)) ?? {};
      const take = page.getByRole("button", { name: `Withdraw from agreement #${number}` });
      const owedWei = await chain.creditWei(agreement, keys.account);
      expect(owedWei > 0n).to.equal(true);
      await take.click();
      // Other epochs of the client's are settled meanwhile, and what comes back from them stands above it.
      const isTaken = (row: string): boolean => row.includes("withdrawal") && row.includes(`#${number}`);
      await until(async () => (await rows("Movements, newest first")).some(isTaken), SLOW);
      expect((await chain.creditWei(agreement, keys.account)) < owedWei).to.equal(true);
      // The statement is of everybody, but only its owner can take anything.
      await page.getByRole("button", { name: "Disconnect the wallet" }).click();
      await visit(`payments/${keys.account}`);
      expect(await page.getByRole("button", { name: /^Withdraw/ }).count()).to.equal(0);
      wallet.close();
    });
  });

  describe("the stream of events", () => {
    it("should be taken up again when the server has been away", async () => {
      await visit("");
      await scene.stopDashboard();
      await page.getByText("reconnecting", { exact: true }).waitFor();
      expect(await rows("Workers of the market")).to.have.length(3);
      await scene.startDashboard();
      await page.getByText(/^block [\d,]+$/).waitFor();
      // The browser says that the server was not there: that is what this is about.
      open.complaints.splice(0);
    });
  });

  describe("every page, in light and dark, on a desk and on a phone", () => {
    const pages: ReadonlyArray<{ readonly name: string; readonly path: () => string }> = [
      { name: "market", path: () => "" },
      { name: "worker", path: () => "workers/1" },
      { name: "agreements", path: () => "agreements" },
      { name: "agreement", path: () => "agreements/2" },
      { name: "payments-choose", path: () => "payments" },
      { name: "payments", path: () => `payments/${scene.client.keys.account}` },
      { name: "problem", path: () => "agreements/999" },
    ];
    for (const look of LOOKS) {
      it(`should be accessible, fit and hold still: ${look.colours}, ${look.width} pixels`, async () => {
        const looked = await openPage(scene.browser, look);
        page = looked.page;
        await page.addInitScript(COUNT_SHIFTS);
        for (const { name, path } of pages) {
          await visit(path());
          const where = `${name}, ${look.colours}, ${look.width}`;
          await expectAccessible(page, where);
          await expectFits(page, where);
          expect(await page.evaluate<number>("globalThis.sprfShift"), where).to.be.below(GOOD_LAYOUT_SHIFT);
          const isPictured = !["problem", "payments-choose", "agreements"].includes(name);
          if (isPictured && look.width === 1280) await picture(page, `dashboard-${name}-${look.colours}`);
          if (name === "market" && look.width === 360) await picture(page, `dashboard-phone-${look.colours}`);
        }
        expect(looked.complaints).to.deep.equal([]);
        await looked.close();
      });
    }
  });

  function ofClient(): { readonly rpcUrl: string; readonly privateKey: Uint8Array } {
    return { rpcUrl: scene.devnet.networks.chain.rpcUrl, privateKey: scene.client.keys.accountPrivateKey };
  }
});

function priceIn(row: string): string | undefined {
  return /2\d,000/.exec(row)?.[0];
}

/** Runs in the page, before its own scripts: how much of it has moved by itself. */
const COUNT_SHIFTS = `
  globalThis.sprfShift = 0;
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput } of list.getEntries()) if (!hadRecentInput) globalThis.sprfShift += value;
  }).observe({ type: "layout-shift", buffered: true });
`;
