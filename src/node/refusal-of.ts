import { isSprfError } from "../errors.ts";
import type { GridRefusal } from "../wire/grid/refusals.ts";

const MAX_DETAIL_LENGTH = 500;

const REFUSALS: Readonly<Record<string, GridRefusal>> = {
  CONTENT_NOT_FOUND: "body-unavailable",
  CONTENT_CORRUPT: "body-invalid",
  CONTENT_TOO_LARGE: "body-invalid",
  DEPLOYMENT_INVALID: "workload-invalid",
  INVALID_INPUT: "workload-invalid",
  SECRETS_INVALID: "secrets-invalid",
  WORKLOAD_IMAGE_NOT_FOUND: "image-not-found",
  WORKLOAD_PORT_TAKEN: "port-taken",
  WORKLOAD_INVALID: "start-failed",
  WORKLOAD_UNHEALTHY: "unhealthy",
  TIMEOUT: "unhealthy",
};

/** What an error in making a deployment is to its user; the node's own faults are nothing that it needs to know more of. */
export function refusalOf(error: unknown, log = ""): { readonly code: GridRefusal; readonly detail: string } {
  const code = isSprfError(error) ? REFUSALS[error.code] : undefined;
  if (code === undefined) return { code: "node-failed", detail: "" };
  const message = isSprfError(error) ? error.message : "";
  // The end of a log says most.
  const room = Math.max(0, MAX_DETAIL_LENGTH - message.length - 1);
  const detail = log === "" || room === 0 ? message : `${message}\n${log.slice(-room)}`;
  return { code, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}
