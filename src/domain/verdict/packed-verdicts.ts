import { SprfError } from "../../errors.ts";
import type { Verdict } from "../../ports/chain.ts";

/** Members of the contracts' `Verdict`, in their order. */
const VERDICTS: readonly Verdict[] = ["ok", "unreachable", "wrong"];
const BITS_PER_VERDICT = 2n;
const VERDICT_MASK = 3n;

/** Verdicts as the contracts take them: 2 bits for each worker, the first one lowest. */
export function packVerdicts(verdicts: readonly Verdict[]): bigint {
  return verdicts.reduce(
    (packed, verdict, index) => packed | (BigInt(VERDICTS.indexOf(verdict)) << (BITS_PER_VERDICT * BigInt(index))),
    0n,
  );
}

/** The verdicts on `workers` workers. @throws SprfError `INTERNAL` for a word that no contract takes */
export function unpackVerdicts(packed: bigint, workers: number): readonly Verdict[] {
  return Array.from({ length: workers }, (_, index) => {
    const verdict = VERDICTS[Number((packed >> (BITS_PER_VERDICT * BigInt(index))) & VERDICT_MASK)];
    if (verdict === undefined) throw new SprfError("INTERNAL", `${packed} holds a verdict that has no name here`);
    return verdict;
  });
}
