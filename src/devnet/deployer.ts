import { JsonRpcProvider, NonceManager, Wallet, type ContractDeployTransaction } from "ethers";

import { SprfError } from "../errors.ts";
import { toHex } from "../utils/bytes.ts";
import { devnetKeys } from "./accounts.ts";

const POLLING_MS = 50;

/** Sends a contract's creation and gives its address once it is mined. */
export type Deploy = (transaction: ContractDeployTransaction) => Promise<string>;

/** Sends a transaction and waits until it is mined. */
export type Call = (transaction: { readonly to: string; readonly data: string }) => Promise<void>;

/** Deploys contracts from the first devnet account. `account` is that account's address. */
export async function asDevnetDeployer<T>(
  rpcUrl: string,
  work: (deploy: Deploy, account: string, call: Call) => Promise<T>,
): Promise<T> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  provider.pollingInterval = POLLING_MS;
  const { account, accountPrivateKey } = devnetKeys(0);
  const signer = new NonceManager(new Wallet(`0x${toHex(accountPrivateKey)}`, provider));
  const deploy: Deploy = async (transaction) => {
    const receipt = await (await signer.sendTransaction(transaction)).wait();
    const address = receipt?.contractAddress ?? undefined;
    if (address === undefined) throw new SprfError("CHAIN_REVERTED", "a contract could not be deployed");
    return address;
  };
  const call: Call = async (transaction) => {
    await (await signer.sendTransaction(transaction)).wait();
  };
  try {
    return await work(deploy, account, call);
  } finally {
    provider.destroy();
  }
}
