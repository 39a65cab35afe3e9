import { StrKey } from "@stellar/stellar-sdk";

import type { ClosedLedger } from "../../../src/devnet/stellar/ledger/close-ledger.ts";
import { ENTRY_NAMES } from "../../../src/domain/program/smart-account.ts";
import type { AccountSnapshot, Ledger } from "../../../src/ports/ledger.ts";
import { allOf } from "./all-of.ts";
import type { SimulatedLedger } from "./ledger.ts";

interface Version {
  /** The ledger that made it so. */
  readonly since: number;
  readonly snapshot: Promise<AccountSnapshot | undefined>;
}

/** The ledger as services saw it some ledgers ago. */
export interface PastLedgers {
  /** A service that is `behind()` ledgers late now; what it has shown once it does not take back. */
  seenLate(behind: () => number): Ledger;
}

/** Remembers from now on what accounts were like. */
export function rememberPast(ledger: SimulatedLedger): PastLedgers {
  const { port } = ledger;
  const versions = new Map<string, Version[]>();

  ledger.onClose(({ header, changes }: ClosedLedger) => {
    const changed = changes.flatMap(({ before, after }) => after ?? before ?? []);
    for (const id of new Set(changed.map((record) => (record.kind === "data" ? record.accountId : record.id)))) {
      const account = StrKey.encodeEd25519PublicKey(Buffer.from(id, "hex"));
      const known = versions.get(account) ?? [];
      known.push({ since: header.sequence, snapshot: port.account(account, ENTRY_NAMES) });
      versions.set(account, known);
    }
  });

  async function accountAt(id: string, names: readonly string[], ledger: number): Promise<AccountSnapshot | undefined> {
    const version = versions.get(id)?.findLast(({ since }) => since <= ledger);
    const snapshot = await version?.snapshot;
    if (snapshot === undefined) return undefined;
    return { ...snapshot, ledger, data: new Map([...snapshot.data].filter(([name]) => names.includes(name))) };
  }

  return {
    seenLate(behind) {
      let shown = 0;
      const newest = async (): Promise<number> => {
        const { sequence } = await port.latest();
        shown = Math.max(shown, sequence - behind());
        return shown;
      };
      return {
        networkPassphrase: port.networkPassphrase,
        latest: async () => ({ sequence: await newest() }),
        async account(id, names) {
          const at = await newest();
          return behind() === 0 ? await port.account(id, names) : await accountAt(id, names, at);
        },
        async transaction(hash) {
          const landed = await port.transaction(hash);
          return landed === undefined || landed.ledger > (await newest()) ? undefined : landed;
        },
        header: async (sequence) => (sequence > (await newest()) ? undefined : await port.header(sequence)),
        async *transactions(from, to) {
          yield* await allOf(port.transactions(from, Math.min(to, await newest())));
        },
        submit: async (envelope) => await port.submit(envelope),
      };
    },
  };
}
