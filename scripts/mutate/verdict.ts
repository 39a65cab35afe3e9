import { z } from "zod";

/** What became of one mutant. */
export const VERDICT = z.object({
  id: z.string(),
  status: z.enum([
    // A test failed, or ran into its time limit.
    "killed",
    "timed-out",
    "survived",
    // The test process died without saying why, which proves nothing: counts as survived.
    "unjudged",
    // The compiler refuses it: no mutant.
    "stillborn",
    // Its bytecode is that of the original.
    "same-code",
  ]),
  /** The test that failed, or the compiler's or the process's words. */
  by: z.string().optional(),
  /** The file that the test which failed stands in, below the project's root. */
  file: z.string().optional(),
  seconds: z.number(),
});

export type Verdict = z.infer<typeof VERDICT>;

/** Whether it is a mutant that a test could tell from the original. */
export function isLive({ status }: Verdict): boolean {
  return status !== "stillborn" && status !== "same-code";
}

/** Whether no test told it from the original. */
export function hasSurvived({ status }: Verdict): boolean {
  return status === "survived" || status === "unjudged";
}
