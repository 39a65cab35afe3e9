/** What a run is charged by; all of it is counted, nothing timed, so every worker comes to the same sum. */
export interface GasInputs {
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly stateBytesBefore: number;
  readonly stateBytesAfter: number;
  /** CPU seconds that the program declares. */
  readonly seconds: number;
}

/** Version of the table below; records name it, so that old runs can be charged again as they were. */
export const GAS_TABLE = 1;

const FIXED = 1_000n;
const PER_INPUT_BYTE = 1n;
const PER_OUTPUT_BYTE = 1n;
const PER_STATE_KIB = 10n;
const PER_SECOND = 1_000n;
const KIB = 1_024n;
const GAS_PRICE_UNIT = 1_000n;

/** Gas of one run. */
export function gasOf(run: GasInputs): bigint {
  const stateKib = ceilDivide(BigInt(run.stateBytesBefore) + BigInt(run.stateBytesAfter), KIB);
  return (
    FIXED +
    BigInt(run.inputBytes) * PER_INPUT_BYTE +
    BigInt(run.outputBytes) * PER_OUTPUT_BYTE +
    stateKib * PER_STATE_KIB +
    BigInt(run.seconds) * PER_SECOND
  );
}

/** Stroops for `gas` at `gasPriceStroops` per 1,000 gas, rounded up. */
export function gasFeeStroops(gas: bigint, gasPriceStroops: bigint): bigint {
  return ceilDivide(gas * gasPriceStroops, GAS_PRICE_UNIT);
}

function ceilDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}
