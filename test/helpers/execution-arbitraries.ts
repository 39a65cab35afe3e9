import fc from "fast-check";

import type { ExecutionAnswer } from "../../src/wire/execution-answer.ts";
import type { ExecutionRequest, SignedRequest } from "../../src/wire/execution-request.ts";
import type { ChangeRequest, ProgramChange, SignedChange, SignedChangeOf } from "../../src/wire/change-request.ts";
import type { CreateRecord, ProgramRecord, TransitionRecord } from "../../src/wire/record.ts";
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

const terms = fc.record({ baseFeeStroops: uint64Arbitrary, gasPriceStroops: uint64Arbitrary });
const workers = fc.array(
  fc.record({ address: fc.string({ minLength: 1, maxLength: 64 }), ledgerKey: addressArbitrary }),
  { minLength: 1, maxLength: 4 },
);
const history = {
  previous: fc.record({ recordCid: recordCidArbitrary, envelope: bytesUpTo(32) }),
  skipped: fc.array(bytesUpTo(16), { maxLength: 3 }),
};

const changeArbitraries = {
  workers: fc.record(
    { kind: fc.constant("workers" as const), workers, agreement: fc.constant(`0x${"ab".repeat(20)}`) },
    { requiredKeys: ["kind", "workers"] },
  ),
  program: fc.record({ kind: fc.constant("program" as const), image }),
  terms: fc.record({ kind: fc.constant("terms" as const), terms }),
  recovery: fc.record({ kind: fc.constant("recovery" as const) }),
} satisfies { [K in ProgramChange["kind"]]: fc.Arbitrary<Extract<ProgramChange, { kind: K }>> };

function changeRequestOf<C extends ProgramChange>(
  change: fc.Arbitrary<C>,
): fc.Arbitrary<ChangeRequest & { change: C }> {
  return fc.record(
    {
      version: fc.constant(1 as const),
      network: fc.string({ minLength: 1, maxLength: 20 }),
      program: addressArbitrary,
      sequence: uint64Arbitrary,
      validUntil: uint64Arbitrary,
      topUpStroops: uint64Arbitrary,
      change,
    },
    { requiredKeys: ["version", "network", "program", "sequence", "validUntil", "change"] },
  );
}

/** Any change request that the schema allows. */
export const changeRequestArbitrary: fc.Arbitrary<ChangeRequest> = fc.oneof(
  ...Object.values(changeArbitraries).map((change) => changeRequestOf<ProgramChange>(change)),
);

function signedChangeOf<K extends ProgramChange["kind"]>(kind: K): fc.Arbitrary<SignedChangeOf<K>> {
  const change: fc.Arbitrary<ProgramChange> = changeArbitraries[kind];
  const signed: fc.Arbitrary<SignedChange> = fc.record({
    request: changeRequestOf(change),
    signature: bytesArbitrary(64),
  });
  return signed as fc.Arbitrary<SignedChangeOf<K>>;
}

const standing = {
  version: fc.constant(1 as const),
  sequence: uint64Arbitrary,
  state: cidArbitrary,
  time: uint64Arbitrary,
  ...history,
};
const account = {
  network: fc.string({ minLength: 1, maxLength: 20 }),
  program: addressArbitrary,
  validUntil: uint64Arbitrary,
};

/** Any record that the schema allows of a transaction which leaves the state as it is. */
export const governanceRecordArbitrary: fc.Arbitrary<ProgramRecord> = fc.oneof(
  fc.record(
    {
      ...standing,
      kind: fc.constant("workers" as const),
      signedChange: signedChangeOf("workers"),
      recovered: history.previous,
    },
    { requiredKeys: ["version", "sequence", "state", "time", "previous", "skipped", "kind", "signedChange"] },
  ),
  fc.record({ ...standing, kind: fc.constant("program" as const), signedChange: signedChangeOf("program") }),
  fc.record({ ...standing, kind: fc.constant("terms" as const), signedChange: signedChangeOf("terms") }),
  fc.record({
    ...standing,
    ...account,
    kind: fc.constant("payout" as const),
    shareStroops: uint64Arbitrary.filter((share) => share > 0n),
    workers: fc.array(addressArbitrary, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ ...standing, ...account, kind: fc.constant("bump" as const) }),
  fc.record({
    version: fc.constant(1 as const),
    kind: fc.constant("recovery" as const),
    signedChange: signedChangeOf("recovery"),
  }),
);

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
  ...history,
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
    terms,
    state: cidArbitrary,
    workers,
  },
  { requiredKeys: ["version", "kind", "network", "program", "image", "terms", "state", "workers"] },
);
