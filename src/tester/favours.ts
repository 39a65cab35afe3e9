import { z } from "zod";

import type { Store } from "../ports/store.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";

const TABLE = "tester-favours";
const balanceSchema = z.strictObject({ carried: z.int().min(0), carriedUs: z.int().min(0) });

type Balance = z.output<typeof balanceSchema>;
const NOTHING: Balance = { carried: 0, carriedUs: 0 };

/** Who brought whose reports, so that who never takes its turn is carried no more; survives restarts. */
export interface Favours {
  of(account: string): Promise<Balance>;
  /** We paid for theirs. */
  carried(accounts: readonly string[]): Promise<void>;
  /** They paid for ours. */
  carriedUs(account: string): Promise<void>;
}

export function createFavours(store: Store): Favours {
  async function of(account: string): Promise<Balance> {
    const saved = await store.get(TABLE, account);
    if (saved === undefined) return NOTHING;
    return balanceSchema.safeParse(decodeCanonical(saved)).data ?? NOTHING;
  }
  async function put(account: string, balance: Balance): Promise<void> {
    await store.apply([{ kind: "put", table: TABLE, key: account, value: encodeCanonical(balance) }]);
  }
  return {
    of,
    async carried(accounts) {
      for (const account of accounts) {
        const balance = await of(account);
        await put(account, { ...balance, carried: balance.carried + 1 });
      }
    },
    async carriedUs(account) {
      const balance = await of(account);
      await put(account, { ...balance, carriedUs: balance.carriedUs + 1 });
    },
  };
}
