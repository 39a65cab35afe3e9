import type { Chain } from "../../ports/chain.ts";
import type { Connection } from "./connection.ts";
import { isRevert } from "./errors.ts";
import { ITesterRegistry__factory } from "./factories.ts";
import { requiredEventOf } from "./values.ts";

type TesterMethods = Pick<
  Chain,
  "registerTester" | "testerOf" | "tester" | "requiredTesterStakeWei" | "missPenaltyWei" | "withdrawFees"
>;

/** Who tests (contracts/interfaces/ITesterRegistry.sol). */
export function createTesters(connection: Connection, address: string): TesterMethods {
  const testers = ITesterRegistry__factory.connect(address, connection.provider);
  const events = { address, interface: testers.interface };
  const { read } = connection;
  return {
    async registerTester({ feePerEpochWei, capacity }, stakeWei, options) {
      const receipt = await connection.send(
        () => testers.registerTester.populateTransaction(feePerEpochWei, capacity, { value: stakeWei }),
        options,
      );
      return Number(requiredEventOf(receipt, events, "TesterRegistered")["testerId"]);
    },
    async testerOf(account, options) {
      const testerId = await read(() => testers.testerOf(account), options);
      if (testerId === 0n) return undefined;
      // The id outlives the registration; one that left is no tester now.
      const view = await read(() => testers.tester(testerId), options);
      return view.active ? Number(testerId) : undefined;
    },
    async tester(testerId, options) {
      try {
        const view = await read(() => testers.tester(testerId), options);
        return {
          testerId: Number(view.testerId),
          account: view.account,
          twinId: Number(view.twinId),
          active: view.active,
          feePerEpochWei: view.feePerEpoch,
          capacity: Number(view.capacity),
          duties: Number(view.duties),
          stakeWei: view.stake,
          setAsideWei: view.setAside,
          unbondingWei: view.unbonding,
          releaseBlock: Number(view.releaseBlock),
          creditWei: view.credit,
          revealed: Number(view.revealed),
          missed: Number(view.missed),
          overturned: Number(view.overturned),
        };
      } catch (error) {
        if (isRevert(error, "TesterRegistry_UnknownTester")) return undefined;
        throw error;
      }
    },
    async requiredTesterStakeWei(capacity, options) {
      const { dutyStake } = await read(() => testers.settings(), options);
      return dutyStake * BigInt(capacity);
    },
    missPenaltyWei: (options) => read(() => testers.missPenalty(), options),
    async withdrawFees(options) {
      const receipt = await connection.send(() => testers.withdrawFees.populateTransaction(), options);
      return requiredEventOf(receipt, events, "FeesWithdrawn")["amount"] as bigint;
    },
  };
}
