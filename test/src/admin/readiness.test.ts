import { expect } from "chai";

import { noMetrics } from "../../../src/adapters/metrics/none.ts";
import { createReadiness, type ReadinessCheck } from "../../../src/admin/readiness.ts";
import { SprfError } from "../../../src/errors.ts";
import type { GaugeName, Metrics, Read } from "../../../src/ports/metrics.ts";
import { createManualClock } from "../../helpers/manual-clock.ts";

const good = (part: ReadinessCheck["part"], facts = {}): ReadinessCheck => ({ part, look: async () => facts });

describe("createReadiness", () => {
  it("should be ready when all parts are, with what they tell", async () => {
    const look = readinessOf([good("chain", { block: 7, ageSeconds: 3 }), good("store")]);
    expect(await look.now()).to.deep.equal({
      ready: true,
      parts: { chain: { block: 7, ageSeconds: 3, ready: true }, store: { ready: true } },
    });
  });

  it("should name the part that fails, with its code, and look at the others all the same", async () => {
    const failing: ReadinessCheck = {
      part: "ledger",
      look: async () => {
        throw new SprfError("LEDGER_UNREACHABLE", "nobody answers");
      },
    };
    const { ready, parts } = await readinessOf([failing, good("store")]).now();
    expect(ready).to.equal(false);
    expect(parts).to.deep.equal({
      ledger: { ready: false, problem: "LEDGER_UNREACHABLE: nobody answers" },
      store: { ready: true },
    });
  });

  it("should count a chain that stands still as gone, unless its age does not matter", async () => {
    const old = [good("chain", { ageSeconds: 121 })];
    expect((await readinessOf(old).now()).parts["chain"]?.problem).to.match(/121 s/);
    expect((await readinessOf(old, 0).now()).ready).to.equal(true);
  });

  it("should not wait for a part that never answers", async () => {
    const look = readinessOf([{ part: "messages", look: async () => await new Promise(() => undefined) }]);
    const found = look.now();
    await look.clock.advance(4_000);
    expect((await found).parts["messages"]?.problem).to.match(/^TIMEOUT/);
  });

  it("should look once for all who ask within two seconds, and show the outcome as a gauge", async () => {
    let looks = 0;
    const look = readinessOf([
      {
        part: "store",
        look: async () => {
          looks++;
          return looks > 1 ? { problem: "the disk is full" } : {};
        },
      },
    ]);
    await Promise.all([look.now(), look.now()]);
    await look.now();
    expect([looks, look.gauge()]).to.deep.equal([1, [{ labels: { part: "store" }, value: 1 }]]);
    await look.clock.advance(2_000);
    expect((await look.now()).ready).to.equal(false);
    expect(look.gauge()).to.deep.equal([{ labels: { part: "store" }, value: 0 }]);
  });
});

function readinessOf(checks: readonly ReadinessCheck[], maxAgeSeconds = 120) {
  const clock = createManualClock();
  const readers = new Map<GaugeName, Read>();
  const metrics: Metrics = { ...noMetrics, gauge: (name, read) => void readers.set(name, read) };
  const now = createReadiness({ checks: () => checks, maxAgeSeconds, metrics, clock });
  return { now, clock, gauge: () => readers.get("sprf_daemon_ready_parts")?.() };
}
