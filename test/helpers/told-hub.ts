import type { ChannelHub, HubNews } from "../../src/ports/channel-hub.ts";

/** A hub whose news come as `tell` has them, as from a node of the chain that stands still or leaves things out. */
export function toldHub(hub: ChannelHub, tell: (news: HubNews) => HubNews): ChannelHub {
  return {
    ...hub,
    async *follow(channel, options) {
      for await (const news of hub.follow(channel, options)) yield tell(news);
    },
  };
}
