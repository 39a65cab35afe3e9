import { z } from "zod";

import type { ChallengeGrounds, ChallengeRecord } from "../domain/verdict/decide-dispute.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";

const TABLE = "tester-challenges";
const MS_PER_DAY = 86_400_000;

const recordSchema = z.strictObject({ won: z.int().min(0), lost: z.int().min(0) });

/** How own challenges went, and how many were begun today; survives restarts. */
export interface ChallengeBook {
  record(grounds: ChallengeGrounds): Promise<ChallengeRecord>;
  today(): Promise<number>;
  begun(): Promise<void>;
  ended(grounds: ChallengeGrounds, won: boolean): Promise<void>;
}

export function createChallengeBook({ store, clock }: { readonly store: Store; readonly clock: Clock }): ChallengeBook {
  const dayKey = (): string => `day/${Math.floor(clock.now() / MS_PER_DAY)}`;

  async function today(): Promise<number> {
    const saved = await store.get(TABLE, dayKey());
    return saved === undefined ? 0 : (z.int().min(0).safeParse(decodeCanonical(saved)).data ?? 0);
  }

  async function record(grounds: ChallengeGrounds): Promise<ChallengeRecord> {
    const saved = await store.get(TABLE, `grounds/${grounds}`);
    const none = { won: 0, lost: 0 };
    return saved === undefined ? none : (recordSchema.safeParse(decodeCanonical(saved)).data ?? none);
  }

  return {
    today,
    record,
    async begun() {
      const value = encodeCanonical((await today()) + 1);
      await store.apply([{ kind: "put", table: TABLE, key: dayKey(), value }]);
    },
    async ended(grounds, won) {
      const before = await record(grounds);
      const after = won ? { ...before, won: before.won + 1 } : { ...before, lost: before.lost + 1 };
      await store.apply([{ kind: "put", table: TABLE, key: `grounds/${grounds}`, value: encodeCanonical(after) }]);
    },
  };
}
