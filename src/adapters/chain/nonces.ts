import { Contract } from "ethers";

import type { ChainOptions } from "../../ports/chain.ts";
import type { ReadConnection } from "./connection.ts";

/** The next number of an account's signatures for a contract: OpenZeppelin's Nonces, which interfaces leave to what implements them. */
export async function nonceOf(
  { provider, read }: ReadConnection,
  address: string,
  account: string,
  options?: ChainOptions,
): Promise<bigint> {
  const contract = new Contract(address, ["function nonces(address owner) view returns (uint256)"], provider);
  return await read(async () => (await contract.getFunction("nonces")(account)) as bigint, options);
}
