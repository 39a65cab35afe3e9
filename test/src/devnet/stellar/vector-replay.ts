import { readFileSync } from "node:fs";

import { StrKey, xdr } from "@stellar/stellar-sdk";

import { accountIdToAddress } from "../../../../src/devnet/stellar/ledger/account-xdr.ts";
import type { Account } from "../../../../src/devnet/stellar/ledger/account.ts";
import { createDevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { fromHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { TOTAL_COINS_STROOPS } from "../../../../src/devnet/stellar/ledger/parameters.ts";
import { signerKeyToXdr } from "../../../../src/devnet/stellar/ledger/signer-key.ts";
import type { SignerKey } from "../../../../src/devnet/stellar/ledger/signer-key.ts";

interface VectorStep {
  readonly label: string;
  readonly envelopeXdr: string | null;
  readonly hash?: string;
  readonly submit?: { readonly status: string; readonly errorResultXdr?: string } | null;
  readonly closes: boolean;
  readonly resultXdr?: string | null;
  readonly applyIndex?: number;
  readonly notApplied?: boolean;
  readonly ledger?: {
    readonly ledgerSeq: number;
    readonly closeTime: number;
    readonly feePool: string;
    readonly applied: readonly string[];
  };
  readonly after: { readonly accounts: Readonly<Record<string, unknown>> };
}

interface VectorFile {
  readonly networkPassphrase: string;
  readonly baseFee: number;
  readonly baseReserve: number;
  readonly protocol: number;
  readonly maxTxSetSize: number;
  readonly setup: { readonly closeTime: number; readonly after: VectorStep["after"] };
  readonly steps: readonly VectorStep[];
}

/** How one file of recorded steps compares. */
export interface ReplayReport {
  readonly steps: number;
  readonly equal: number;
  /** The first difference in words, with both sides. */
  readonly firstDifference: string | undefined;
}

/** Replays a file of steps recorded from a stellar-core against the development ledger. */
export function replayVectors(path: string): ReplayReport {
  const file = JSON.parse(readFileSync(path, "utf8")) as VectorFile;
  const ledger = createDevelopmentLedger({
    parameters: {
      networkPassphrase: file.networkPassphrase,
      protocolVersion: file.protocol,
      baseFeeStroops: BigInt(file.baseFee),
      baseReserveStroops: BigInt(file.baseReserve),
      maxOperationsPerLedger: file.maxTxSetSize,
    },
    queueRule: "chain",
  });
  ledger.close({ closeTime: BigInt(file.setup.closeTime) });
  const applied = new Map<string, string>();
  // Results of steps that did not close come out with the close that applies them: those steps are judged then.
  const open: { readonly step: VectorStep; readonly problems: string[] }[] = [];
  const problems: string[] = [];
  let equal = 0;
  const setup = difference("state after setup", file.setup.after.accounts, accountsOf(ledger));
  for (const step of file.steps) {
    const found = setup === undefined ? [] : [setup];
    found.push(...submit(ledger, step));
    open.push({ step, problems: found });
    if (step.closes && step.ledger !== undefined) {
      found.push(...close(ledger, step.ledger, applied));
      for (const { step: pending, problems: list } of open) list.push(...compareResult(pending, applied));
    }
    found.push(...compareState(ledger, step));
    if (!step.closes) continue;
    for (const { step: done, problems: list } of open.splice(0)) {
      if (list.length === 0) equal += 1;
      else problems.push(`${done.label}: ${list.join("; ")}`);
    }
  }
  for (const { step, problems: list } of open) {
    if (list.length === 0) equal += 1;
    else problems.push(`${step.label}: ${list.join("; ")}`);
  }
  return { steps: file.steps.length, equal, firstDifference: problems[0] };
}

function submit(ledger: DevelopmentLedger, step: VectorStep): string[] {
  if (step.envelopeXdr === null || step.submit === undefined || step.submit === null) return [];
  const { status, hash, errorResultXdr } = offer(ledger, step.envelopeXdr);
  return [
    difference("status", step.submit.status, status),
    difference("error result", readable(step.submit.errorResultXdr), readable(errorResultXdr)),
    difference("error result XDR", step.submit.errorResultXdr, errorResultXdr),
    hash === undefined ? undefined : difference("hash", step.hash, hash),
  ].filter((problem) => problem !== undefined);
}

function offer(
  ledger: DevelopmentLedger,
  envelopeXdr: string,
): { status: string; hash?: string; errorResultXdr?: string } {
  let tx;
  try {
    tx = ledger.decode(envelopeXdr);
  } catch {
    return { status: "EXCEPTION" };
  }
  const { status, errorResult } = ledger.submit(tx);
  return { status, hash: tx.hash, ...(errorResult && { errorResultXdr: errorResult.toXdr("base64") }) };
}

function close(
  ledger: DevelopmentLedger,
  expected: NonNullable<VectorStep["ledger"]>,
  applied: Map<string, string>,
): string[] {
  const closed = ledger.close({ closeTime: BigInt(expected.closeTime), order: expected.applied });
  for (const { tx, result } of closed.transactions) applied.set(tx.hash, result.toXdr("base64"));
  const total = [...ledger.state.accounts()].reduce((sum, a) => sum + a.balanceStroops, ledger.state.feePoolStroops);
  return [
    difference("ledger", expected.ledgerSeq, closed.header.sequence),
    difference("fee pool", expected.feePool, String(ledger.state.feePoolStroops)),
    difference(
      "applied",
      expected.applied,
      closed.transactions.map(({ tx }) => tx.hash),
    ),
    difference("coins", String(TOTAL_COINS_STROOPS), String(total)),
  ].filter((problem) => problem !== undefined);
}

function compareResult(step: VectorStep, applied: ReadonlyMap<string, string>): string[] {
  if (step.submit?.status !== "PENDING" || step.hash === undefined) return [];
  const actual = applied.get(step.hash);
  const expected = step.resultXdr ?? undefined;
  return [
    difference("result", readable(expected), readable(actual)),
    difference("result XDR", expected, actual),
  ].filter((problem) => problem !== undefined);
}

function compareState(ledger: DevelopmentLedger, step: VectorStep): string[] {
  const problem = difference("accounts", step.after.accounts, accountsOf(ledger));
  return problem === undefined ? [] : [problem];
}

function accountsOf(ledger: DevelopmentLedger): Record<string, unknown> {
  const accounts: Record<string, unknown> = {};
  for (const account of ledger.state.accounts()) accounts[accountIdToAddress(account.id)] = describe(ledger, account);
  return accounts;
}

function describe(ledger: DevelopmentLedger, account: Account): unknown {
  const data = [...ledger.state.dataOf(account.id)].map(({ name, value }) => [
    name,
    Buffer.from(value).toString("base64"),
  ]);
  return {
    balance: String(account.balanceStroops),
    seqNum: String(account.sequenceNumber),
    numSubEntries: account.subentryCount,
    flags: account.flags,
    inflationDest: account.inflationDestination === null ? null : accountIdToAddress(account.inflationDestination),
    homeDomain: account.homeDomain,
    thresholds: {
      masterWeight: account.thresholds.master,
      low: account.thresholds.low,
      med: account.thresholds.medium,
      high: account.thresholds.high,
    },
    signers: account.signers.map(({ key, weight }) => ({ key: signerAddress(key), weight })),
    data: Object.fromEntries(data) as unknown,
    numSponsoring: account.sponsoringCount,
    numSponsored: account.sponsoredCount,
    seqLedger: account.sequenceLedger,
    seqTime: String(account.sequenceTime),
  };
}

function signerAddress(signer: SignerKey): string {
  const key = fromHex(signer.key);
  switch (signer.kind) {
    case "ed25519":
      return StrKey.encodeEd25519PublicKey(key);
    case "preAuthTx":
      return StrKey.encodePreAuthTx(key);
    case "hashX":
      return StrKey.encodeSha256Hash(key);
    case "signedPayload": {
      const value = signerKeyToXdr(signer).toXdr();
      return StrKey.encodeSignedPayload(value.subarray(4));
    }
  }
}

function readable(resultXdr: string | undefined): unknown {
  return resultXdr === undefined ? undefined : xdr.TransactionResult.fromXdr(resultXdr, "base64").toJson();
}

function difference(what: string, expected: unknown, actual: unknown): string | undefined {
  const left = canonical(expected);
  const right = canonical(actual);
  return left === right ? undefined : `${what}: expected ${left}, got ${right}`;
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, item: unknown) =>
      item !== null && typeof item === "object" && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
        : item,
    ) ?? "nothing"
  );
}
