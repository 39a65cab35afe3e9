import type { ErrorCode } from "../../errors.ts";

/** JSON-RPC error codes of a channel's node; 100001 is the channel specification's, the others continue it. */
const NUMBERS = {
  CHANNEL_UNKNOWN: 100_001,
  CHANNEL_SIGNATURE_INVALID: 100_002,
  CHANNEL_NONCE_WRONG: 100_003,
  CHANNEL_CALL_EXPIRED: 100_004,
  CHANNEL_CALL_TOO_LARGE: 100_005,
  CHANNEL_BUSY: 100_006,
  CHANNEL_CLOSED: 100_007,
  CHANNEL_NO_LEADER: 100_008,
  CHANNEL_HEIGHT_UNKNOWN: 100_009,
  CHANNEL_ROLLED_BACK: 100_010,
  CHANNEL_SESSION_REQUIRED: 100_011,
  CHANNEL_READ_DENIED: 100_012,
  CHANNEL_SUBSCRIBER_SLOW: 100_013,
  TIMEOUT: 100_014,
  CHAIN_UNREACHABLE: 100_015,
  CHAIN_REVERTED: 100_016,
  CHANNEL_FOREIGN_INPUT: 100_017,
  CHANNEL_NOT_MEMBER: 100_018,
  CHANNEL_SETTLEMENT_FAILED: 100_019,
  MESSAGE_INVALID: 100_020,
  CHANNEL_STATE_FULL: 100_021,
  INVALID_INPUT: -32_602,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** What JSON-RPC calls an error inside the server. */
export const INTERNAL_ERROR_NUMBER = -32_603;

const CODES = new Map<number, ErrorCode>(
  Object.entries(NUMBERS).map(([code, number]) => [number, code as keyof typeof NUMBERS]),
);

/** The JSON-RPC code of an error; undefined when clients are not told what it was. */
export function numberOfError(code: ErrorCode): number | undefined {
  return Object.hasOwn(NUMBERS, code) ? NUMBERS[code as keyof typeof NUMBERS] : undefined;
}

/** The error that a JSON-RPC code stands for. */
export function errorOfNumber(number: number): ErrorCode | undefined {
  return CODES.get(number);
}
