import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createChannelDaemon, type ChannelDaemon } from "../../src/create-channel-daemon.ts";
import { connectChannels, type SprfChannels } from "../../src/create-channels.ts";
import { devnetKeys } from "../../src/devnet/accounts.ts";
import { startDevnet, type Devnet } from "../../src/devnet/create-devnet.ts";

/** An account of devnet that takes part in channels, with a folder of its own. */
export interface ChannelPerson {
  readonly account: string;
  readonly channels: SprfChannels;
  readonly dataDirectory: string;
  /** Of its node. */
  readonly lines: LogLine[];
  /** Runs its node of a channel that it joined. */
  serve(channel: bigint): Promise<ChannelDaemon>;
}

/** Devnet with people on it, whose nodes are found and linked as those of strangers are. */
export interface ChannelTown {
  readonly devnet: Devnet;
  person(index: number): Promise<ChannelPerson>;
  close(): Promise<void>;
}

export async function createChannelTown(): Promise<ChannelTown> {
  const folder = await mkdtemp(join(tmpdir(), "sprf-channels-"));
  const devnet = await startDevnet({ ledger: { closeEveryMs: 0 }, logger: createMemoryLogger() });
  const { networks } = devnet;
  const closers: (() => Promise<void>)[] = [];
  return {
    devnet,
    async person(index) {
      const keys = devnetKeys(index);
      const channels = await connectChannels({ networks, keys, logger: createMemoryLogger() });
      closers.push(async () => await channels.close());
      const dataDirectory = join(folder, String(index));
      const lines: LogLine[] = [];
      return {
        account: channels.account,
        channels,
        dataDirectory,
        lines,
        async serve(channel) {
          const logger = createMemoryLogger(lines);
          const daemon = await createChannelDaemon({
            networks,
            keys,
            dataDirectory,
            channel,
            api: {},
            archive: true,
            logger,
          });
          closers.push(async () => await daemon.stop());
          await daemon.start();
          return daemon;
        },
      };
    },
    async close() {
      for (const close of closers.reverse()) await close();
      await devnet.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
