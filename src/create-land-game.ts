import type { landCraftProgramAbi } from "./client/channel/program-abis.ts";
import type { LandOrder } from "./client/landcraft/land-orders.ts";
import { LAND_DIRECTIONS, sightOf, type LandDirection, type LandSight } from "./client/landcraft/land-sight.ts";
import type { ChannelCallOptions, ChannelClient } from "./create-channel-client.ts";
import { LAND_KINDS } from "./domain/landcraft/land-map.ts";

/** A land as one of its players sees it, and has its hero do. */
export interface LandGame {
  /** The land as the node has it. */
  look(options?: ChannelCallOptions): Promise<LandSight>;
  /**
   * Has this account's hero do something from the next tick on; resolves when the leader has signed it.
   *
   * @throws SprfError `CHANNEL_CALL_FAILED` for who has no hero on the land
   */
  order(order: LandOrder, options?: ChannelCallOptions): Promise<void>;
  /** The land after each tick, and after whatever else happens, as its leader has signed it; leaves out what it is too late for. */
  sights(options: { readonly signal: AbortSignal }): AsyncIterable<LandSight>;
}

/**
 * Plays a land of LandCraft.
 *
 * @example
 * const client = await channels.connect({ url, channel, abi: landCraftProgramAbi });
 * const game = createLandGame(client, channels.account);
 * await game.order({ deed: "walk", direction: "east", steps: 3 });
 */
export function createLandGame(client: ChannelClient<typeof landCraftProgramAbi>, account: string): LandGame {
  const owner = account.toLowerCase();
  /** Where this account's hero looked when it was last seen or sent. */
  let facing: LandDirection = "south";

  async function look({ signal }: ChannelCallOptions = {}): Promise<LandSight> {
    const { value, height } = await client.read("look", [], { signal });
    const sight = sightOf(value, height);
    facing = sight.heroes.find((hero) => hero.owner === owner)?.facing ?? facing;
    return sight;
  }

  return {
    look,
    async order(order, options) {
      switch (order.deed) {
        case "walk":
          await client.call("walk", [numberOf(order.direction), order.steps], options);
          facing = order.direction;
          return;
        case "dig":
          await client.call("dig", [numberOf(facing)], options);
          return;
        case "put":
          await client.call("put", [numberOf(facing), LAND_KINDS.indexOf(order.kind) + 1], options);
          return;
        case "rest":
          await client.call("rest", [], options);
          return;
        case "goHome":
          await client.call("goHome", [], options);
      }
    },
    async *sights({ signal }) {
      let seen = -1;
      for await (const update of client.subscribe({ commitment: "leader-signed", signal })) {
        if (update.type === "final") continue;
        // Has been looked at already, with what came after it.
        if (update.type === "record" && update.record.height <= seen) continue;
        const sight = await look({ signal });
        seen = sight.height;
        yield sight;
      }
    },
  };
}

function numberOf(direction: LandDirection): number {
  return LAND_DIRECTIONS.indexOf(direction);
}
