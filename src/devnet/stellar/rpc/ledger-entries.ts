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
import { fail, parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import type { RpcContext } from "./methods.ts";
import { xdrFormat } from "./pages.ts";

/** Keys that one `getLedgerEntries` may ask for (Stellar RPC). */
const MAX_KEYS = 200;

const schema = z.object({ keys: z.array(z.string().max(4096)), xdrFormat });

/** `getLedgerEntries`: accounts and data entries; keys of other kinds are valid and find nothing. */
export function ledgerEntryMethods({ ledger }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getLedgerEntries(params) {
      const parsed = parseParams(schema, params);
      if ("failure" in parsed) return parsed;
      const { keys } = parsed.params;
      if (keys.length > MAX_KEYS) {
        return fail(
          "invalidParams",
          `key count (${String(keys.length)}) exceeds maximum supported (${String(MAX_KEYS)})`,
        );
      }
      const entries: object[] = [];
      const seen = new Set<string>();
      for (const [index, text] of keys.entries()) {
        const key = readKey(text);
        if (key === undefined) {
          return fail("invalidParams", `cannot unmarshal key value ${text} at index ${String(index)}`);
        }
        if (key.type === "ttl") return fail("invalidParams", "ledger ttl entries cannot be queried directly");
        if (seen.has(text)) continue;
        seen.add(text);
        const record = find(ledger.state, key);
        if (record !== undefined) entries.push(describe(record));
      }
      return { entries, latestLedger: ledger.header().sequence };
    },
  };
}

function readKey(text: string): xdr.LedgerKey | undefined {
  try {
    return xdr.LedgerKey.fromXdr(text, "base64");
  } catch {
    return undefined;
  }
}

function find(state: LedgerState, key: xdr.LedgerKey): LedgerRecord | undefined {
  if (key.type === "account") return state.account(accountIdFromXdr(key.account.accountId));
  if (key.type !== "data") return undefined;
  return state.data(accountIdFromXdr(key.data.accountId), latin1(key.data.dataName.bytes));
}

function describe(record: LedgerRecord): object {
  return {
    key: recordKeyToXdr(record).toXdr("base64"),
    xdr: recordDataToXdr(record).toXdr("base64"),
    lastModifiedLedgerSeq: record.lastModifiedLedger,
    extXdr: recordExtensionToXdr(record).toXdr("base64"),
  };
}
