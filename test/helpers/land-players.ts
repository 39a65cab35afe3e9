import { JsonRpcProvider } from "ethers";

import type { LandOrder } from "../../src/client/landcraft/land-orders.ts";
import { LAND_DIRECTIONS, type LandItems } from "../../src/client/landcraft/land-sight.ts";
import { LAND_KINDS } from "../../src/domain/landcraft/land-map.ts";
import { LandCraft__factory } from "../../typechain-types/factories/apps/LandCraft__factory.ts";
import { World__factory } from "../../typechain-types/factories/apps/World__factory.ts";
import { WorldItems__factory } from "../../typechain-types/factories/apps/WorldItems__factory.ts";
import { WorldToken__factory } from "../../typechain-types/factories/apps/WorldToken__factory.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What a hero gets with it. */
export const KIT: LandItems = { wood: 4, stone: 4, iron: 0, gold: 0, crystal: 0 };

/** A world on a chain, as anybody sees it. */
export interface SeenWorld {
  readonly address: string;
  readonly provider: JsonRpcProvider;
  readonly game: ReturnType<typeof LandCraft__factory.connect>;
  readonly world: ReturnType<typeof World__factory.connect>;
  readonly lands: ReturnType<typeof WorldToken__factory.connect>;
  readonly heroes: ReturnType<typeof WorldToken__factory.connect>;
  itemsOf(account: string): Promise<LandItems>;
  close(): void;
}

/** The world of a deployed LandCraft. */
export async function seeWorld(rpcUrl: string, land: string): Promise<SeenWorld> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, cacheTimeout: -1 });
  const game = LandCraft__factory.connect(land, provider);
  const world = World__factory.connect(await game.WORLD(), provider);
  const items = WorldItems__factory.connect(await world.ITEMS(), provider);
  const ids = LAND_KINDS.map((_, index) => BigInt(index + 1));
  return {
    address: await world.getAddress(),
    provider,
    game,
    world,
    lands: WorldToken__factory.connect(await world.LANDS(), provider),
    heroes: WorldToken__factory.connect(await world.HEROES(), provider),
    async itemsOf(account) {
      const amounts = await items.balanceOfBatch(
        ids.map(() => account),
        ids,
      );
      return Object.fromEntries(LAND_KINDS.map((kind, index) => [kind, Number(amounts[index])])) as LandItems;
    },
    close: () => provider.destroy(),
  };
}

/** What a player does who thinks of nothing: walks about, digs where it comes to, and puts something down now and then. */
export function randomOrder(random: SeededRandom): LandOrder {
  const dice = random.below(10);
  if (dice < 5) return { deed: "walk", direction: random.pick(LAND_DIRECTIONS), steps: 1 + random.below(6) };
  if (dice < 9) return { deed: "dig" };
  return { deed: "put", kind: random.pick(LAND_KINDS) };
}

/** Of each kind, over all. */
export function sumItems(all: readonly LandItems[]): LandItems {
  const sumOf = (kind: (typeof LAND_KINDS)[number]): number => all.reduce((sum, items) => sum + items[kind], 0);
  return Object.fromEntries(LAND_KINDS.map((kind) => [kind, sumOf(kind)])) as LandItems;
}
