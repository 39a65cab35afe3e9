import type { Chain } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";
import { ITesterRegistry__factory } from "./factories.ts";
import { requiredEventOf } from "./values.ts";

type TesterMethods = Pick<Chain, "registerTester" | "testerOf" | "requiredTesterStakeWei">;

/** Who tests (contracts/interfaces/ITesterRegistry.sol). */
export function createTesters(connection: Connection, address: string): TesterMethods {
  const testers = ITesterRegistry__factory.connect(address, connection.provider);
  const { read } = connection;
  return {
    async registerTester({ feePerEpochWei, capacity }, stakeWei, options) {
      const receipt = await connection.send(
        () => testers.registerTester.populateTransaction(feePerEpochWei, capacity, { value: stakeWei }),
        options,
      );
      return Number(
        requiredEventOf(receipt, { address, interface: testers.interface }, "TesterRegistered")["testerId"],
      );
    },
    async testerOf(account, options) {
      const testerId = await read(() => testers.testerOf(account), options);
      if (testerId === 0n) return undefined;
      // The id outlives the registration; one that left is no tester now.
      const view = await read(() => testers.tester(testerId), options);
      return view.active ? Number(testerId) : undefined;
    },
    async requiredTesterStakeWei(capacity, options) {
      const { dutyStake } = await read(() => testers.settings(), options);
      return dutyStake * BigInt(capacity);
    },
  };
}
