import { z } from "zod";

import { MAX_TEXT_BYTES } from "./limits.ts";

/** A name that is a DNS label: containers find each other by it. */
export const labelSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, "expected 1 to 32 of a-z, 0-9 and -, with - neither first nor last");

/** A name of a secret; it may be a file's. */
export const secretNameSchema = z.string().regex(/^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}$/, {
  error: "expected 1 to 64 of a-z, A-Z, 0-9, _, . and -, beginning with a letter, a digit or _",
});

/** A name of an environment variable. */
export const variableSchema = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/, {
  error: "expected a variable's name: up to 128 of a-z, A-Z, 0-9 and _, not beginning with a digit",
});

/**
 * Text that goes into a hash as its UTF-8 bytes, never normalised: "é" in one code point and in two are different texts, as they
 * are to a program that gets them. Half a surrogate pair has no UTF-8 bytes, and NUL would end the text for the kernel.
 */
export const textSchema = z
  .string()
  .max(MAX_TEXT_BYTES)
  .refine((text) => text.isWellFormed(), { error: "expected well-formed Unicode" })
  .refine((text) => !text.includes("\0"), { error: "expected text without NUL" })
  .refine((text) => Buffer.byteLength(text) <= MAX_TEXT_BYTES, { error: `expected at most ${MAX_TEXT_BYTES} bytes` });

/** An absolute path in its shortest form: no `//`, `.` or `..`, no slash at the end. */
export const pathSchema = z
  .string()
  .max(255)
  .refine((path) => /^(?:\/[^/\0:]+)+$/.test(path) && path.isWellFormed() && !/\/\.{1,2}(?:\/|$)/.test(path), {
    error: "expected an absolute path without `..`, `:` or a slash at its end",
  });

/** `[host[:port]/]name[:tag]@sha256:...`: only a digest says which image it is. */
export const imageReferenceSchema = z
  .string()
  .max(255)
  .regex(/^[a-z0-9][a-zA-Z0-9._/:-]*@sha256:[0-9a-f]{64}$/, "expected an image by its digest: name@sha256:...");

/** `user[:group]`, by name or number. */
export const userSchema = z
  .string()
  .regex(/^(?:\d{1,10}|[a-z_][a-z0-9_-]{0,31})(?::(?:\d{1,10}|[a-z_][a-z0-9_-]{0,31}))?$/, "expected user[:group]");

/** A TCP or UDP port. */
export const portSchema = z.int().min(1).max(65_535);

/** A map with keys of its own. zod would leave out a key `__proto__` without a word; here it is refused. */
export function recordOf<T>(
  key: z.ZodType<string, string>,
  value: z.ZodType<T, unknown>,
): z.ZodType<Record<string, T>, unknown> {
  return z
    .unknown()
    .refine((map) => !Object.hasOwn(Object(map) as object, "__proto__"), { error: "a key cannot be __proto__" })
    .pipe(z.record(key, value));
}
