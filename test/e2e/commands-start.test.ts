import { readFileSync } from "node:fs";

import { expect } from "chai";

import { startCommand, succeed, type RunningCommand } from "../helpers/command.ts";
import { readEvents } from "../helpers/event-reader.ts";
import { until } from "../helpers/until.ts";

const SUITE_TIMEOUT_MS = 180_000;
const MAX_SHUTDOWN_MS = 10_000;
const LAST_LINE = "everything stays up until Ctrl-C";

describe("npm start", function () {
  this.timeout(SUITE_TIMEOUT_MS);

  it("should end with the anchored state and exit code 0", async () => {
    // docs-command: npm start
    const { stdout } = await succeed("npm start");
    const [, cid] = /anchored: the state after 120 entries .*\n.*\n +current_state: (\S+)\n/.exec(stdout) ?? [];
    expect(cid).to.match(/^baf/);
    expect(stdout).to.match(/^Assets:Bank,-?\d+$/m);
    expect(stdout).to.contain("execution 3: anchored in ledger");
    expectRecorded(readFileSync("README.md", "utf8"), stdout);
  });

  describe("-- --keep --json", () => {
    let command: RunningCommand;
    let lines: readonly Readonly<Record<string, unknown>>[];

    before(async () => {
      command = startCommand("npm start -- --keep --json");
      const { input } = await command.until(new RegExp(`^.*"${LAST_LINE}".*\\n`, "m"));
      lines = input
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    });
    after(async () => {
      await command?.end("SIGTERM");
    });

    it("should print one JSON object a line, with the anchored state", () => {
      expect(lines.every(({ seconds, line }) => typeof seconds === "number" && typeof line === "string")).to.equal(
        true,
      );
      const anchored = lines.find(({ line }) => String(line).startsWith("anchored: "));
      expect(anchored?.["current_state"]).to.match(/^baf/);
      expect(anchored?.["balances"]).to.contain("Assets:Bank,");
    });

    it("should answer on the endpoints that it printed", async () => {
      const devnet = lines.find(({ ethereum }) => ethereum !== undefined);
      const ask = async (url: unknown, method: string): Promise<unknown> => {
        const response = await fetch(String(url), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: method.startsWith("eth") ? [] : undefined }),
        });
        return ((await response.json()) as { result: unknown }).result;
      };
      expect(await ask(devnet?.["ethereum"], "eth_chainId")).to.equal("0x7a69");
      expect(await ask(devnet?.["stellar"], "getHealth")).to.include({ status: "healthy" });
      const urls = lines.flatMap((line) => Object.values(line)).filter((value) => /^http:.*:\d+$/.test(String(value)));
      const answers = urls.map(async (url) => (await fetch(`${String(url)}/health`)).status);
      expect(await Promise.all(answers)).to.include(200);
    });

    it("should serve what has happened in the browser", async () => {
      const url = lines.find((line) => "the market in the browser" in line)?.["the market in the browser"];
      const reader = await readEvents(`${String(url)}events?topics=agreement/1`);
      await until(() => reader.events.length > 0);
      expect(reader.events[0]?.data).to.have.nested.property("view.finalized", true);
      reader.close();
    });

    it("should end soon on SIGINT, with exit code 0 and nothing that listens", async () => {
      const from = performance.now();
      const { code, stderr } = await command.end("SIGINT");
      expect(performance.now() - from).to.be.lessThan(MAX_SHUTDOWN_MS);
      expect(code, stderr).to.equal(0);
      const url = String(lines.find(({ ethereum }) => ethereum !== undefined)?.["ethereum"]);
      await until(
        async () =>
          await fetch(url).then(
            () => false,
            () => true,
          ),
        { what: "the chain's port to close" },
      );
    });
  });
});

/** Every run prints what the document shows; where that leaves lines out it says so by dots. */
function expectRecorded(document: string, printed: string): void {
  const [, recording = ""] = /<!-- A recording: .*? -->\n\n```\n(.*?)```/s.exec(document) ?? [];
  const lines = withoutNames(printed).split("\n");
  let at = 0;
  let isGap = false;
  for (const shown of withoutNames(recording).trimEnd().split("\n")) {
    if (shown.trim() === "...") {
      isGap = true;
      continue;
    }
    const found = lines.indexOf(shown, at);
    expect(found, `README.md shows "${shown}", which does not come here`).to.be.greaterThan(-1);
    if (!isGap && at > 0) expect(found, `README.md leaves out what comes before "${shown}"`).to.equal(at);
    at = found + 1;
    isGap = false;
  }
  expect(at, "README.md has no recording").to.be.greaterThan(0);
}

/** What differs from run to run: times, addresses, hashes and ledgers. */
function withoutNames(text: string): string {
  return text
    .replaceAll(/^ *\d+\.\d s {2}/gm, "   0.0 s  ")
    .replaceAll(/0x[0-9a-fA-F]{40,64}/g, "0x")
    .replaceAll(/\bG[A-Z2-7]{55}\b/g, "G")
    .replaceAll(/\bbaf[a-z2-7]{20,}/g, "baf")
    .replaceAll(/in ledger \d+/g, "in ledger 0");
}
