import { SprfError } from "../../errors.ts";
import type { ProgramReference } from "../../ports/engine.ts";
import type { AccountSnapshot } from "../../ports/ledger.ts";
import { cidSchema, ledgerAddressSchema } from "../../wire/primitives.ts";

/** A Stellar account has at most 20 signers. */
export const MAX_WORKERS = 20;

/** Names of the data entries, as the specification gives them. */
export const ENTRY = {
  imageAddress: "smart_program_image_address",
  imageDigest: "smart_program_image_digest",
  state: "current_state",
  baseFee: "execution_base_fee",
  gasPrice: "gas_price",
  owner: "smart_program_owner",
  workerAddress: (n: number): string => `worker_${n}_address`,
  workerKey: (n: number): string => `worker_${n}_public_key`,
} as const;

/** Every name that a smart account may hold; they cannot be listed on the ledger, only asked for. */
export const ENTRY_NAMES: readonly string[] = [
  ENTRY.imageAddress,
  ENTRY.imageDigest,
  ENTRY.state,
  ENTRY.baseFee,
  ENTRY.gasPrice,
  ENTRY.owner,
  ...Array.from({ length: MAX_WORKERS }, (_, i) => [ENTRY.workerAddress(i + 1), ENTRY.workerKey(i + 1)]).flat(),
];

const WASI_PREFIX = "wasm:";

export interface SmartAccountWorker {
  readonly address: string;
  readonly ledgerKey: string;
}

/** A program as its account on the ledger describes it, at one ledger. */
export interface SmartAccount {
  readonly id: string;
  readonly ledger: number;
  readonly sequence: bigint;
  readonly spendableStroops: bigint;
  readonly image: { readonly address: string; readonly digest?: string };
  readonly program: ProgramReference;
  readonly state: string;
  /** Ledger that changed the state last: where its transition landed. */
  readonly stateLedger: number;
  readonly baseFeeStroops: bigint;
  readonly gasPriceStroops: bigint;
  readonly owner?: string;
  readonly workers: readonly SmartAccountWorker[];
  readonly snapshot: AccountSnapshot;
}

/** int(N / 2) + 1: how many workers must sign. */
export function majorityOf(workers: number): number {
  return Math.floor(workers / 2) + 1;
}

/** Weight of an owner who recovered an account, and all its thresholds: more than any number of workers has. */
export const RECOVERED_WEIGHT = 255;

/**
 * Reads the entries and checks that the account is what it says: no master key, every worker a signer of weight 1, all
 * thresholds the majority.
 *
 * @throws SprfError `SMART_ACCOUNT_INVALID` naming the first rule that is broken
 */
export function readSmartAccount(snapshot: AccountSnapshot): SmartAccount {
  const refuse = refusal(snapshot);
  if (isRecovered(snapshot)) refuse("its owner recovered it, and has to give it workers");
  const read = readEntries(snapshot, refuse);
  const { thresholds, signers } = snapshot.account;
  const majority = majorityOf(read.workers.length);
  if (thresholds.master !== 0) refuse("its master key still counts");
  if (thresholds.low !== majority || thresholds.medium !== majority || thresholds.high !== majority) {
    refuse(`its thresholds are not the majority, ${majority}`);
  }
  if (signers.length !== read.workers.length) refuse(`${signers.length} signers for ${read.workers.length} workers`);
  for (const worker of read.workers) {
    const signer = signers.find(({ key }) => key === worker.ledgerKey);
    if (signer?.weight !== 1) refuse(`${worker.ledgerKey} is not a signer of weight 1`);
  }
  return read;
}

/**
 * Reads an account that its owner recovered: the entries are those of before, the owner's key alone reaches the thresholds.
 *
 * @throws SprfError `SMART_ACCOUNT_INVALID` for any other account
 */
export function readRecoveredAccount(snapshot: AccountSnapshot): SmartAccount & { readonly owner: string } {
  const refuse = refusal(snapshot);
  const read = readEntries(snapshot, refuse);
  const { owner } = read;
  if (owner === undefined || !isRecovered(snapshot)) return refuse("its owner did not recover it");
  return { ...read, owner };
}

