import type { Outcome } from "../../ports/chain.ts";

/** So many epochs in a row may nobody reach a worker; one more chance than bad luck takes. */
export const MAX_UNREACHABLE_EPOCHS = 3;

/** What is known of an agreement. */
export interface AgreementHistory {
  /** In their order, from the first on. */
  readonly epochs: readonly EpochOutcomes[];
  /** For each worker the first epoch without it; absent while it has not resigned. */
  readonly resignedFrom: ReadonlyArray<number | undefined>;
}

/** What is known of one epoch of an agreement. */
export interface EpochOutcomes {
  readonly epoch: number;
  /** False for what the reveals so far would make; an appeal, or a further reveal, can still change it. */
  readonly final: boolean;
  /** In the order of the agreement's workers. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Whether a worker is worth keeping. Bad is who
 *
 * - `wrong`: has a final verdict of a wrong answer;
 * - `unreachable`: did not serve in `MAX_UNREACHABLE_EPOCHS` epochs in a row, final or not, those without a quorum left out;
 * - `resigned`: has left the agreement.
 */
export type Judgement =
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly reason: "wrong" | "unreachable" | "resigned"; readonly epoch: number };

/** Judges each worker of an agreement, by the first reason that there is. */
export function judgeWorkers({ epochs, resignedFrom }: AgreementHistory): readonly Judgement[] {
  return resignedFrom.map((resigned, index) => judge(index, epochs, resigned));
}

function judge(index: number, epochs: readonly EpochOutcomes[], resigned: number | undefined): Judgement {
  let missed = 0;
  for (const { epoch, final, outcomes } of epochs) {
    if (resigned !== undefined && epoch >= resigned) break;
    switch (outcomes[index]) {
      case "wrong":
        if (final) return { kind: "bad", reason: "wrong", epoch };
        missed++;
        break;
      case "unreachable":
        missed++;
        break;
      case "ok":
        missed = 0;
        break;
      case "resigned":
      case "pending":
      case "no-quorum":
      case undefined:
        break;
    }
    if (missed === MAX_UNREACHABLE_EPOCHS) return { kind: "bad", reason: "unreachable", epoch };
  }
  return resigned === undefined ? { kind: "good" } : { kind: "bad", reason: "resigned", epoch: resigned };
}
