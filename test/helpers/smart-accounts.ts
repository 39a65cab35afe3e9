import { Keypair } from "@stellar/stellar-sdk";

import type { SmartAccountTerms } from "../../src/domain/program/account-terms.ts";
import type { AccountSnapshot, LedgerAccount, LedgerDataEntry } from "../../src/ports/ledger.ts";
import { utf8 } from "../../src/utils/bytes.ts";

/** A CID of a raw block and one of a record. */
export const STATE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
export const MODULE = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

/** The n-th key pair of a test, the same in each run. */
export function keyOf(n: number): Keypair {
  return Keypair.fromRawEd25519Seed(Buffer.alloc(32, n));
}

/** Terms of a smart account with this many workers. */
export function termsFor(workers: number, changes: Partial<SmartAccountTerms> = {}): SmartAccountTerms {
  return {
    program: { kind: "wasi", cid: MODULE },
    state: STATE,
    baseFeeStroops: 100n,
    gasPriceStroops: 10n,
    workers: Array.from({ length: workers }, (_, i) => ({
      address: `http://127.0.0.1:${9_000 + i}`,
      ledgerKey: keyOf(i + 1).publicKey(),
    })),
    ...changes,
  };
}

/** What a ledger would say of a well-made smart account with three workers, after `change`. */
export function snapshotWith(
  change: { data?: Readonly<Record<string, string | undefined>>; account?: Partial<LedgerAccount> } = {},
): AccountSnapshot {
  const { workers } = termsFor(3);
  const data: Record<string, string | undefined> = {
    smart_program_image_address: `wasm:${MODULE}`,
    current_state: STATE,
    execution_base_fee: "100",
    gas_price: "10",
    ...Object.fromEntries(
      workers.flatMap(({ address, ledgerKey }, i) => [
        [`worker_${i + 1}_address`, address],
        [`worker_${i + 1}_public_key`, ledgerKey],
      ]),
    ),
    ...change.data,
  };
  return {
    account: {
      id: keyOf(99).publicKey(),
      sequence: 7n,
      balanceStroops: 100_000_000n,
      spendableStroops: 40_000_000n,
      thresholds: { master: 0, low: 2, medium: 2, high: 2 },
      signers: workers.map(({ ledgerKey }) => ({ key: ledgerKey, weight: 1 })),
      ...change.account,
    },
    data: new Map<string, LedgerDataEntry>(
      Object.entries(data).flatMap(([name, value]) =>
        value === undefined
          ? []
          : [[name, { value: utf8(value), lastModifiedLedger: name === "current_state" ? 41 : 3 }]],
      ),
    ),
    ledger: 42,
  };
}
