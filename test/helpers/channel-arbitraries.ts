import fc from "fast-check";

import type { Call } from "../../src/wire/channel/call.ts";
import type { RecordHeader } from "../../src/wire/channel/record.ts";
import { toHex } from "../../src/utils/bytes.ts";

/** Values of channels' formats, as random as their types allow. */
export const word = fc.uint8Array({ minLength: 32, maxLength: 32 });
export const address = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => `0x${toHex(bytes)}`);
export const count = fc.maxSafeNat();
export const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
export const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n });
export const small = fc.integer({ min: 0, max: 2 });
export const bytes = fc.uint8Array({ maxLength: 100 });

export const call: fc.Arbitrary<Call> = fc.record({
  channel: uint256,
  sender: address,
  nonce: uint64,
  gasLimit: uint64,
  validUntilMs: uint64,
  data: bytes,
});

export const header: fc.Arbitrary<RecordHeader> = fc.record({
  channel: uint256,
  term: count,
  height: count,
  kind: fc.integer({ min: 0, max: 5 }),
  timeMs: count,
  previous: word,
  inputHash: word,
  touchedHash: word,
  writesHash: word,
  status: small,
  gasUsed: count,
  returnHash: word,
  stateRoot: word,
  inboxCursor: count,
});
