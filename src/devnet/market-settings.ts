const GWEI = 10n ** 9n;
const ETHER = 10n ** 18n;

/** The market's numbers on devnet, where epochs should pass quickly; lengths in blocks, amounts in wei. */
export const DEVNET_MARKET_SETTINGS = {
  epochLength: 60n,
  revealLength: 20n,
  appealLength: 10n,
  unbondingLength: 8n,
  maxLength: 30_720n,
  stakeFactor: 2n,
  minSlotStake: ETHER / 100n,
  slashShare: 5_000n,
  testerFeePerEpoch: 100_000n * GWEI,
} as const;

/** How much tester fees weigh in reputation on devnet, in wei. */
export const DEVNET_REPUTATION_SETTINGS = {
  clientWeightCap: 30_000_000n * GWEI,
  priorWeight: 1_000_000n * GWEI,
} as const;

/**
 * Wei that a tester sets aside for each duty on devnet: 400 of the market's fees, so that this fee is the end of a class, and
 * testers who ask for exactly as much are counted when somebody buys (`TesterRegistry.availableFor`).
 */
export const DEVNET_DUTY_STAKE = 400n * DEVNET_MARKET_SETTINGS.testerFeePerEpoch;
