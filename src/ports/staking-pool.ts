/** Options of every call. */
export interface StakingPoolOptions {
  readonly signal?: AbortSignal | undefined;
}

/** An account's stake for many channels. */
export interface PooledStake {
  readonly freeWei: bigint;
  /** Over all channels. */
  readonly reservedWei: bigint;
  /** On its way out. */
  readonly unbondingWei: bigint;
  /** From when on that can be withdrawn, in seconds since 1970; 0 when nothing ever was on its way. */
  readonly unbondsAtSeconds: number;
}

/** Stake that one account puts down once and uses in many channels (contracts/interfaces/IStakingPool.sol). */
export interface StakingPool {
  /** Lower-case hex with 0x; what a consent to join names as the stake's source. */
  readonly address: string;
  stake(account: string, options?: StakingPoolOptions): Promise<PooledStake>;
  /** How long taking out takes. */
  unbondingSeconds(options?: StakingPoolOptions): Promise<number>;
  depositWei(amountWei: bigint, options?: StakingPoolOptions): Promise<void>;
  /** Starts taking what is free out. */
  unbondWei(amountWei: bigint, options?: StakingPoolOptions): Promise<void>;
  /** Pays the account what it took out; resolves with the wei. */
  withdraw(options?: StakingPoolOptions): Promise<bigint>;
}
