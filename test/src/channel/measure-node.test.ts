import { expect } from "chai";

import { createPrometheusMetrics } from "../../../src/adapters/metrics/prometheus.ts";
import type { ChannelNode } from "../../../src/channel/channel-node.ts";
import { measureNode } from "../../../src/channel/measure-node.ts";

describe("measureNode", () => {
  it("should show a node as it is when it is asked, and count what happened", async () => {
    const metrics = createPrometheusMetrics({ part: "channel" });
    let listener: Parameters<ChannelNode["watch"]>[0] | undefined;
    const node = {
      term: 1,
      head: { height: 7 },
      committedHeight: 6,
      finalHeight: 4,
      leads: true,
      members: [{}, {}, {}],
      links: { roundTrips: [{}, {}] },
      watch: (told: typeof listener) => {
        listener = told;
        return () => (listener = undefined);
      },
    };
    const end = measureNode(node as unknown as ChannelNode, metrics);
    node.term = 3;
    listener?.({ kind: "committed", height: 7 });
    listener?.({ kind: "rollback", toHeight: 6 });
    listener?.({ kind: "fault", height: 6, reason: 1, message: "" });
    node.head.height = 8;
    const text = await metrics.exposition();
    const value = (series: string): string | undefined =>
      new RegExp(`^${series.replaceAll(/[{}]/g, "\\$&")} (\\S+)$`, "m").exec(text)?.[1];
    expect({
      head: value('sprf_channel_height_records{of="head",part="channel"}'),
      committed: value('sprf_channel_height_records{of="committed",part="channel"}'),
      final: value('sprf_channel_height_records{of="final",part="channel"}'),
      term: value('sprf_channel_term_number{part="channel"}'),
      changes: value('sprf_channel_leader_changes_total{part="channel"}'),
      leads: value('sprf_channel_leading_nodes{part="channel"}'),
      members: value('sprf_channel_members{part="channel"}'),
      linked: value('sprf_channel_linked_members{part="channel"}'),
      faults: value('sprf_channel_faults_total{part="channel"}'),
      takenBack: value('sprf_channel_taken_back_total{part="channel"}'),
    }).to.deep.equal({
      head: "8",
      committed: "6",
      final: "4",
      term: "3",
      changes: "2",
      leads: "1",
      members: "3",
      linked: "2",
      faults: "1",
      takenBack: "1",
    });
    // A gauge of another daemon is not there.
    expect(text).to.not.match(/^sprf_worker_open_agreements/m);
    end();
    expect(listener).to.equal(undefined);
    metrics.close();
  });
});
