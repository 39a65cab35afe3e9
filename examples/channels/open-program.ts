import { readFile } from "node:fs/promises";
import { parseArgs, type ParseArgsConfig } from "node:util";

import type { Abi } from "abitype";

import { connectChannels, deriveTwinKeys, type ChannelClient, type NetworkSettings } from "../../src/index.ts";

/** What `npx sprf devnet` has written. */
interface Devnet {
  readonly networks: NetworkSettings;
  readonly mnemonic: string;
}

/** A program in a channel, as the command line names it: `<channel> <url of a member's node> [--account <index>]`, and more `options`. */
export async function openProgram<const ProgramAbi extends Abi>(
  abi: ProgramAbi,
  options: NonNullable<ParseArgsConfig["options"]> = {},
): Promise<{
  readonly client: ChannelClient<ProgramAbi>;
  readonly account: string;
  readonly values: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}> {
  const { values, positionals } = parseArgs({
    options: { account: { type: "string" }, ...options },
    allowPositionals: true,
  });
  const [channel = "1", url = ""] = positionals;
  const file = process.env["SPRF_DEVNET_FILE"] ?? ".sprf/devnet.json";
  const { networks, mnemonic } = JSON.parse(await readFile(file, "utf8")) as Devnet;
  const keys = deriveTwinKeys(mnemonic, { accountIndex: Number(values["account"] ?? 0) });
  const channels = await connectChannels({ networks, keys });
  const client = await channels.connect({ url, channel: BigInt(channel), abi });
  return {
    client,
    account: channels.account,
    values,
    async close() {
      await client.disconnect();
      await channels.close();
    },
  };
}
