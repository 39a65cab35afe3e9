import type { TesterSeat } from "../ports/chain.ts";
import type { Patience } from "./ask-worker.ts";
import type { Duty, ProbeTrace } from "./duty-store.ts";
import type { Examination } from "./examine.ts";

/** Blocks in which a duty's steps are taken, first and last included. */
export interface DutyWindows {
  readonly commitFrom: number;
  readonly commitTo: number;
  readonly revealFrom: number;
  readonly revealTo: number;
}

/** What an examination needs of the duty that it is for. */
export interface DocketExamination {
  readonly duty: Duty;
  readonly keep: (trace: ProbeTrace) => Promise<void>;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** A step towards the chain, at the latest block. */
export interface DocketStep {
  readonly duty: Duty;
  readonly block: number;
  /** Writes down what must be known after a crash. */
  readonly save: (change: Partial<Duty>) => Promise<void>;
  readonly signal: AbortSignal;
}

/** What is to be judged, and where: the epoch's own workers, or those that were appealed. A runner carries the duty through it. */
export interface Docket {
  readonly windows: DutyWindows;
  /** This tester's seat; undefined when it has none. */
  seat(signal: AbortSignal): Promise<TesterSeat | undefined>;
  /** False while it pays to wait with the examination. */
  isTimely(block: number, signal: AbortSignal): Promise<boolean>;
  examine(parts: DocketExamination): Promise<Examination>;
  /** Brings the commitment, or waits until somebody does. True once it is on the chain. */
  commit(step: DocketStep): Promise<boolean>;
  /** Brings the verdicts, or waits until somebody does. True once they are on the chain. */
  reveal(step: DocketStep): Promise<boolean>;
  /** Ends what goes on. */
  leave(): Promise<void>;
}
