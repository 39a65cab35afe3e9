import { expect } from "chai";

import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { createPurse } from "../../../src/channel/purse.ts";
import type { ChainView } from "../../../src/channel/chain-view.ts";
import { codeOf } from "../../helpers/code-of.ts";

describe("channel/purse", () => {
  it("should send so many transactions and no more, say so once, and begin anew when something is final", async () => {
    const lines: LogLine[] = [];
    const chain = { settled: { height: 4 } };
    const purse = createPurse({ chain: chain as ChainView, logger: createMemoryLogger(lines) }, 2);
    let sent = 0;
    const spend = async (): Promise<string | undefined> =>
      await codeOf(purse.spend("a proof", async () => void (sent += 1)));
    expect([await spend(), await spend()]).to.deep.equal([undefined, undefined]);
    expect(purse.trouble).to.be.a("string");
    expect([await spend(), await spend()]).to.deep.equal(["CHANNEL_BUSY", "CHANNEL_BUSY"]);
    expect(sent).to.equal(2);
    expect(lines.filter(({ level }) => level === "error").length).to.equal(1);
    chain.settled.height = 5;
    expect(purse.trouble).to.equal(undefined);
    expect(await spend()).to.equal(undefined);
    expect(sent).to.equal(3);
  });

  it("should count what was sent and failed: it has cost as much", async () => {
    const chain = { settled: { height: 0 } };
    const purse = createPurse({ chain: chain as ChainView, logger: createMemoryLogger() }, 1);
    const failing = purse.spend("a proof", async () => {
      throw new Error("reverted");
    });
    expect(await failing.catch((error: unknown) => String(error))).to.contain("reverted");
    expect(await codeOf(purse.spend("a proof", async () => undefined))).to.equal("CHANNEL_BUSY");
  });
});
