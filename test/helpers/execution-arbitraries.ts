import fc from "fast-check";

import type { ExecutionAnswer } from "../../src/wire/execution-answer.ts";
import type { ExecutionRequest, SignedRequest } from "../../src/wire/execution-request.ts";
import type { CreateRecord, TransitionRecord } from "../../src/wire/record.ts";
import { addressArbitrary, bytesArbitrary, cidArbitrary, recordCidArbitrary, uint64Arbitrary } from "./arbitraries.ts";

const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
  fc.uint8Array({ maxLength }).map((bytes) => new Uint8Array(bytes));
const positive = fc.integer({ min: 1, max: 2 ** 31 });

const image = fc.oneof(
  fc.record({ address: cidArbitrary.map((cid) => `wasm:${cid}`.slice(0, 64)) }),
  fc.record({ address: fc.constant("localhost:5000/books:1"), digest: fc.constant("ab".repeat(32)) }),
);

/** Any request that the schema allows. */
export const requestArbitrary: fc.Arbitrary<ExecutionRequest> = fc.record(
  {
    version: fc.constant(1 as const),
    network: fc.string({ minLength: 1, maxLength: 20 }),
    program: addressArbitrary,
    input: fc.oneof(fc.record({ bytes: bytesUpTo(16) }), fc.record({ cid: cidArbitrary })),
    user: addressArbitrary,
    nonce: bytesArbitrary(32),
    maxGas: uint64Arbitrary,
    validUntil: uint64Arbitrary,
    ifState: cidArbitrary,
  },
  { requiredKeys: ["version", "network", "program", "input", "user", "nonce", "maxGas", "validUntil"] },
);

/** Any answer that the schema allows. */
export const answerArbitrary: fc.Arbitrary<ExecutionAnswer> = fc.record(
  {
    requestHash: bytesArbitrary(32),
    sequence: uint64Arbitrary,
    previousState: cidArbitrary,
    status: fc.constantFrom("accepted" as const, "rejected" as const),
    outputCid: cidArbitrary,
    newState: cidArbitrary,
    gas: uint64Arbitrary,
    recordCid: recordCidArbitrary,
  },
  { requiredKeys: ["requestHash", "sequence", "previousState", "status", "outputCid", "newState", "gas"] },
);

const signedRequest: fc.Arbitrary<SignedRequest> = fc.record({
  request: requestArbitrary,
  paymentHash: bytesArbitrary(32),
  signature: bytesArbitrary(64),
});

/** Any record of a transition that the schema allows. */
export const transitionRecordArbitrary: fc.Arbitrary<TransitionRecord> = fc.record({
  version: fc.constant(1 as const),
  kind: fc.constant("transition" as const),
  signedRequest,
  payment: fc.record({ ledger: positive, ledgerHash: bytesArbitrary(32), closeTime: uint64Arbitrary }),
  environment: fc.record({ time: uint64Arbitrary, seed: bytesArbitrary(32), sequence: uint64Arbitrary }),
  image,
  limits: fc.record({ memoryBytes: positive, outputBytes: positive, stateBytes: positive, seconds: positive }),
  gasTable: positive,
  previousState: cidArbitrary,
  newState: cidArbitrary,
  outputCid: cidArbitrary,
  gas: uint64Arbitrary,
  gasFeeStroops: uint64Arbitrary,
  previous: fc.record({ recordCid: recordCidArbitrary, envelope: bytesUpTo(32) }),
  skipped: fc.array(bytesUpTo(16), { maxLength: 3 }),
});

/** Any record of a new smart account that the schema allows. */
export const createRecordArbitrary: fc.Arbitrary<CreateRecord> = fc.record(
  {
    version: fc.constant(1 as const),
    kind: fc.constant("create" as const),
    network: fc.string({ maxLength: 20 }),
    program: addressArbitrary,
    owner: addressArbitrary,
    image,
    terms: fc.record({ baseFeeStroops: uint64Arbitrary, gasPriceStroops: uint64Arbitrary }),
    state: cidArbitrary,
    workers: fc.array(fc.record({ address: fc.string({ minLength: 1, maxLength: 64 }), ledgerKey: addressArbitrary }), {
      minLength: 1,
      maxLength: 4,
    }),
  },
  { requiredKeys: ["version", "kind", "network", "program", "image", "terms", "state", "workers"] },
);