/** Whether the owner of the account recovered it. */
export function isRecovered({ account, data }: AccountSnapshot): boolean {
  const owner = data.get(ENTRY.owner);
  const { low, medium, high } = account.thresholds;
  if (owner === undefined || [low, medium, high].some((threshold) => threshold !== RECOVERED_WEIGHT)) return false;
  const key = new TextDecoder().decode(owner.value);
  return account.signers.some((signer) => signer.key === key && signer.weight === RECOVERED_WEIGHT);
}

function refusal({ account }: AccountSnapshot): (why: string) => never {
  return (why) => {
    throw new SprfError("SMART_ACCOUNT_INVALID", `${account.id} is not a smart account: ${why}`, {
      context: { account: account.id },
    });
  };
}

function readEntries(snapshot: AccountSnapshot, refuse: (why: string) => never): SmartAccount {
  const { account } = snapshot;
  const text = (name: string): string | undefined => {
    const entry = snapshot.data.get(name);
    return entry === undefined ? undefined : new TextDecoder().decode(entry.value);
  };
  const required = (name: string): string => text(name) ?? refuse(`it has no entry ${name}`);
  const stroops = (name: string): bigint => {
    const value = required(name);
    return /^\d{1,18}$/.test(value) ? BigInt(value) : refuse(`${name} is not a number of stroops`);
  };

  const workers = readWorkers(text, refuse);
  // Else one name could hide a signer that no entry names.
  if (new Set(workers.map(({ ledgerKey }) => ledgerKey)).size !== workers.length) refuse("it names a worker twice");
  const address = required(ENTRY.imageAddress);
  const digest = text(ENTRY.imageDigest);
  const owner = text(ENTRY.owner);
  const state = required(ENTRY.state);
  if (!cidSchema.safeParse(state).success) refuse(`${ENTRY.state} is not a CID`);
  if (owner !== undefined && !ledgerAddressSchema.safeParse(owner).success) refuse(`${ENTRY.owner} is not an address`);
  return {
    id: account.id,
    ledger: snapshot.ledger,
    sequence: account.sequence,
    spendableStroops: account.spendableStroops,
    image: digest === undefined ? { address } : { address, digest },
    program: programReference(address, digest) ?? refuse(`${address} names no program that can be pinned`),
    state,
    stateLedger: snapshot.data.get(ENTRY.state)?.lastModifiedLedger ?? 0,
    baseFeeStroops: stroops(ENTRY.baseFee),
    gasPriceStroops: stroops(ENTRY.gasPrice),
    ...(owner === undefined ? {} : { owner }),
    workers,
    snapshot,
  };
}

/** What an image address and digest name; undefined when they do not pin a program. */
export function programReference(address: string, digest: string | undefined): ProgramReference | undefined {
  if (address.startsWith(WASI_PREFIX)) {
    const cid = address.slice(WASI_PREFIX.length);
    return digest === undefined && cidSchema.safeParse(cid).success ? { kind: "wasi", cid } : undefined;
  }
  return digest !== undefined && /^[0-9a-f]{64}$/.test(digest) ? { kind: "docker", image: address, digest } : undefined;
}

/** The entry values of a program reference. */
export function imageOf(reference: ProgramReference): { address: string; digest?: string } {
  return reference.kind === "wasi"
    ? { address: `${WASI_PREFIX}${reference.cid}` }
    : { address: reference.image, digest: reference.digest };
}

function readWorkers(
  text: (name: string) => string | undefined,
  refuse: (why: string) => never,
): readonly SmartAccountWorker[] {
  const workers: SmartAccountWorker[] = [];
  for (let n = 1; n <= MAX_WORKERS; n++) {
    const ledgerKey = text(ENTRY.workerKey(n));
    if (ledgerKey === undefined) break;
    workers.push({ ledgerKey, address: text(ENTRY.workerAddress(n)) ?? refuse(`worker ${n} has no address`) });
  }
  return workers.length > 0 ? workers : refuse("it names no worker");
}
