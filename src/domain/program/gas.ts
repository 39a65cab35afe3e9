import { SprfError } from "../../errors.ts";
import type { GasTable } from "../../ports/runs.ts";

/** What a run is charged by; all of it is counted, nothing timed, so every worker comes to the same sum. */
export interface GasInputs {
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly stateBytesBefore: number;
  readonly stateBytesAfter: number;
  /** CPU seconds that the program declares. */
  readonly seconds: number;
}

/** Version of the table that new runs are charged by; records name it, so that old runs can be charged again as they were. */
export const GAS_TABLE = 1;

/** By version. None ever goes: there are records that name it. */
export const GAS_TABLES: ReadonlyMap<number, GasTable> = new Map([
  [GAS_TABLE, { fixed: 1_000n, perInputByte: 1n, perOutputByte: 1n, perStateKib: 10n, perSecond: 1_000n }],
]);

const KIB = 1_024n;
const GAS_PRICE_UNIT = 1_000n;

/**
 * Gas of one run.
 *
 * @param table @default the newest one
 * @throws SprfError `INTERNAL` for a newest table that there is none of
 */
export function gasOf(run: GasInputs, table: GasTable | undefined = GAS_TABLES.get(GAS_TABLE)): bigint {
  if (table === undefined) throw new SprfError("INTERNAL", `there is no gas table ${GAS_TABLE}`);
  const stateKib = ceilDivide(BigInt(run.stateBytesBefore) + BigInt(run.stateBytesAfter), KIB);
  return (
    table.fixed +
    BigInt(run.inputBytes) * table.perInputByte +
    BigInt(run.outputBytes) * table.perOutputByte +
    stateKib * table.perStateKib +
    BigInt(run.seconds) * table.perSecond
  );
}

/** Stroops for `gas` at `gasPriceStroops` per 1,000 gas, rounded up. */
export function gasFeeStroops(gas: bigint, gasPriceStroops: bigint): bigint {
  return ceilDivide(gas * gasPriceStroops, GAS_PRICE_UNIT);
}

function ceilDivide(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}
