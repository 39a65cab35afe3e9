import { messageOf } from "../../../src/errors.ts";
import type { GridQuotes } from "../../../typechain-types/index.ts";
import type { GridVectors } from "./grid-vector-form.ts";

const GIB = 1n << 30n;
/** In the order of `DiscountLevel`. */
const LEVELS = ["none", "default", "bronze", "silver", "gold"] as const;

/** How one section of a file went. */
export interface SectionOutcome {
  readonly section: string;
  readonly cases: number;
  /** One line for each case that gave something else than the file says. */
  readonly differences: readonly string[];
}

/** Asks deployed contracts for every figure of a file. `pricingPolicyId` is the file's policy. */
export async function replayGridVectors(
  quotes: GridQuotes,
  pricingPolicyId: bigint,
  vectors: GridVectors,
): Promise<SectionOutcome[]> {
  return [
    await section("computeUnits", vectors.computeUnits, async ({ cru, mruGiB, cu }) => {
      const [numerator, denominator] = await quotes.computeUnits(cru, mruGiB * GIB);
      const [wantedNumerator = 0n, wantedDenominator = 1n] = cu.split("/").map(BigInt);
      const isEqual = numerator * wantedDenominator === wantedNumerator * denominator;
      return [cu, isEqual ? cu : `${numerator}/${denominator}`];
    }),
    await section("nodeContractCost", vectors.nodeContractCost, async (one) => [
      one.cost,
      await quotes.node(pricingPolicyId, one.resources, one.publicIps, one.seconds, one.rentedNode),
    ]),
    await section("rentContractCost", vectors.rentContractCost, async ({ nodeResources, seconds, cost }) => [
      cost,
      await quotes.rent(pricingPolicyId, nodeResources, seconds),
    ]),
    await section("networkCost", vectors.networkCost, async ({ nru, windowSeconds, cost }) => [
      cost,
      await quotes.network(pricingPolicyId, nru, windowSeconds),
    ]),
    await section("nameCost", vectors.nameCost, async ({ seconds, cost }) => [
      cost,
      await quotes.name(pricingPolicyId, seconds),
    ]),
    await section("discount", vectors.discount, async ({ amountDue, seconds, balance, level, due }) => {
      const actual = await quotes.discount(amountDue, seconds, balance);
      return [`${level} ${due}`, `${LEVELS[Number(actual.level)]} ${actual.due}`];
    }),
  ];
}

async function section<T extends object>(
  name: string,
  cases: readonly T[],
  figuresOf: (one: T) => Promise<readonly [expected: bigint | string, actual: bigint | string]>,
): Promise<SectionOutcome> {
  const differences: string[] = [];
  for (const [index, one] of cases.entries()) {
    // What a contract refuses, or cannot be asked, is a difference as well.
    const line = await figuresOf(one).then(
      ([expected, actual]) => (expected === actual ? undefined : `expected ${expected}, got ${actual}`),
      (error: unknown) => `expected a figure, got ${firstLine(messageOf(error))}`,
    );
    if (line !== undefined) differences.push(`${name}[${index}]: ${line}`);
  }
  return { section: name, cases: cases.length, differences };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
