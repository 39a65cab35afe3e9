import { StrKey, xdr } from "@stellar/stellar-sdk";

import { accountIdToAddress } from "../../../../src/devnet/stellar/ledger/account-xdr.ts";
import type { Account } from "../../../../src/devnet/stellar/ledger/account.ts";
import { createDevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import type { DevelopmentLedger } from "../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { fromHex } from "../../../../src/devnet/stellar/ledger/hashing.ts";
import { TOTAL_COINS_STROOPS } from "../../../../src/devnet/stellar/ledger/parameters.ts";
import { signerKeyToXdr } from "../../../../src/devnet/stellar/ledger/signer-key.ts";
import type { SignerKey } from "../../../../src/devnet/stellar/ledger/signer-key.ts";
import type { VectorFile, VectorStep } from "./vector-form.ts";

/** How one file of recorded steps compares. */
export interface ReplayReport {
  readonly steps: number;
  readonly equal: number;
  /** The first difference in words, with both sides. */
  readonly firstDifference: string | undefined;
}

/** Where and how a transaction was applied. */
interface Applied {
  readonly resultXdr: string;
  readonly ledgerSeq: number;
  readonly closeTime: number;
  readonly applyIndex: number;
}

/** Replays steps recorded from a stellar-core against the development ledger. */
export function replayVectors(file: VectorFile): ReplayReport {
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
  const applied = new Map<string, Applied>();
  const setup = difference("state after setup", file.setup.after.accounts, accountsOf(ledger));
  // Results of steps that did not close come out with the close that applies them: those steps are judged then.
  let open: { readonly step: VectorStep; readonly problems: string[] }[] = [];
  const different: string[] = [];
  const judge = (): void => {
    for (const { step, problems } of open)
      if (problems.length > 0) different.push(`${step.label}: ${problems.join("; ")}`);
    open = [];
  };
  for (const step of file.steps) {
    const problems = setup === undefined ? [] : [setup];
    problems.push(...submit(ledger, step));
    open.push({ step, problems });
    if (step.ledger !== undefined) {
      problems.push(...close(ledger, step.ledger, applied));
      for (const waited of open) waited.problems.push(...compareResult(waited.step, applied));
    }
    problems.push(...compareState(ledger, step));
    if (step.closes) judge();
  }
  judge();
  const steps = file.steps.length;
  return { steps, equal: steps - different.length, firstDifference: different[0] };
}

function submit(ledger: DevelopmentLedger, step: VectorStep): string[] {
  if (step.envelopeXdr === null || !step.submit) return [];
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
  applied: Map<string, Applied>,
): string[] {
  const closed = ledger.close({ closeTime: BigInt(expected.closeTime), order: expected.applied });
  const { sequence, closeTime } = closed.header;
  for (const [i, { tx, result }] of closed.transactions.entries()) {
    const place = { ledgerSeq: sequence, closeTime: Number(closeTime), applyIndex: i + 1 };
    applied.set(tx.hash, { resultXdr: result.toXdr("base64"), ...place });
  }
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

function compareResult(step: VectorStep, applied: ReadonlyMap<string, Applied>): string[] {
  if (step.submit?.status !== "PENDING" || step.hash === undefined) return [];
  const actual = applied.get(step.hash);
  const expected = step.resultXdr ?? undefined;
  const { applyIndex } = step;
  const place = applyIndex === undefined ? {} : { ledgerSeq: step.ledgerSeq, closeTime: step.closeTime, applyIndex };
  const { resultXdr, ...actualPlace } = actual ?? {};
  return [
    difference("result", readable(expected), readable(resultXdr)),
    difference("result XDR", expected, resultXdr),
    difference("place", place, actualPlace),
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
  if (resultXdr === undefined) return undefined;
  try {
    return xdr.TransactionResult.fromXdr(resultXdr, "base64").toJson();
  } catch {
    return "no TransactionResult";
  }
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
