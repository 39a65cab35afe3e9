import type { Chain } from "../../ports/chain.ts";
import { fromHex } from "../../utils/bytes.ts";
import { agreementContract } from "./agreement-contract.ts";
import type { Connection } from "./connection.ts";

/** What an epoch's commitments and draw were, which the contract tells in events alone. */
export function createEpochLogs({ read, provider }: Connection): Pick<Chain, "commitmentsOf" | "epochSeed"> {
  return {
    async commitmentsOf(address, epoch, options) {
      const contract = agreementContract(address, provider);
      const { commitFrom, commitTo } = await read(() => contract.windowsOf(epoch), options);
      const logs = await read(
        () => contract.queryFilter(contract.filters.VerdictCommitted(epoch), Number(commitFrom), Number(commitTo)),
        options,
      );
      return logs.map(({ args }) => ({ tester: args.tester, commitment: fromHex(args.commitment) }));
    },
    async epochSeed(address, epoch, options) {
      const contract = agreementContract(address, provider);
      const { commitFrom, commitTo } = await read(() => contract.windowsOf(epoch), options);
      const [opened] = await read(
        () => contract.queryFilter(contract.filters.EpochOpened(epoch), Number(commitFrom), Number(commitTo)),
        options,
      );
      if (opened === undefined) return undefined;
      const block = await read(() => provider.getBlock(Number(opened.args.seedBlock)), options);
      return block?.hash === undefined || block.hash === null ? undefined : fromHex(block.hash);
    },
  };
}
