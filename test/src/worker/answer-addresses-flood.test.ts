import { expect } from "chai";

import { startAddressProcess } from "../../helpers/address-process.ts";
import type { AddressProcess } from "../../helpers/address-process.ts";

const REQUESTS = 1_000;
const TIMEOUT_MS = 12_000;
const MAX_GROWTH_BYTES = 150 * 2 ** 20;

describe("answering addresses under a flood", function () {
  this.timeout(90_000);
  const running: AddressProcess[] = [];
  after(async () => {
    await Promise.all(running.map(async (process) => await process.kill()));
  });

  it("leaves the worker standing after 1,000 requests at once, each answered or failed by its deadline", async () => {
    const start = async (...parts: Parameters<typeof startAddressProcess>): Promise<AddressProcess> => {
      const process = await startAddressProcess(...parts);
      running.push(process);
      return process;
    };
    const hub = await start("hub", "hub", []);
    const worker = await start("worker", "worker", hub.multiaddrs);
    const client = await start("client", "client", hub.multiaddrs);
    const { rssBytes: before = 0 } = await worker.call({ do: "memory" });
    const flood = { worker: "worker", count: REQUESTS, atOnce: REQUESTS, loss: 0, seed: 1, timeoutMs: TIMEOUT_MS };
    const { outcomes = [] } = await client.call({ do: "find-many", ...flood });
    expect(outcomes).to.have.length(REQUESTS);
    const answered = outcomes.filter((outcome) => typeof outcome === "number");
    expect(answered.length).to.be.greaterThan(0);
    const failures = outcomes.filter((outcome) => typeof outcome === "string");
    expect(failures.every((code) => code === "ADDRESS_NOT_FOUND")).to.equal(true);
    // What came last is done first, so that nobody waits for what the thousand have given up.
    const next = await client.call({ do: "find", worker: "worker" });
    expect(next.error).to.equal(undefined);
    const { rssBytes: after = 0 } = await worker.call({ do: "memory" });
    expect(after - before).to.be.lessThan(MAX_GROWTH_BYTES);
  });
});
