import { Wallet, hexlify } from "ethers";

import { connectChannelOverWebSocket } from "./adapters/channel-api/ws-client.ts";
import { createEthersChain, type EthersChain, type EthersChainInit } from "./adapters/chain/ethers.ts";
import { systemClock } from "./adapters/clock/system.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { sign } from "./client/channel/channel-signer.ts";
import { createChannelSource } from "./dashboard/channel-source.ts";
import type { ChannelView } from "./dashboard/channel-types.ts";
import { createNodeSources } from "./dashboard/node-source.ts";
import type { NodeView, NodesView } from "./dashboard/node-types.ts";
import { missingSource, type TopicSource } from "./dashboard/topic-source.ts";
import { typedDataOf } from "./wire/channel/typed-data.ts";

const KEY_BYTES = 32;

export interface ChainSourcesInit {
  readonly chain: Omit<EthersChainInit, "privateKey">;
  /** WebSocket addresses of members' nodes. @default none */
  readonly channelNodes?: readonly string[] | undefined;
  /** Of the account as which channels are read. @default one that nobody has */
  readonly privateKey?: Uint8Array | undefined;
}

/** The grid and channels for a dashboard, and the connection that was opened for them. */
export interface OpenChainSources {
  readonly nodes: TopicSource<NodesView>;
  readonly node: TopicSource<NodeView>;
  readonly channel: TopicSource<ChannelView>;
  close(): void;
}

/** Reads the grid and channels off the chain. @throws SprfError `CHAIN_UNREACHABLE`, `CONFIG_INVALID` */
export async function openChainSources(
  { chain: init, channelNodes = [], privateKey = systemRandom.bytes(KEY_BYTES) }: ChainSourcesInit,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenChainSources> {
  const chain = await createEthersChain({ ...init, privateKey }, options);
  const missingGrid = missingSource("the settings name no grid (networks.chain.grid)");
  const grid =
    chain.grid === undefined
      ? { nodes: missingGrid, node: missingGrid }
      : createNodeSources({ chain, ...chain.grid, clock: systemClock });
  return { ...grid, channel: channelSource(chain, privateKey, channelNodes), close: () => chain.close() };
}

function channelSource(
  { channels }: EthersChain,
  privateKey: Uint8Array,
  urls: readonly string[],
): TopicSource<ChannelView> {
  if (channels === undefined) return missingSource("the settings name no channels (networks.chain.channels)");
  const { hub, apps } = channels;
  const wallet = new Wallet(hexlify(privateKey));
  const at = { chainId: hub.chainId, hub: hub.address };
  const names = new Map([
    [apps.chat, "Chat"],
    [apps.editor, "DocumentEditor"],
    [apps.land, "LandCraft"],
  ]);
  return createChannelSource({
    hub,
    nodesOf: async () => await Promise.resolve(urls),
    connect: async (url, channel, { signal }) =>
      await connectChannelOverWebSocket(
        {
          url,
          channel,
          wallet: wallet.address.toLowerCase(),
          signLogin: async (login) => await sign(wallet, typedDataOf(at, "Login", login)),
        },
        { signal },
      ),
    appName: (app) => names.get(app),
    clock: systemClock,
  });
}
