import { Keypair, SignerKey, TransactionBuilder, rpc, xdr } from "@stellar/stellar-sdk";

import { resultCodeOf } from "../../domain/program/result-code.ts";
import { SprfError, isSprfError } from "../../errors.ts";
import type { LandedTransaction, Ledger, LedgerAccount, LedgerDataEntry, SubmitResult } from "../../ports/ledger.ts";
import { abortError, raceAbort, throwIfAborted, withDeadline } from "../../utils/abort.ts";
import { fromHex, utf8 } from "../../utils/bytes.ts";

const BASE_RESERVE_STROOPS = 5_000_000n;
const CALL_TIMEOUT_MS = 10_000;
const PAGE_LIMIT = 200;
/** The service's words; its code is that of any request that it refuses. */
const OUT_OF_RANGE = /must be between the oldest ledger/;

export interface StellarRpcInit {
  readonly rpcUrl: string;
  readonly networkPassphrase: string;
  /** @default 10,000 */
  readonly callTimeoutMs?: number;
  /** The SDK's client of the service. @default one that speaks HTTP to `rpcUrl` */
  readonly server?: rpc.Server;
}

/** Which network a service is of. @throws SprfError `LEDGER_UNREACHABLE`, `ABORTED` */
export async function passphraseOf(
  rpcUrl: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<string> {
  const server = new rpc.Server(rpcUrl, { allowHttp: rpcUrl.startsWith("http://"), timeout: CALL_TIMEOUT_MS });
  try {
    return (await raceAbort(server.getNetwork(), signal)).passphrase;
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    throw new SprfError("LEDGER_UNREACHABLE", `${rpcUrl}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The Stellar network through a Stellar RPC service (Horizon is deprecated). */
export function createStellarRpcLedger({
  rpcUrl,
  networkPassphrase,
  callTimeoutMs = CALL_TIMEOUT_MS,
  server = new rpc.Server(rpcUrl, { allowHttp: rpcUrl.startsWith("http://"), timeout: callTimeoutMs }),
}: StellarRpcInit): Ledger {
  function requireShape(isAnswer: boolean): void {
    if (!isAnswer) throw new SprfError("LEDGER_UNREACHABLE", `${rpcUrl}: the service answered nonsense`);
  }

  async function call<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    throwIfAborted(signal);
    try {
      return await raceAbort(work(), withDeadline(signal, callTimeoutMs));
    } catch (error) {
      // The caller's own end or deadline, whatever the call made of it.
      if (signal?.aborted) throw abortError(signal);
      throw new SprfError("LEDGER_UNREACHABLE", `${rpcUrl}: ${reasonOf(error)}`, { cause: error });
    }
  }

  return {
    networkPassphrase,

    async latest({ signal } = {}) {
      const { sequence } = await call(() => server.getLatestLedger(), signal);
      requireShape(Number.isSafeInteger(sequence));
      return { sequence };
    },

    async account(id, dataNames, { signal } = {}) {
      const accountId = Keypair.fromPublicKey(id).xdrAccountId();
      const keys = [
        xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId })),
        ...dataNames.map((name) => xdr.LedgerKey.data(new xdr.LedgerKeyData({ accountId, dataName: utf8(name) }))),
      ];
      const { entries, latestLedger } = await call(() => server.getLedgerEntries(...keys), signal);
      // Nonsense must not pass for an account that is not there.
      requireShape(Array.isArray(entries) && Number.isSafeInteger(latestLedger));
      const data = new Map<string, LedgerDataEntry>();
      let account: LedgerAccount | undefined;
      for (const { val, lastModifiedLedgerSeq } of entries) {
        if (val.type === "account") account = readAccount(id, val.account);
        if (val.type !== "data") continue;
        data.set(val.data.dataName.toString(), {
          value: new Uint8Array(val.data.dataValue.value),
          lastModifiedLedger: lastModifiedLedgerSeq ?? 0,
        });
      }
      return account === undefined ? undefined : { account, data, ledger: latestLedger };
    },

    async transaction(hash, { signal } = {}) {
      const found = await call(() => server._getTransaction(hash), signal);
      requireShape(isObject(found) && ["NOT_FOUND", "SUCCESS", "FAILED"].includes(found.status));
      if (found.status === "NOT_FOUND") return undefined;
      return readTransaction({ ...found, txHash: found.txHash ?? hash });
    },

    async header(sequence, { signal } = {}) {
      const page = await unlessOutOfRange(
        call(() => server._getLedgers({ startLedger: sequence, pagination: { limit: 1 } }), signal),
      );
      if (page === undefined) return undefined;
      requireShape(isObject(page) && Array.isArray(page.ledgers));
      const found = page.ledgers.find((ledger) => ledger.sequence === sequence);
      if (found === undefined) return undefined;
      return { sequence, hash: fromHex(found.hash), closeTime: Number(found.ledgerCloseTime) };
    },

    async *transactions(from, to, { signal } = {}) {
      let page = await unlessOutOfRange(
        call(() => server._getTransactions({ startLedger: from, pagination: { limit: PAGE_LIMIT } }), signal),
      );
      while (page !== undefined) {
        requireShape(isObject(page) && Array.isArray(page.transactions));
        const found = page.transactions ?? [];
        for (const transaction of found) {
          if (transaction.ledger > to) return;
          yield readTransaction(transaction);
        }
        if (found.length < PAGE_LIMIT) return;
        const { cursor } = page;
        page = await call(() => server._getTransactions({ pagination: { cursor, limit: PAGE_LIMIT } }), signal);
      }
    },

    async submit(envelopeXdr, { signal } = {}): Promise<SubmitResult> {
      const transaction = TransactionBuilder.fromXdr(envelopeXdr, networkPassphrase);
      const { status, hash, errorResultXdr } = await call(() => server._sendTransaction(transaction), signal);
      if (status === "PENDING") return { status: "pending", hash };
      if (status === "DUPLICATE") return { status: "duplicate", hash };
      if (status === "TRY_AGAIN_LATER") return { status: "try-again-later", hash };
      const resultXdr = errorResultXdr ?? "";
      return { status: "refused", hash, code: resultCodeOf(resultXdr), resultXdr };
    },
  };
}

function readAccount(id: string, entry: xdr.AccountEntry): LedgerAccount {
  const extension = entry.ext.type === "v1" ? entry.ext.v1 : undefined;
  const sponsorship = extension?.ext.type === "v2" ? extension.ext.v2 : undefined;
  const moved = sponsorship?.ext.type === "v3" ? Number(sponsorship.ext.v3.seqTime) : undefined;
  const reserved =
    2n + BigInt(entry.numSubEntries) + BigInt(sponsorship?.numSponsoring ?? 0) - BigInt(sponsorship?.numSponsored ?? 0);
  const spendable = entry.balance - reserved * BASE_RESERVE_STROOPS - (extension?.liabilities.selling ?? 0n);
  const [master = 0, low = 0, medium = 0, high = 0] = entry.thresholds.value;
  return {
    id,
    sequence: entry.seqNum,
    ...(moved === undefined ? {} : { sequenceTime: moved }),
    balanceStroops: entry.balance,
    spendableStroops: spendable > 0n ? spendable : 0n,
    thresholds: { master, low, medium, high },
    signers: entry.signers.map(({ key, weight }) => ({ key: SignerKey.encodeSignerKey(key), weight })),
  };
}

function readTransaction(raw: {
  readonly status: string;
  readonly txHash: string;
  readonly ledger?: number;
  readonly createdAt?: number;
  readonly envelopeXdr?: string;
  readonly resultXdr?: string;
}): LandedTransaction {
  if (
    raw.ledger === undefined ||
    raw.createdAt === undefined ||
    raw.envelopeXdr === undefined ||
    raw.resultXdr === undefined
  ) {
    throw new SprfError("LEDGER_UNREACHABLE", `the service answered without the details of transaction ${raw.txHash}`);
  }
  return {
    hash: raw.txHash,
    successful: raw.status === "SUCCESS",
    ledger: raw.ledger,
    closeTime: Number(raw.createdAt),
    envelopeXdr: raw.envelopeXdr,
    resultXdr: raw.resultXdr,
  };
}

/** Undefined for ledgers that the service no longer has, or not yet: absence is no failure of the service. */
async function unlessOutOfRange<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    const result = await work;
    if (result === undefined) throw new SprfError("LEDGER_UNREACHABLE", "the service answered nonsense");
    return result;
  } catch (error) {
    if (isSprfError(error, "LEDGER_UNREACHABLE") && OUT_OF_RANGE.test(error.message)) return undefined;
    throw error;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** What went wrong, from an Error or from the bare `{ code, message }` that the SDK throws for JSON-RPC errors. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && error.message !== "") return error.message;
  if (typeof error === "object" && error !== null && "message" in error) return String(error.message);
  return String(error);
}
