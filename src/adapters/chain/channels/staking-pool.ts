import type { StakingPool } from "../../../ports/staking-pool.ts";
import type { Connection } from "../connection.ts";
import { IStakingPool__factory } from "../factories.ts";
import { requiredEventOf } from "../values.ts";

/** Stake for many channels (contracts/interfaces/IStakingPool.sol). */
export function createStakingPool(connection: Connection, address: string): StakingPool {
  const pool = IStakingPool__factory.connect(address, connection.provider);
  const { read, send, wallet } = connection;
  return {
    address: address.toLowerCase(),
    async stake(account, options) {
      const [freeWei, reservedWei, [unbondingWei, until]] = await Promise.all([
        read(() => pool.freeOf(account), options),
        read(() => pool.reservedOf(account), options),
        read(() => pool.unbondingOf(account), options),
      ]);
      return { freeWei, reservedWei, unbondingWei, unbondsAtSeconds: Number(until) };
    },
    unbondingSeconds: async (options) => Number(await read(() => pool.unbondingSeconds(), options)),
    async depositWei(amountWei, options) {
      await send(() => pool.deposit.populateTransaction(wallet.address, { value: amountWei }), options);
    },
    async unbondWei(amountWei, options) {
      await send(() => pool.unbond.populateTransaction(amountWei), options);
    },
    async withdraw(options) {
      const receipt = await send(() => pool.withdraw.populateTransaction(wallet.address), options);
      return requiredEventOf(receipt, { address, interface: pool.interface }, "Withdrawn")["amount"] as bigint;
    },
  };
}
