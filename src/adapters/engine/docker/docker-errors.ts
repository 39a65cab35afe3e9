import { isSprfError, messageOf, SprfError } from "../../../errors.ts";

const UNREACHABLE: ReadonlySet<unknown> = new Set([
  "ENOENT",
  "ECONNREFUSED",
  "EACCES",
  "ECONNRESET",
  "ENOTFOUND",
  "EPIPE",
]);

/** The HTTP status that the Docker Engine answered with, if it answered. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

/** What the Docker Engine said or failed to say, as an error of the engine port. */
export function translateDockerError(error: unknown, doing: string): SprfError {
  if (isSprfError(error)) return error;
  const code = (error as { code?: unknown } | null)?.code;
  if (statusOf(error) === undefined && UNREACHABLE.has(code)) {
    return new SprfError("ENGINE_UNAVAILABLE", `the Docker Engine cannot be reached: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return new SprfError("ENGINE_FAILED", `${doing}: ${messageOf(error)}`, { cause: error });
}
