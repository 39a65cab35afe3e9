import { SprfError } from "../../errors.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import { cidSchema, ledgerAddressSchema } from "../../wire/primitives.ts";
import { ENTRY, MAX_WORKERS, imageOf, programReference, type SmartAccountWorker } from "./smart-account.ts";

/** What an account holds back for itself twice, and for each entry and signer once. */
export const BASE_RESERVE_STROOPS = 5_000_000n;
const MAX_ENTRY_BYTES = 64;

/** What a smart account shall say. */
export interface SmartAccountTerms {
  readonly program: ProgramReference;
  /** CID of the first state; the empty file unless the program was seeded. */
  readonly state: string;
  readonly baseFeeStroops: bigint;
  readonly gasPriceStroops: bigint;
  /** Who may change image, fees and workers; absent makes the account immutable. */
  readonly owner?: string;
  readonly workers: readonly SmartAccountWorker[];
}

/** The reserve of an account with these terms: (2 + entries + signers) x 0.5 XLM. */
export function reserveStroops(terms: SmartAccountTerms): bigint {
  return BigInt(2 + entriesOf(terms).length + terms.workers.length) * BASE_RESERVE_STROOPS;
}

/** The data entries of an account with these terms, in the order in which they are written. */
export function entriesOf(terms: SmartAccountTerms): ReadonlyArray<readonly [name: string, value: string]> {
  const image = imageOf(terms.program);
  return [
    [ENTRY.imageAddress, image.address],
    ...(image.digest === undefined ? [] : [[ENTRY.imageDigest, image.digest] as const]),
    [ENTRY.state, terms.state],
    [ENTRY.baseFee, terms.baseFeeStroops.toString()],
    [ENTRY.gasPrice, terms.gasPriceStroops.toString()],
    ...(terms.owner === undefined ? [] : [[ENTRY.owner, terms.owner] as const]),
    ...terms.workers.flatMap(({ address, ledgerKey }, i) => [
      [ENTRY.workerAddress(i + 1), address] as const,
      [ENTRY.workerKey(i + 1), ledgerKey] as const,
    ]),
  ];
}

/** @throws SprfError `INVALID_INPUT` for terms that would make an account nobody can use */
export function checkTerms(terms: SmartAccountTerms): void {
  const refuse = (why: string): never => {
    throw new SprfError("INVALID_INPUT", why);
  };
  const { workers } = terms;
  if (workers.length === 0 || workers.length > MAX_WORKERS) {
    refuse(`a smart account has 1 to ${MAX_WORKERS} workers, not ${workers.length}`);
  }
  if (new Set(workers.map(({ ledgerKey }) => ledgerKey)).size !== workers.length)
    refuse("two workers share a ledger key");
  for (const address of [
    ...workers.map(({ ledgerKey }) => ledgerKey),
    ...(terms.owner === undefined ? [] : [terms.owner]),
  ]) {
    if (!ledgerAddressSchema.safeParse(address).success) refuse(`${address} is not a Stellar address`);
  }
  if (!cidSchema.safeParse(terms.state).success) refuse(`the state is not a CID: ${terms.state}`);
  const image = imageOf(terms.program);
  if (programReference(image.address, image.digest) === undefined) refuse("the program is not pinned by digest or CID");
  if (terms.baseFeeStroops <= 0n)
    refuse("the base fee must be at least one stroop: payments of nothing cannot be made");
  if (terms.gasPriceStroops < 0n) refuse("the gas price is negative");
  for (const [name, value] of entriesOf(terms)) {
    // The ledger takes an entry without a value for its deletion.
    if (value === "") refuse(`${name} is empty`);
    if (Buffer.byteLength(value) > MAX_ENTRY_BYTES) refuse(`${name} is longer than ${MAX_ENTRY_BYTES} bytes: ${value}`);
  }
}
