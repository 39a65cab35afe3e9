import { SprfError, type ErrorCode, type Fault } from "../../errors.ts";
import type { ErrorJson } from "../../wire/execution-json.ts";

const STATUS_OF_FAULT = {
  user: 400,
  peer: 400,
  program: 422,
  network: 503,
  aborted: 503,
  timeout: 504,
  internal: 500,
} as const satisfies Record<Fault, number>;

const STATUS_OF_CODE: Partial<Record<ErrorCode, 402 | 404 | 409 | 413 | 429>> = {
  PAYMENT_NOT_FOUND: 402,
  PAYMENT_INVALID: 402,
  PAYMENT_TOO_LOW: 402,
  PAYMENT_EXPIRED: 402,
  PAYMENT_USED: 402,
  FUNDS_TOO_LOW: 402,
  ACCOUNT_NOT_FOUND: 404,
  REQUEST_NOT_SERVED: 404,
  REQUEST_STATE_MOVED: 409,
  SEQUENCE_MOVED: 409,
  CONTENT_TOO_LARGE: 413,
  MESSAGE_TOO_LARGE: 413,
  WORKER_BUSY: 429,
};

export type ErrorStatus = 400 | 402 | 404 | 409 | 413 | 422 | 429 | 500 | 503 | 504;

/** What the API answers for an error; of what was not thrown on purpose it tells nothing. */
export function errorResponse(thrown: unknown): { readonly status: ErrorStatus; readonly body: ErrorJson } {
  const error =
    thrown instanceof SprfError
      ? thrown
      : new SprfError("INTERNAL", "the worker failed on this request", { cause: thrown });
  return {
    status: STATUS_OF_CODE[error.code] ?? STATUS_OF_FAULT[error.fault],
    body: { error: { code: error.code, message: error.message.slice(0, 2_048), fault: error.fault, next: error.next } },
  };
}
