import type { Result } from "ethers";

import type { ChannelAsset } from "../../../ports/channel-apps.ts";
import type { HubOptions } from "../../../ports/channel-hub.ts";
import type { Connection } from "../connection.ts";
import {
  IChannelHub__factory,
  LandCraft__factory,
  World__factory,
  WorldItems__factory,
  WorldToken__factory,
} from "../factories.ts";
import { requiredEventOf } from "../values.ts";

const KINDS = [1n, 2n, 3n, 4n, 5n] as const;

/** What a member brings to a land. */
export interface LandBaggage {
  /** 0: none. */
  readonly heroId: bigint;
  /** Of each kind. */
  readonly amounts: readonly bigint[];
}

/** The app `LandCraft` (contracts/apps), as one account uses it. */
export interface LandApp {
  open(land: bigint, options?: HubOptions): Promise<bigint>;
  /** Gets this account its hero, and lets the app take that and all of its things. */
  pack(options?: HubOptions): Promise<LandBaggage>;
  assetsOf(channel: bigint, options?: HubOptions): Promise<readonly ChannelAsset[]>;
  bringBack(channel: bigint, options?: HubOptions): Promise<void>;
}

export function createLandApp({ provider, wallet, read, send }: Connection, address: string): LandApp {
  const app = LandCraft__factory.connect(address, provider);
  const account = wallet.address;

  async function tokens(options?: HubOptions) {
    const [world, heroes, items] = await Promise.all([
      read(() => app.WORLD(), options),
      read(() => app.HEROES(), options),
      read(() => app.ITEMS(), options),
    ]);
    return {
      world: World__factory.connect(world, provider),
      heroes: WorldToken__factory.connect(heroes, provider),
      items: WorldItems__factory.connect(items, provider),
    };
  }

  return {
    async open(land, options) {
      const receipt = await send(() => app.open.populateTransaction(land), options);
      const opened: Result = requiredEventOf(receipt, { address, interface: app.interface }, "LandOpened");
      return opened["channel"] as bigint;
    },
    async pack(options) {
      const { world, heroes, items } = await tokens(options);
      let heroId = await read(() => world.heroOf(account), options);
      if (heroId === 0n) {
        await send(() => world.enlist.populateTransaction(), options);
        heroId = await read(() => world.heroOf(account), options);
      }
      for (const token of [heroes, items]) {
        if (await read(() => token.isApprovedForAll(account, address), options)) continue;
        await send(() => token.setApprovalForAll.populateTransaction(address, true), options);
      }
      const owner = await read(() => heroes.ownerOf(heroId), options);
      const amounts = await read(
        () =>
          items.balanceOfBatch(
            KINDS.map(() => account),
            [...KINDS],
          ),
        options,
      );
      // It may be on another land, or somebody else's.
      return { heroId: owner === account ? heroId : 0n, amounts: [...amounts] };
    },
    async assetsOf(channel, options) {
      const { heroes, items } = await tokens(options);
      const heroId = await read(() => app.heroOf(channel, account), options);
      const [heroToken, itemToken] = [
        (await heroes.getAddress()).toLowerCase(),
        (await items.getAddress()).toLowerCase(),
      ];
      const things = KINDS.map((id) => ({ token: itemToken, id }));
      return [...(heroId === 0n ? [] : [{ token: heroToken, id: heroId }]), ...things];
    },
    async bringBack(channel, options) {
      const { isOver } = await read(() => app.sessionOf(channel), options);
      if (isOver) return;
      const hub = IChannelHub__factory.connect(await read(() => app.HUB(), options), provider);
      // What is the land's has to be claimed by proofs before.
      if ((await read(() => hub.freezeOf(channel), options)).frozen) return;
      await send(() => app.bringBack.populateTransaction(channel), options);
    },
  };
}
