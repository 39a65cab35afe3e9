import type { OperationRecord, Transaction } from "@stellar/stellar-sdk";

import type { AccountSnapshot } from "../../ports/ledger.ts";
import { ENTRY, majorityOf } from "../program/smart-account.ts";
import { parseXlm } from "../program/stroops.ts";
import type { AccountTerms } from "./history-state.ts";

/** What the ledger would hold of a smart account: entries, signers, thresholds. */
export interface AccountModel {
  readonly entries: ReadonlyMap<string, string>;
  readonly signers: ReadonlyMap<string, number>;
  /** Master weight, then low, medium and high threshold. */
  readonly thresholds: readonly [number, number, number, number];
}

/** What a transaction makes of an account. */
export interface AppliedTransaction {
  readonly model: AccountModel;
  /** What it pays in XLM, in order. */
  readonly payments: ReadonlyArray<{ readonly destination: string; readonly stroops: bigint }>;
  /** What others pay to it in XLM, in order. */
  readonly received: ReadonlyArray<{ readonly source: string; readonly stroops: bigint }>;
  /** The first operation that no transaction of a smart account has. */
  readonly foreign?: string;
}

/** An account that was just made: the master key alone. */
export const NEW_ACCOUNT: AccountModel = { entries: new Map(), signers: new Map(), thresholds: [1, 0, 0, 0] };

/** The smart account with these terms and this state. */
export function modelOf(terms: AccountTerms, state: string): AccountModel {
  const { image, owner, workers } = terms;
  const majority = majorityOf(workers.length);
  const entries: ReadonlyArray<readonly [string, string | undefined]> = [
    [ENTRY.imageAddress, image.address],
    [ENTRY.imageDigest, image.digest],
    [ENTRY.state, state],
    [ENTRY.baseFee, terms.baseFeeStroops.toString()],
    [ENTRY.gasPrice, terms.gasPriceStroops.toString()],
    [ENTRY.owner, owner],
    ...workers.flatMap(({ address, ledgerKey }, i) => [
      [ENTRY.workerAddress(i + 1), address] as const,
      [ENTRY.workerKey(i + 1), ledgerKey] as const,
    ]),
  ];
  return {
    entries: new Map(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))),
    signers: new Map(workers.map(({ ledgerKey }) => [ledgerKey, 1])),
    thresholds: [0, majority, majority, majority],
  };
}

/** What the operations of a transaction with `program` as their source make of it. */
export function applyTransaction(model: AccountModel, transaction: Transaction, program: string): AppliedTransaction {
  const entries = new Map(model.entries);
  const signers = new Map(model.signers);
  let thresholds = model.thresholds;
  const payments: { destination: string; stroops: bigint }[] = [];
  const received: { source: string; stroops: bigint }[] = [];
  let foreign: string | undefined;
  for (const operation of transaction.operations) {
    const source = operation.source ?? transaction.source;
    if (operation.type === "createAccount" && operation.destination === program) continue;
    if (isPaidTo(operation, program) && source !== program) {
      received.push({ source, stroops: parseXlm(operation.amount) });
    } else if (source !== program) foreign ??= `${operation.type} of ${source}`;
    else if (operation.type === "manageData") setEntry(entries, operation);
    else if (operation.type === "payment" && operation.asset.isNative()) {
      payments.push({ destination: operation.destination, stroops: parseXlm(operation.amount) });
    } else if (operation.type === "bumpSequence" && BigInt(operation.bumpTo) <= BigInt(transaction.sequence)) continue;
    else if (operation.type === "setOptions" && setsAuthorityAlone(operation)) {
      thresholds = setThresholds(thresholds, operation);
      setSigner(signers, operation);
    } else foreign ??= operation.type;
  }
  return { model: { entries, signers, thresholds }, payments, received, ...(foreign === undefined ? {} : { foreign }) };
}

/** In what the first differs from the second, in words; undefined when they are equal. */
export function differenceOf(found: AccountModel, expected: AccountModel): string | undefined {
  return (
    firstDifference(found.entries, expected.entries, "entry") ??
    firstDifference(found.signers, expected.signers, "signer") ??
    (found.thresholds.join() === expected.thresholds.join()
      ? undefined
      : `master weight and thresholds ${found.thresholds.join(", ")} instead of ${expected.thresholds.join(", ")}`)
  );
}

/** What the ledger says that a smart account is. */
export function modelOfSnapshot({ account, data }: AccountSnapshot): AccountModel {
  const { master, low, medium, high } = account.thresholds;
  return {
    entries: new Map([...data].map(([name, { value }]) => [name, Buffer.from(value).toString("latin1")])),
    signers: new Map(account.signers.map(({ key, weight }) => [key, weight])),
    thresholds: [master, low, medium, high],
  };
}

type Payment = Extract<OperationRecord, { type: "payment" }>;
type SetOptions = Extract<OperationRecord, { type: "setOptions" }>;

function isPaidTo(operation: OperationRecord, program: string): operation is Payment {
  return operation.type === "payment" && operation.asset.isNative() && operation.destination === program;
}

function setEntry(
  entries: Map<string, string>,
  { name, value }: Extract<OperationRecord, { type: "manageData" }>,
): void {
  if (value === undefined) entries.delete(name);
  else entries.set(name, Buffer.from(value).toString("latin1"));
}

/** Whether it sets signers and thresholds of known kinds and nothing else. */
function setsAuthorityAlone(operation: SetOptions): boolean {
  const { clearFlags, setFlags, homeDomain, inflationDest, signer } = operation;
  if (clearFlags !== undefined || setFlags !== undefined) return false;
  if (homeDomain !== undefined || inflationDest !== undefined) return false;
  return signer === undefined || "ed25519PublicKey" in signer;
}

function setThresholds(
  [master, low, medium, high]: AccountModel["thresholds"],
  operation: SetOptions,
): AccountModel["thresholds"] {
  return [
    operation.masterWeight ?? master,
    operation.lowThreshold ?? low,
    operation.medThreshold ?? medium,
    operation.highThreshold ?? high,
  ];
}

function setSigner(signers: Map<string, number>, { signer }: SetOptions): void {
  if (signer === undefined || !("ed25519PublicKey" in signer)) return;
  const weight = Number(signer.weight ?? 0);
  if (weight === 0) signers.delete(signer.ed25519PublicKey);
  else signers.set(signer.ed25519PublicKey, weight);
}

function firstDifference<T extends string | number>(
  found: ReadonlyMap<string, T>,
  expected: ReadonlyMap<string, T>,
  what: string,
): string | undefined {
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [is, should] = [found.get(name), expected.get(name)];
    if (is !== should) return `${what} ${name} is ${is ?? "absent"} instead of ${should ?? "absent"}`;
  }
  return undefined;
}
