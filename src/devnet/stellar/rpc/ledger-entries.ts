import { xdr } from "@stellar/stellar-sdk";
import { z } from "zod";

import {
  accountIdFromXdr,
  latin1,
  recordDataToXdr,
  recordExtensionToXdr,
  recordKeyToXdr,
} from "../ledger/account-xdr.ts";
import type { LedgerRecord, LedgerState } from "../ledger/ledger-state.ts";
import { parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import { fail } from "./json-rpc-failure.ts";
import type { RpcContext } from "./methods.ts";
import type { XdrFormat } from "./xdr-format.ts";
import { checkFormat, formatOf, fromBase64, toBase64, xdrFormat } from "./xdr-format.ts";

/** Keys that one `getLedgerEntries` may ask for (Stellar RPC). */
const MAX_KEYS = 200;

const MAX_KEY_CHARACTERS = 4096;

const schema = z.object({ keys: z.array(z.string().max(MAX_KEY_CHARACTERS)).nullish(), xdrFormat });

/** `getLedgerEntries`: accounts and data entries; keys of other kinds are valid and find nothing. */
export function ledgerEntryMethods({ ledger, runner }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getLedgerEntries(params) {
      const parsed = parseParams(schema, params);
      if ("failure" in parsed) return parsed;
      const wrongFormat = checkFormat(parsed.params.xdrFormat);
      if (wrongFormat !== undefined) return fail("invalidParams", wrongFormat);
      const keys = parsed.params.keys ?? [];
      if (keys.length > MAX_KEYS) {
        return fail(
          "invalidParams",
          `key count (${String(keys.length)}) exceeds maximum supported (${String(MAX_KEYS)})`,
        );
      }
      // After a failed write memory is ahead of what a restart will know.
      const failure = runner.failure();
      if (failure !== undefined) return fail("internalError", failure.message);
      const found = new Map<string, LedgerRecord>();
      for (const [index, text] of keys.entries()) {
        const key = readKey(text);
        if (key === undefined) {
          return fail("invalidParams", `cannot unmarshal key value ${text} at index ${String(index)}`);
        }
        if (key.type === "ttl") return fail("invalidParams", "ledger ttl entries cannot be queried directly");
        const record = find(ledger.state, key);
        if (record !== undefined) found.set(text, record);
      }
      const format = formatOf(parsed.params.xdrFormat);
      const entries = [...found.values()].map((record) => describe(record, format));
      return { entries, latestLedger: ledger.header().sequence };
    },
  };
}

function readKey(text: string): xdr.LedgerKey | undefined {
  const bytes = fromBase64(text);
  if (bytes === undefined) return undefined;
  try {
    return xdr.LedgerKey.fromXdr(bytes);
  } catch {
    return undefined;
  }
}

function find(state: LedgerState, key: xdr.LedgerKey): LedgerRecord | undefined {
  if (key.type === "account") return state.account(accountIdFromXdr(key.account.accountId));
  if (key.type !== "data") return undefined;
  return state.data(accountIdFromXdr(key.data.accountId), latin1(key.data.dataName.bytes));
}

function describe(record: LedgerRecord, format: XdrFormat): object {
  const lastModifiedLedgerSeq = record.lastModifiedLedger;
  const key = recordKeyToXdr(record);
  const data = recordDataToXdr(record);
  const extension = recordExtensionToXdr(record);
  if (format === "json") {
    return { keyJson: key.toJson(), dataJson: data.toJson(), lastModifiedLedgerSeq, extJson: extension.toJson() };
  }
  return {
    key: toBase64(key.toXdr()),
    xdr: toBase64(data.toXdr()),
    lastModifiedLedgerSeq,
    extXdr: toBase64(extension.toXdr()),
  };
}
