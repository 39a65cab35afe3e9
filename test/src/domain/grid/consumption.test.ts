import { expect } from "chai";
import fc from "fast-check";

import {
  addSample,
  batchReports,
  confirmReport,
  makeReport,
  openConsumption,
  skipReport,
  takeBackReport,
  type ConsumptionReport,
  type ConsumptionSample,
  type ConsumptionState,
} from "../../../../src/domain/grid/consumption.ts";

const START_MS = 1_800_000_000_000;

const sampleAt = (
  seconds: number,
  changes: Partial<ConsumptionSample["containers"][number]> = {},
): ConsumptionSample => ({
  atMs: START_MS + seconds * 1_000,
  containers: [{ name: "db", identity: "1", cpuNanoseconds: 0n, networkBytes: 0n, memoryBytes: 1_000n, ...changes }],
  ssdBytes: 50n,
  hddBytes: 7n,
});
const opened = openConsumption(5n, START_MS);
const reportOf = (state: ConsumptionState): ConsumptionReport => {
  const { pending } = makeReport(state);
  if (pending === undefined) return expect.fail("expected a report");
  return pending;
};

describe("domain/grid/consumption", () => {
  it("reports averages, and the traffic since the last report", () => {
    let state = addSample(opened, sampleAt(30, { cpuNanoseconds: 45_000_000_000n, networkBytes: 100n }));
    state = addSample(
      state,
      sampleAt(60, { cpuNanoseconds: 90_000_000_000n, networkBytes: 250n, memoryBytes: 3_000n }),
    );
    expect(reportOf(state)).to.deep.equal({
      contractId: 5n,
      timestamp: START_MS / 1_000 + 60,
      cruCores: 2n,
      sruBytes: 50n,
      hruBytes: 7n,
      mruBytes: 2_000n,
      nruBytes: 250n,
    });
  });

  it("counts on when a container starts again and its counters begin at 0", () => {
    let state = addSample(opened, sampleAt(10, { networkBytes: 100n }));
    state = addSample(state, sampleAt(20, { identity: "2", networkBytes: 30n }));
    state = addSample(state, sampleAt(30, { identity: "2", networkBytes: 31n }));
    expect(reportOf(state).nruBytes).to.equal(131n);
  });

  it("counts nothing twice when a sample misses a container, comes again, or a counter falls", () => {
    let state = addSample(opened, sampleAt(10, { networkBytes: 100n }));
    state = addSample(state, { ...sampleAt(20), containers: [] });
    state = addSample(state, sampleAt(30, { networkBytes: 110n }));
    state = addSample(state, sampleAt(30, { networkBytes: 999n }));
    state = addSample(state, sampleAt(40, { networkBytes: 90n }));
    state = addSample(state, sampleAt(50, { networkBytes: 110n }));
    expect(reportOf(state).nruBytes).to.equal(110n);
  });

  it("bills no memory for a time in which nobody measured", () => {
    let state = addSample(opened, sampleAt(60));
    const day = 86_400;
    state = addSample(state, sampleAt(day, { memoryBytes: 2_000n }));
    expect(state.measuredMs).to.equal(60_000 + 5 * 60_000);
  });

  it("keeps a report as it is until it has landed, and makes no second one meanwhile", () => {
    let state = makeReport(addSample(opened, sampleAt(60, { networkBytes: 10n })));
    const { pending } = state;
    state = makeReport(addSample(state, sampleAt(120, { networkBytes: 15n })));
    expect(state.pending).to.deep.equal(pending);
    expect(confirmReport(state, START_MS / 1_000).pending).to.deep.equal(pending);
    state = makeReport(confirmReport(state, START_MS / 1_000 + 60));
    expect(state.pending?.nruBytes).to.equal(5n);
    expect(skipReport(state, "from-the-future", START_MS + 100_000).pending).to.deep.equal(state.pending);
    expect(skipReport(state, "not-deployed", 0).pending).to.deep.equal(state.pending);
    for (const why of ["over", "foreign", "not-newer", "out-of-funds", "rate-too-high"] as const) {
      expect(skipReport(state, why, 0).pending).to.equal(undefined);
    }
  });

  it("makes no report of nothing, nor two of one second", () => {
    expect(makeReport(opened).pending).to.equal(undefined);
    const early = addSample(opened, { ...sampleAt(0), atMs: START_MS + 900 });
    expect(makeReport(early).pending).to.equal(undefined);
  });

  it("reports each byte once over any samples, restarts, crashes and reports sent again", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("traffic" as const), bytes: fc.nat(1_000) }),
      fc.constantFrom(
        { kind: "sample" as const },
        { kind: "restart" as const },
        { kind: "save" as const },
        { kind: "crash" as const },
        { kind: "send" as const },
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let nowMs = START_MS;
        let [identity, counter, truth] = [1, 0n, 0n];
        let saved = opened;
        let state = opened;
        let [billed, reportedAt] = [0n, 0];
        const sample = (): void => {
          nowMs += 1_500;
          state = addSample(state, { ...sampleAt(0, { identity: `${identity}`, networkBytes: counter }), atMs: nowMs });
        };
        const send = (): void => {
          state = makeReport(state);
          // A report is saved before it is sent.
          saved = state;
          const { pending } = state;
          if (pending === undefined || pending.timestamp <= reportedAt) return;
          reportedAt = pending.timestamp;
          billed += pending.nruBytes;
        };
        for (const { kind, ...more } of steps) {
          if (kind === "traffic" && "bytes" in more) {
            counter += BigInt(more.bytes);
            truth += BigInt(more.bytes);
          } else if (kind === "sample") sample();
          else if (kind === "save") saved = state;
          else if (kind === "crash") state = saved;
          else if (kind === "send") {
            send();
            // Whether the confirmation was seen before a crash is chance: it is not saved here.
            state = confirmReport(state, reportedAt);
          } else if (kind === "restart") {
            // The node takes a last sample of what it stops itself, and saves it.
            sample();
            saved = state;
            [identity, counter] = [identity + 1, 0n];
          }
        }
        for (let round = 0; round < 2; round++) {
          state = confirmReport(state, reportedAt);
          sample();
          send();
        }
        expect(billed).to.equal(truth);
      }),
      { numRuns: 300 },
    );
  });

  it("takes a report back whose time the chain will never take, and has its traffic in the next", () => {
    const made = makeReport(addSample(opened, sampleAt(30, { networkBytes: 100n })));
    const later = addSample(takeBackReport(made), sampleAt(60, { networkBytes: 130n }));
    expect(takeBackReport(made).pending).to.equal(undefined);
    expect(reportOf(later).nruBytes).to.equal(130n);
    expect(takeBackReport(opened)).to.equal(opened);
  });

  it("begins anew when a clock that was hours ahead is set right, and loses no traffic", () => {
    const [hours, rightMs] = [7_200, START_MS + 60_000];
    const ahead = makeReport(addSample(opened, sampleAt(hours, { networkBytes: 100n })));
    // The chain has skipped it as from the future: while the clock stays wrong, it waits.
    expect(skipReport(ahead, "from-the-future", START_MS + hours * 1_000)).to.equal(ahead);
    let state = skipReport(ahead, "from-the-future", rightMs);
    expect(state.pending).to.equal(undefined);
    state = addSample(state, sampleAt(60, { networkBytes: 120n }));
    expect(makeReport(state).pending, "nothing was measured yet").to.equal(undefined);
    state = addSample(state, sampleAt(70, { networkBytes: 125n }));
    expect(reportOf(state)).to.include({ timestamp: START_MS / 1_000 + 70, nruBytes: 125n, mruBytes: 1_000n });
  });

  it("sends what is pending in batches, and nothing else", () => {
    const states = [3n, 1n, 2n, 4n].map((id) => {
      const state = addSample(openConsumption(id, START_MS), sampleAt(60));
      return id === 4n ? state : makeReport(state);
    });
    const ids = batchReports(states, 2).map((batch) => batch.map(({ contractId }) => contractId));
    expect(ids).to.deep.equal([[1n, 2n], [3n]]);
    expect(batchReports([], 2)).to.deep.equal([]);
  });
});
