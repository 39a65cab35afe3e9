import { toHex } from "../../utils/bytes.ts";
import { hashAnswer, type SignedAnswer } from "../../wire/execution-answer.ts";
import { majorityOf } from "./smart-account.ts";

export type MajorityResult =
  /** Enough workers signed the same. */
  | { readonly kind: "majority"; readonly answers: readonly SignedAnswer[] }
  /** Answers that are still out could make one. */
  | { readonly kind: "open" }
  | { readonly kind: "none" };

/**
 * Looks for a majority among verified answers of distinct workers.
 *
 * @param workers how many the smart account names
 * @param outstanding how many of them may still answer
 */
export function findMajority(answers: readonly SignedAnswer[], workers: number, outstanding: number): MajorityResult {
  const needed = majorityOf(workers);
  const groups = new Map<string, SignedAnswer[]>();
  for (const signed of answers) {
    const key = toHex(hashAnswer(signed.answer));
    groups.set(key, [...(groups.get(key) ?? []), signed]);
  }
  const largest = [...groups.values()].sort((a, b) => b.length - a.length)[0] ?? [];
  if (largest.length >= needed) return { kind: "majority", answers: largest };
  return largest.length + outstanding >= needed ? { kind: "open" } : { kind: "none" };
}
