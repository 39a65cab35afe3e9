import { expect } from "chai";
import type { Locator, Page } from "playwright-core";

import {
  LOOKS,
  chromiumAbsent,
  expectAccessible,
  expectFits,
  openPage,
  picture,
  type OpenPage,
} from "../helpers/browser.ts";
import { startDashboardPagesScene, type DashboardPagesScene } from "../helpers/dashboard-pages-scene.ts";
import { MIB } from "../helpers/grid-workloads.ts";
import { describeWithPart } from "../helpers/require-parts.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 240_000;
const PATIENT = { timeoutMs: 60_000 };
/** Pages of CIDs are large as pictures. */
const PICTURE_HEIGHT = 1_000;
const WIDE = { width: 1280, colours: "light" } as const;

describeWithPart(
  "chromium",
  chromiumAbsent(),
  "the dashboard's pages of programs, nodes and channels",
  function (this: Mocha.Suite) {
    this.timeout(SUITE_TIMEOUT_MS);
    let scene: DashboardPagesScene;
    let open: OpenPage;
    let page: Page;

    before(async () => {
      scene = await startDashboardPagesScene();
      for (const [cores, mib] of [
        [1, 40n],
        [0, 48n],
        [1, 64n],
      ] as const) {
        await scene.report(cores, mib * MIB);
      }
      for (const text of ["hello", "is anybody there", "yes"]) await scene.say(text);
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
      await page.locator(".waiting").waitFor({ state: "detached" });
    }
    const rows = async (caption: string): Promise<string[]> =>
      await page.getByRole("table", { name: caption }).locator("tbody tr").allInnerTexts();
    const figure = async (label: string): Promise<string> =>
      await page
        .locator(".figures > div")
        .filter({ has: page.getByText(label, { exact: true }) })
        .locator("dd")
        .innerText();
    const steps = (): Locator => page.getByRole("list", { name: "Steps, the newest first" }).locator(":scope > li");

    describe("program", () => {
      it("should show each step with who signed it, and run one again to the same end", async () => {
        await visit(`programs/${scene.program}`);
        const before = await steps().count();
        expect(before).to.equal(3);
        const newest = steps().first();
        expect(await newest.innerText()).to.contain("2 of 3 workers");
        await newest.getByText(/^Run: /).click();
        await newest.getByRole("button", { name: "Show output" }).click();
        await newest.getByText("account,balance").waitFor();
        await newest.getByRole("button", { name: /^Run it again: step \d+$/ }).click();
        await newest.getByText(/^Equal: ran it again in/).waitFor();
        const compared = await newest.locator(".comparison tbody tr").allInnerTexts();
        expect(compared).to.have.length(4);
        expect(compared.every((row) => row.includes("✓"))).to.equal(true);
      });

      it("should show a step as it is anchored", async () => {
        await visit(`programs/${scene.program}`);
        const before = await steps().count();
        await scene.execute();
        await until(async () => (await steps().count()) === before + 1, PATIENT);
      });

      it("should be found by its account, and say what is none", async () => {
        await visit("programs");
        await page.getByLabel("Smart account").fill(scene.program);
        await page.keyboard.press("Enter");
        await until(async () => (await steps().count()) > 0);
        await visit(`programs/${"G".padEnd(56, "A")}`);
        await page.getByRole("alert").getByText("INVALID_INPUT").waitFor();
      });
    });

    describe("node", () => {
      it("should show what a deployment uses and costs, and each report as it comes", async () => {
        await visit("nodes");
        await page.getByRole("link", { name: `Node ${scene.nodeId}` }).click();
        await page.getByRole("heading", { level: 3, name: `Contract ${scene.contractId}` }).waitFor();
        await page.getByText("203.0.113.7").waitFor();
        const [payer = ""] = await rows(`Who pays for what runs on node ${scene.nodeId}`);
        expect(payer).to.match(/in \d+ d/);
        await page
          .getByRole("img", { name: /^Memory of contract \d+ over 3 reports, 64 MiB in the last one$/ })
          .waitFor();
        await page.getByLabel("Cores").check();
        await page.getByRole("img", { name: /^Cores of contract \d+ over 3 reports, 1 in the last one$/ }).waitFor();
        await scene.report(0, 32n * MIB);
        await page.getByRole("img", { name: /^Cores of contract \d+ over 4 reports, 0 in the last one$/ }).waitFor();
        await page.reload();
        await page.getByRole("img", { name: /^Cores of contract/ }).waitFor();
      });
    });

    describe("channel", () => {
      it("should show members, delays and records as they are made and settled", async () => {
        await visit(`channels/${scene.channel}`);
        await until(async () => (await rows(`Members of channel ${scene.channel}`)).length === 3);
        expect((await rows(`Members of channel ${scene.channel}`))[0]).to.contain("leads");
        await until(async () => (await rows("Nodes that are asked")).every((row) => row.includes("answers")), PATIENT);
        await page.getByRole("img", { name: /^3 members, 0x.* leads, delays up to \d+ ms$/ }).waitFor();
        const before = Number(await figure("Acknowledged"));
        await scene.say("look at that");
        await until(async () => Number(await figure("Acknowledged")) > before);
        const [newest = ""] = await rows("The newest records");
        expect(newest).to.contain("call");
        const height = await scene.settle();
        await until(async () => Number(await figure("Settled")) >= height, PATIENT);
        await page.getByText(`Settled lately: height ${height}`).waitFor();
      });

      it("should say what is no channel", async () => {
        await visit("channels/999");
        await page.getByRole("alert").getByText("CHANNEL_UNKNOWN").waitFor();
      });
    });

    describe("every page", () => {
      const pages: ReadonlyArray<{ readonly name: string; readonly path: () => string }> = [
        { name: "programs", path: () => "programs" },
        { name: "program", path: () => `programs/${scene.program}` },
        { name: "nodes", path: () => "nodes" },
        { name: "node", path: () => `nodes/${scene.nodeId}` },
        { name: "channels", path: () => "channels" },
        { name: "channel", path: () => `channels/${scene.channel}` },
      ];
      for (const look of LOOKS) {
        it(`should be accessible and fit: ${look.colours}, ${look.width} pixels`, async () => {
          const looked = await openPage(scene.browser, look);
          page = looked.page;
          for (const { name, path } of pages) {
            await visit(path());
            if (name === "channel") await page.locator(".graph").waitFor();
            if (name === "program") {
              await steps()
                .first()
                .getByRole("button", { name: /^Run it again: / })
                .click();
              await steps()
                .first()
                .getByText(/^Equal:/)
                .waitFor();
            }
            const where = `${name}, ${look.colours}, ${look.width}`;
            await expectAccessible(page, where);
            await expectFits(page, where);
            if (!name.endsWith("s") && look.width === 1280)
              await picture(page, `dashboard-${name}-${look.colours}`, PICTURE_HEIGHT);
          }
          expect(looked.complaints).to.deep.equal([]);
          await looked.close();
        });
      }
    });

    describe("a channel whose member is killed", () => {
      it("should say that a member's node is away, and go on with the others", async () => {
        await visit(`channels/${scene.channel}`);
        await until(async () => (await rows("Nodes that are asked")).every((row) => row.includes("answers")), PATIENT);
        await scene.nodes[2]?.kill();
        await until(async () => (await rows("Nodes that are asked"))[2]?.includes("away") === true, PATIENT);
        const before = Number(await figure("Acknowledged"));
        await scene.say("still here");
        await until(async () => Number(await figure("Acknowledged")) > before, PATIENT);
      });
    });
  },
);
