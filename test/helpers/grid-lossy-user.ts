import { rm } from "node:fs/promises";

import { createEciesCipher } from "../../src/adapters/cipher/ecies.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { GridUser } from "../../src/client/grid/grid-user.ts";
import { ownContracts } from "../../src/client/grid/own-contracts.ts";
import type { DevnetFile } from "../../src/config/devnet-file.ts";
import { createPeer } from "../../src/create-peer.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { createLossyMessenger, type LossyMessenger } from "./lossy-messenger.ts";

/** A user of the grid on real networks, whose messages get lost in both directions. */
export interface LossyGridUser {
  readonly user: GridUser;
  readonly twinId: number;
  readonly messenger: LossyMessenger;
  /** As `connectGrid` has it; for what changes the chain alone. */
  readonly contracts: GridUser["contracts"];
  ownContracts(): ReturnType<typeof ownContracts>;
  close(): Promise<void>;
  /** Ends it, and removes all that it kept. */
  loseMachine(): Promise<void>;
}

export interface LossyGridUserInit {
  readonly devnet: DevnetFile;
  readonly account: number;
  readonly dataDirectory: string;
  readonly loss: number;
  readonly seed: number;
}

/** What `connectGrid` makes, with messages that get lost. */
export async function connectLossyGridUser(init: LossyGridUserInit): Promise<LossyGridUser> {
  const { devnet, dataDirectory } = init;
  const keys = devnetKeys(init.account);
  const { peers, clusterId, shard } = devnet.networks.waku;
  const networks = { ...devnet.networks, waku: { peers, clusterId, shard } };
  const logger = createMemoryLogger();
  const peer = await createPeer({ networks, keys, logger, dataDirectory });
  try {
    await peer.start();
    const { grid } = peer.chain;
    if (grid === undefined) throw new Error("devnet has no grid");
    const { id: twinId } = await peer.ensureTwin();
    const messenger = createLossyMessenger(peer.messenger, init);
    const { registry, contracts, quotes, addresses } = grid;
    const { chain, clock, random, store, content } = peer;
    const user: GridUser = {
      chain,
      registry,
      contracts,
      quotes,
      messenger,
      clock,
      random,
      logger,
      store,
      content,
      dialer: peer.node,
      cipher: createEciesCipher({ messageKey: keys.messagePrivateKey }),
      identity: { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey },
      chainId: chain.chainId,
      grid: fromHex(addresses.contracts.toLowerCase()),
    };
    return {
      user,
      twinId,
      messenger,
      contracts,
      ownContracts: async () => await ownContracts(user),
      close: async () => await peer.stop(),
      async loseMachine() {
        await peer.stop();
        await rm(dataDirectory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await peer.stop();
    throw error;
  }
}
