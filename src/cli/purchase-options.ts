import { z } from "zod";

import type { WorkerPolicy } from "../domain/market/worker-policy.ts";
import { SprfError } from "../errors.ts";

const MAX_BASIS_POINTS = 10_000;
/** Testers an epoch of workers that a policy chooses. */
const POLICY_TESTERS = 3;

const count = z.coerce.number().int().positive();
const wei = z.coerce.bigint().min(0n);
const rate = z.coerce.number().int().min(0).max(MAX_BASIS_POINTS);

/** What can be asked for in a purchase, by option: how it looks, and what is taken. */
export const PURCHASE_FIELDS = {
  redundancy: { flags: "--redundancy <count>", help: "workers (1)", schema: count },
  length: { flags: "--length <blocks>", help: "blocks of work (60)", schema: count },
  testerCount: {
    flags: "--tester-count <count>",
    help: "testers an epoch (1; 3 for workers that a policy chooses)",
    schema: z.coerce.number().pipe(z.literal([1, 3, 5, 7])),
  },
  maxPrice: { flags: "--max-price <wei>", help: "dearest block", schema: wei },
  minReputation: {
    flags: "--min-reputation <basis points>",
    help: "5000 is a worker that nobody knows",
    schema: rate,
  },
  minUptime: { flags: "--min-uptime <basis points>", help: "least uptime", schema: rate },
  minStake: { flags: "--min-stake <wei>", help: "least stake", schema: wei },
  exclude: {
    flags: "--exclude <ids>",
    help: "workers that are not wanted, separated by commas",
    schema: z.string().transform((ids) => ids.split(",").map(Number)),
  },
  prefer: {
    flags: "--prefer <what>",
    help: "price, reputation or balanced: the lowest price of a good block",
    schema: z.enum(["price", "reputation", "balanced"]),
  },
} as const;

/** The options of a purchase, read. */
export const purchaseSchema = z.object({
  redundancy: PURCHASE_FIELDS.redundancy.schema.default(1),
  length: PURCHASE_FIELDS.length.schema.default(60),
  testerCount: PURCHASE_FIELDS.testerCount.schema.optional(),
  maxPrice: PURCHASE_FIELDS.maxPrice.schema.optional(),
  minReputation: PURCHASE_FIELDS.minReputation.schema.optional(),
  minUptime: PURCHASE_FIELDS.minUptime.schema.optional(),
  minStake: PURCHASE_FIELDS.minStake.schema.optional(),
  exclude: PURCHASE_FIELDS.exclude.schema.optional(),
  prefer: PURCHASE_FIELDS.prefer.schema.optional(),
});

export type PurchaseOrder = z.output<typeof purchaseSchema>;

/** Whether any option says which workers: else the market draws them. */
export function hasConditions(order: PurchaseOrder): boolean {
  const { maxPrice, minReputation, minUptime, minStake, exclude, prefer } = order;
  return [maxPrice, minReputation, minUptime, minStake, exclude, prefer].some((condition) => condition !== undefined);
}

/** Which workers the options want. @throws SprfError `INVALID_INPUT` for another number of testers than such workers have */
export function policyOf(order: PurchaseOrder): WorkerPolicy {
  const { redundancy, length, testerCount, maxPrice, minReputation, minUptime, minStake, exclude, prefer } = order;
  if (testerCount !== undefined && testerCount !== POLICY_TESTERS) {
    throw new SprfError(
      "INVALID_INPUT",
      `--tester-count: workers that a policy chooses have ${POLICY_TESTERS} testers, not ${testerCount}`,
    );
  }
  return {
    redundancy,
    lengthBlocks: length,
    maxPricePerBlockWei: maxPrice,
    minReputationBps: minReputation,
    minUptimeBps: minUptime,
    minStakeWei: minStake,
    excludeWorkers: exclude,
    prefer,
  };
}
