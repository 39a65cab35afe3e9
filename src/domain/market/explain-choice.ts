import type { ChoiceTally, ConditionCount } from "./choice-tally.ts";
import type { Condition } from "./conditions.ts";
import { BASIS_POINTS } from "./worker-policy.ts";

const GWEI_DIGITS = 9;
const GWEI = 10n ** BigInt(GWEI_DIGITS);
/** Smaller amounts are clearer in wei. */
const LEAST_IN_GWEI = 10n ** 5n;
const PER_CENT = BASIS_POINTS / 100;

const FAILED: Readonly<Record<Condition, string>> = {
  application: "of another application type",
  excluded: "excluded",
  listed: "without a free slot",
  length: "for shorter agreements only",
  price: "too dear",
  stake: "with too little stake",
  reputation: "of too low a reputation",
  uptime: "of too low an uptime",
};

/** In one line how many workers fit, how many failed which condition first, and by how little the nearest one failed. */
export function explainChoice({ wanted, considered, failed, sameOperator, fitting, notExamined }: ChoiceTally): string {
  const parts = failed.filter(({ first }) => first > 0).map((count) => `${count.first} ${FAILED[count.condition]}`);
  if (sameOperator > 0) parts.push(`${sameOperator} of an operator that fits already`);
  if (notExamined > 0) parts.push(`${notExamined} not needed`);
  const near = failed.flatMap((count) => nearestOf(count) ?? []);
  return [
    `${wanted} ${wanted === 1 ? "worker" : "workers"} wanted, ${fitting} of ${considered} ${fitting === 1 ? "fits" : "fit"}`,
    ...(parts.length === 0 ? [] : [`: ${parts.join(", ")}`]),
    ...(near.length === 0 ? [] : [`; ${near.join(", ")}`]),
  ].join("");
}

/** Wei as people read them: gwei unless the amount is tiny. */
function formatWei(amountWei: bigint): string {
  if (amountWei < LEAST_IN_GWEI) return `${amountWei} wei`;
  const fraction = (amountWei % GWEI).toString().padStart(GWEI_DIGITS, "0").replace(/0+$/, "");
  return `${amountWei / GWEI}${fraction === "" ? "" : `.${fraction}`} gwei`;
}

function nearestOf({ condition, nearest }: ConditionCount): string | undefined {
  if (nearest === undefined) return undefined;
  const { offered, asked } = nearest;
  switch (condition) {
    case "price":
      return `the cheapest of the too dear asks ${formatWei(offered)} a block, you offer ${formatWei(asked)}`;
    case "length":
      return `the longest takes ${offered} blocks, you want ${asked}`;
    case "stake":
      return `the next stakes ${formatWei(offered)}, you want ${formatWei(asked)}`;
    case "reputation":
      return `the next has a reputation of ${formatRate(offered)}, you want ${formatRate(asked)}`;
    case "uptime":
      return `the next has an uptime of ${formatRate(offered)}, you want ${formatRate(asked)}`;
    case "application":
    case "excluded":
    case "listed":
      return undefined;
  }
}

function formatRate(basisPoints: bigint): string {
  return `${Number(basisPoints) / PER_CENT} %`;
}
