import { z } from "zod";

import { SprfError } from "../errors.ts";

/** 32 bytes in JSON. */
export const hex32Json = z.string().regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits");
/** A large number in JSON. */
export const decimalJson = z.string().regex(/^\d{1,20}$/, "expected a decimal number");
/** 64 bytes in JSON. */
export const signatureJson = z.base64().max(90);
/** A CID in JSON. */
export const cidJson = z.string().max(64);
/** `G...` in JSON. */
export const addressJson = z.string().length(56);

/** What `schema` makes of the value. @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function check<T>(schema: z.ZodType<T, unknown>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new SprfError("INVALID_INPUT", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
}
