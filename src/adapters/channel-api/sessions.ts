import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { toHex } from "../../utils/bytes.ts";

const TOKEN_BYTES = 32;
const MAX_SESSIONS = 10_000;
/** A client that was away longer signs again. */
const IDLE_MS = 60 * 60_000;

/** Who asks, and of which channel. */
export interface ApiSession {
  readonly wallet: string;
  readonly channel: bigint;
}

/** Sessions that outlive their connection, so that a client that lost it goes on without its wallet. */
export interface SessionBook {
  /** The token of a new session. */
  open(session: ApiSession): string;
  /** Whether the token is of this very session, which stays open another while then. */
  resume(token: string, session: ApiSession): boolean;
}

export function createSessionBook({ clock, random }: { readonly clock: Clock; readonly random: Random }): SessionBook {
  // In the order of their last use, which a Map keeps when an entry is deleted and set again.
  const sessions = new Map<string, ApiSession & { readonly usedAtMs: number }>();
  const touch = (token: string, { wallet, channel }: ApiSession): void => {
    sessions.delete(token);
    sessions.set(token, { wallet, channel, usedAtMs: clock.now() });
  };
  const forgetOld = (): void => {
    for (const [token, { usedAtMs }] of sessions) {
      if (sessions.size < MAX_SESSIONS && clock.now() - usedAtMs <= IDLE_MS) return;
      sessions.delete(token);
    }
  };
  return {
    open(session) {
      forgetOld();
      const token = toHex(random.bytes(TOKEN_BYTES));
      touch(token, session);
      return token;
    },
    resume(token, session) {
      const found = sessions.get(token);
      if (found === undefined || clock.now() - found.usedAtMs > IDLE_MS) return false;
      if (found.wallet !== session.wallet || found.channel !== session.channel) return false;
      touch(token, session);
      return true;
    },
  };
}
