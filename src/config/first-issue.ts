import type { z } from "zod";

/** The first thing that a schema found wrong, in one line: where it is, and what was expected. */
export function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`;
}
