import { z } from "zod";

import { firstIssue } from "../../../src/config/first-issue.ts";
import { messageOf, SprfError } from "../../../src/errors.ts";

/** Digits, as text when a number would not hold them. */
const whole = z.union([z.string().regex(/^\d+$/, "expected a decimal number"), z.int().min(0)]).transform(BigInt);
const fraction = z.string().regex(/^\d+(\/[1-9]\d*)?$/, "expected a whole number or a fraction");
const resources = z.strictObject({ cru: whole, mru: whole, sru: whole, hru: whole });

const policySchema = z.strictObject({
  cu: whole,
  su: whole,
  nu: whole,
  ipu: whole,
  uniqueName: whole,
  dedicationDiscountPercent: whole,
});

const nodeSchema = z.strictObject({
  resources,
  publicIps: whole,
  seconds: whole,
  rentedNode: z.boolean(),
  cost: whole,
});

const discountSchema = z.strictObject({
  amountDue: whole,
  seconds: whole,
  balance: whole,
  level: z.enum(["none", "default", "bronze", "silver", "gold"]),
  due: whole,
});

/** Strict: a section that nobody knows is one that nobody would check. */
const fileSchema = z.strictObject({
  pricingPolicy: policySchema,
  units: z.string().optional(),
  computeUnits: z.array(z.strictObject({ cru: whole, mruGiB: whole, cu: fraction })).default([]),
  nodeContractCost: z.array(nodeSchema).default([]),
  rentContractCost: z.array(z.strictObject({ nodeResources: resources, seconds: whole, cost: whole })).default([]),
  networkCost: z.array(z.strictObject({ nru: whole, windowSeconds: whole, cost: whole })).default([]),
  nameCost: z.array(z.strictObject({ seconds: whole, cost: whole })).default([]),
  discount: z.array(discountSchema).default([]),
});

/** A pricing policy and what things cost by it; `test/vectors/grid/README.md` says what its fields mean. */
export type GridVectors = z.output<typeof fileSchema>;

/**
 * Reads a file of billing figures.
 *
 * @throws SprfError `INVALID_INPUT` naming the first thing that is not of the form, or saying that there is no case
 */
export function parseGridVectors(text: string): GridVectors {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `no JSON: ${messageOf(error)}`, { cause: error });
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw new SprfError("INVALID_INPUT", `no billing figures: ${firstIssue(parsed.error)}`);
  const { pricingPolicy: _, units: __, ...sections } = parsed.data;
  if (Object.values(sections).every(({ length }) => length === 0))
    throw new SprfError("INVALID_INPUT", "no case in it");
  return parsed.data;
}
