import { z } from "zod";

import { SprfError } from "../../errors.ts";

/** A Stellar account has at most 20 signers, so an agreement has at most 20 workers. */
const MAX_REDUNDANCY = 20;
const MAX_LENGTH_BLOCKS = 2 ** 32 - 1;
/** The most that a rate in basis points can be. */
export const BASIS_POINTS = 10_000;
/** Longer lists are a mistake, and would be walked for each worker. */
const MAX_LISTED = 10_000;
const GENERAL_MARKET = `0x${"00".repeat(32)}`;

const workerId = z.number().int().positive();
const basisPoints = z.number().int().min(0).max(BASIS_POINTS);
const wei = z.bigint().min(0n);

const policySchema = z.strictObject({
  redundancy: z.number().int().positive().max(MAX_REDUNDANCY),
  lengthBlocks: z.number().int().positive().max(MAX_LENGTH_BLOCKS),
  applicationType: z
    .string()
    .regex(/^0x[0-9a-fA-F]{64}$/, "expected 32 bytes, 0x and 64 hex digits")
    .default(GENERAL_MARKET),
  maxPricePerBlockWei: wei.optional(),
  minReputationBps: basisPoints.default(0),
  minUptimeBps: basisPoints.default(0),
  minStakeWei: wei.default(0n),
  excludeWorkers: z.array(workerId).max(MAX_LISTED).default([]),
  excludeOperators: z.array(z.string()).max(MAX_LISTED).default([]),
  keepWorkers: z.array(workerId).max(MAX_REDUNDANCY).default([]),
  prefer: z.enum(["price", "reputation", "balanced"]).default("balanced"),
});

/**
 * What decides between workers that meet every condition.
 *
 * - `price`: the lowest price per block. On its own, it gives every seat to whoever registers enough cheap workers; ask for
 *   reputation or stake with it.
 * - `reputation`: the highest reputation; among equals, the lowest price.
 * - `balanced`: the lowest price of a good block, price x 10,000 / reputation in basis points; among equals, the highest
 *   reputation. A worker of twice the price has to be twice as reliable.
 *
 * What is equal after that is drawn by lot.
 */
export type Preference = "price" | "reputation" | "balanced";

/** Which workers a client wants. A condition that is left out is none. */
export interface WorkerPolicy {
  /** Workers wanted, each of another operator: 1 to 20. */
  readonly redundancy: number;
  readonly lengthBlocks: number;
  /** 32 bytes in hex with `0x`. @default zero, the general market */
  readonly applicationType?: string | undefined;
  readonly maxPricePerBlockWei?: bigint | undefined;
  /** Basis points; a worker that nobody has tested has 5,000. */
  readonly minReputationBps?: number | undefined;
  /** Basis points; a worker that nobody has tested has 10,000. */
  readonly minUptimeBps?: number | undefined;
  readonly minStakeWei?: bigint | undefined;
  readonly excludeWorkers?: readonly number[] | undefined;
  /** Accounts; upper and lower case are the same. */
  readonly excludeOperators?: readonly string[] | undefined;
  /** Workers that get their seats first if they meet the conditions, as those of an agreement that one worker is replaced in. */
  readonly keepWorkers?: readonly number[] | undefined;
  /** @default "balanced" */
  readonly prefer?: Preference | undefined;
}

/** A policy with every default filled in, and its lists ready to be looked up. */
export interface CheckedPolicy {
  readonly redundancy: number;
  readonly lengthBlocks: number;
  readonly applicationType: string;
  readonly maxPricePerBlockWei: bigint | undefined;
  readonly minReputationBps: number;
  readonly minUptimeBps: number;
  readonly minStakeWei: bigint;
  readonly excludeWorkers: ReadonlySet<number>;
  /** In lower case, as `applicationType` is. */
  readonly excludeOperators: ReadonlySet<string>;
  readonly keepWorkers: ReadonlySet<number>;
  readonly prefer: Preference;
}

/** @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function checkPolicy(policy: WorkerPolicy): CheckedPolicy {
  const result = policySchema.safeParse(policy);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw new SprfError("INVALID_INPUT", `policy: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const { data } = result;
  return {
    ...data,
    maxPricePerBlockWei: data.maxPricePerBlockWei,
    applicationType: data.applicationType.toLowerCase(),
    excludeWorkers: new Set(data.excludeWorkers),
    excludeOperators: new Set(data.excludeOperators.map((operator) => operator.toLowerCase())),
    keepWorkers: new Set(data.keepWorkers),
  };
}
