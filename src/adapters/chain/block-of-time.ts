import type { ChainOptions } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";

/**
 * The first block that is not older than a time, by halving: some 25 headers of a chain of millions, which is less than a look for
 * events from its beginning would cost.
 *
 * @param seconds - since 1970
 * @returns the block after the newest when all are older
 * @throws SprfError `CHAIN_UNREACHABLE`
 */
export async function firstBlockOf(
  { provider, read }: Pick<Connection, "provider" | "read">,
  seconds: number,
  options?: ChainOptions,
): Promise<number> {
  let [least, most] = [0, (await read(() => provider.getBlockNumber(), options)) + 1];
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    const block = await read(() => provider.getBlock(middle), options);
    // One that its node does not keep any more is old.
    if (block === null || block.timestamp < seconds) least = middle + 1;
    else most = middle;
  }
  return least;
}
