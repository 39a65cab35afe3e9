import { hexlify, Interface, ZeroAddress } from "ethers";

import { SprfError } from "../../../errors.ts";
import type { ChannelApps } from "../../../ports/channel-apps.ts";
import type { ChannelHub, HubOptions } from "../../../ports/channel-hub.ts";
import type { Connection } from "../connection.ts";
import type { ChannelAddresses } from "../ethers.ts";
import { Chat__factory, DocumentEditor__factory } from "../factories.ts";
import { requiredEventOf } from "../values.ts";
import { createLandApp } from "./land-app.ts";

/** A consent is for the transaction that follows it. */
const CONSENT_SECONDS = 3_600;
const MS = 1_000;

/** What members call of any app of SPRF. */
const APP = new Interface([
  "function join(uint256 channel, tuple(uint256 channel, address app, address program, address member, address signer, address stakeSource, uint256 maxStake, uint64 deadline) consent, bytes signature) payable",
  "function close(uint256 channel)",
]);
/** What members call of the app LandCraft in the place of that. */
const LAND = new Interface([
  "function join(uint256 channel, tuple(uint256 channel, address app, address program, address member, address signer, address stakeSource, uint256 maxStake, uint64 deadline) consent, bytes signature, uint256 heroId, uint256[5] amounts) payable",
]);

/** The apps of SPRF (contracts/apps). */
export function createChannelApps(
  connection: Connection,
  hub: ChannelHub,
  { pool, chat, editor, land }: ChannelAddresses,
): ChannelApps {
  const { provider, send, clock } = connection;
  const lands = land === undefined ? undefined : createLandApp(connection, land);
  const landsOf = (app: string): typeof lands => (app === land?.toLowerCase() ? lands : undefined);
  return {
    ...(chat === undefined ? {} : { chat: chat.toLowerCase() }),
    ...(editor === undefined ? {} : { editor: editor.toLowerCase() }),
    ...(land === undefined ? {} : { land: land.toLowerCase() }),
    async openChat({ group, title }, options) {
      const app = Chat__factory.connect(needed(chat, "chat"), provider);
      const receipt = await send(() => app.open.populateTransaction(group, title), options);
      const source = { address: await app.getAddress(), interface: app.interface };
      return requiredEventOf(receipt, source, "SessionOpened")["channel"] as bigint;
    },
    async openDocument({ file, title, text }, options) {
      const app = DocumentEditor__factory.connect(needed(editor, "editor"), provider);
      const receipt = await send(() => app.open.populateTransaction(file, title, text), options);
      const source = { address: await app.getAddress(), interface: app.interface };
      return requiredEventOf(receipt, source, "DocumentOpened")["channel"] as bigint;
    },
    async openLand(number, options) {
      if (lands === undefined) throw missing("land");
      return await lands.open(number, options);
    },
    async join({ channel, app, program, config }, { signer, fromPool = false }, options) {
      const baggage = await landsOf(app)?.pack(options);
      const consent = {
        channel,
        app,
        program,
        member: hub.account,
        signer,
        stakeSource: fromPool ? pool.toLowerCase() : ZeroAddress,
        maxStake: config.stakeWei,
        deadline: Math.floor(clock.now() / MS) + CONSENT_SECONDS,
      };
      const signature = hexlify(await hub.signConsent(consent));
      const value = fromPool ? 0n : config.stakeWei;
      const terms = [channel, consent, signature];
      const data =
        baggage === undefined
          ? APP.encodeFunctionData("join", terms)
          : LAND.encodeFunctionData("join", [...terms, baggage.heroId, baggage.amounts]);
      await sendTo(app, data, value, options);
    },
    async close({ channel, app }, options) {
      await sendTo(app, APP.encodeFunctionData("close", [channel]), 0n, options);
    },
    assetsOf: async ({ channel, app }, options) => (await landsOf(app)?.assetsOf(channel, options)) ?? [],
    bringBack: async ({ channel, app }, options) => await landsOf(app)?.bringBack(channel, options),
  };

  async function sendTo(to: string, data: string, value: bigint, options?: HubOptions): Promise<void> {
    await send(async () => await Promise.resolve({ to, data, value }), options);
  }
}

function needed(address: string | undefined, name: string): string {
  if (address === undefined) throw missing(name);
  return address;
}

function missing(name: string): SprfError {
  return new SprfError("CONFIG_INVALID", `networks.chain.channels.${name}: the settings name no such app`);
}
