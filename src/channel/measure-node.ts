import type { Metrics } from "../ports/metrics.ts";
import type { ChannelNode } from "./channel-node.ts";

/** Counts what happens in a channel's node; returns what ends that. To be called once the node was started. */
export function measureNode(node: ChannelNode, metrics: Metrics): () => void {
  let { term } = node;
  metrics.gauge("sprf_channel_height_records", () => [
    { labels: { of: "head" }, value: node.head.height },
    { labels: { of: "committed" }, value: node.committedHeight },
    { labels: { of: "final" }, value: node.finalHeight },
  ]);
  metrics.gauge("sprf_channel_term_number", () => node.term);
  metrics.gauge("sprf_channel_leading_nodes", () => (node.leads ? 1 : 0));
  metrics.gauge("sprf_channel_members", () => node.members.length);
  metrics.gauge("sprf_channel_linked_members", () => node.links.roundTrips.length);
  return node.watch((news) => {
    if (node.term > term) metrics.count("sprf_channel_leader_changes_total", {}, node.term - term);
    ({ term } = node);
    if (news.kind === "fault") metrics.count("sprf_channel_faults_total");
    if (news.kind === "rollback") metrics.count("sprf_channel_taken_back_total");
  });
}
