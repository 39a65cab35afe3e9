import { JsonRpcProvider, toBeHex } from "ethers";

/** Where every wei of a chain is. */
export interface MoneyAudit {
  /** Of all accounts and contracts that any transaction touched, the receiver of tips among them. */
  readonly balancesWei: bigint;
  /** Base fees, which EIP-1559 destroys. */
  readonly baseFeesWei: bigint;
  readonly balanceOf: ReadonlyMap<string, bigint>;
  readonly transactions: number;
}

const READS_AT_ONCE = 16;

/** Reads all blocks and receipts of a chain, and the balance of every address in them. */
export async function auditMoney(rpcUrl: string, moreAccounts: readonly string[]): Promise<MoneyAudit> {
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true, batchMaxCount: 1, cacheTimeout: -1 });
  try {
    const latest = await provider.getBlockNumber();
    const accounts = new Set(moreAccounts.map((account) => account.toLowerCase()));
    let baseFeesWei = 0n;
    let transactions = 0;
    await eachOf(latest + 1, async (number) => {
      const block = (await provider.send("eth_getBlockByNumber", [
        toBeHex(number).replace(/^0x0(?=.)/, "0x"),
        false,
      ])) as {
        readonly miner: string;
        readonly baseFeePerGas?: string;
        readonly transactions: readonly string[];
      };
      accounts.add(block.miner.toLowerCase());
      for (const hash of block.transactions) {
        const receipt = await provider.getTransactionReceipt(hash);
        if (receipt === null) throw new Error(`no receipt of ${hash}`);
        transactions++;
        baseFeesWei += receipt.gasUsed * BigInt(block.baseFeePerGas ?? "0x0");
        const { from, to, contractAddress, logs } = receipt;
        for (const each of [from, to, contractAddress, ...logs.map(({ address }) => address)]) {
          if (each !== null) accounts.add(each.toLowerCase());
        }
      }
    });
    const balanceOf = new Map<string, bigint>();
    const all = [...accounts];
    await eachOf(all.length, async (index) => {
      const account = all[index]!;
      balanceOf.set(account, await provider.getBalance(account, latest));
    });
    const balancesWei = [...balanceOf.values()].reduce((sum, balance) => sum + balance, 0n);
    return { balancesWei, baseFeesWei, balanceOf, transactions };
  } finally {
    provider.destroy();
  }
}

async function eachOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const workers = Array.from({ length: Math.min(READS_AT_ONCE, count) }, async () => {
    while (next < count) await work(next++);
  });
  await Promise.all(workers);
}
