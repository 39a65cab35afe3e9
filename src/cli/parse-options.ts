import type { z } from "zod";

import { SprfError } from "../errors.ts";

/** Options as their schema has them. @throws SprfError `INVALID_INPUT` naming the first one that is wrong */
export function parseOptions<T>(schema: z.ZodType<T, unknown>, options: unknown): T {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const option = issue?.path.join(".").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) ?? "";
  throw new SprfError("INVALID_INPUT", `--${option}: ${issue?.message ?? "invalid"}`);
}
