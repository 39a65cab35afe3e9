import { z } from "zod";

import { firstIssue } from "../config/first-issue.ts";
import { SprfError } from "../errors.ts";

/** Options as their schema has them. @throws SprfError `INVALID_INPUT` naming the first one that is wrong */
export function parseOptions<T>(schema: z.ZodType<T, unknown>, options: unknown): T {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const option = issue?.path.join(".").replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`) ?? "";
  throw new SprfError("INVALID_INPUT", `--${option}: ${issue?.message ?? "invalid"}`);
}

/** A script's own settings from the environment. @throws SprfError `CONFIG_INVALID` naming the first variable that is wrong */
export function parseEnvironment<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const result = z.object(shape).safeParse(given);
  if (result.success) return result.data;
  throw new SprfError("CONFIG_INVALID", firstIssue(result.error));
}
