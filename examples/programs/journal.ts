/** One journal entry: `amountMinor` goes from the credit account to the debit account. */
export interface JournalEntry {
  readonly date: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amountMinor: bigint;
  readonly description: string;
}

const ACCOUNTS = ["Assets:Bank", "Assets:Cash", "Equity", "Expenses:Rent", "Expenses:Travel", "Income:Sales", "VAT 20"];
const WORDS = ["invoice", "rent", "träwel, by train", 'the "large" order', "refund", "wages", "伝票", ""];

/** Valid entries that follow from `seed` alone. */
export function generateEntries(count: number, seed: number): JournalEntry[] {
  const next = xorshift(seed);
  return Array.from({ length: count }, () => {
    const debit = next(ACCOUNTS.length);
    const credit = (debit + 1 + next(ACCOUNTS.length - 1)) % ACCOUNTS.length;
    const day = new Date(Date.UTC(2020 + next(10), next(12), 1 + next(28)));
    return {
      date: day.toISOString().slice(0, 10),
      debitAccount: ACCOUNTS[debit] ?? "",
      creditAccount: ACCOUNTS[credit] ?? "",
      amountMinor: BigInt(1 + next(10_000_000)) * BigInt(1 + next(100)),
      description: `${WORDS[next(WORDS.length)] ?? ""} ${next(1000)}`.trim(),
    };
  });
}

/** Entries as the bookkeeping programs read them. */
export function entriesToCsv(entries: readonly JournalEntry[]): string {
  const lines = entries.map((entry) =>
    [
      entry.date,
      entry.debitAccount,
      entry.creditAccount,
      entry.amountMinor.toString(),
      quoted(entry.description),
    ].join(),
  );
  return ["date,debit_account,credit_account,amount_minor,description", ...lines, ""].join("\n");
}

/** What the bookkeeping programs must answer after these entries, computed without them. */
export function balancesCsv(entries: readonly JournalEntry[]): string {
  const balances = new Map<string, bigint>();
  for (const { debitAccount, creditAccount, amountMinor } of entries) {
    balances.set(debitAccount, (balances.get(debitAccount) ?? 0n) + amountMinor);
    balances.set(creditAccount, (balances.get(creditAccount) ?? 0n) - amountMinor);
  }
  // Accounts are ASCII, so the order of code units is the order of bytes.
  const lines = [...balances]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([account, minor]) => `${account},${minor}\n`);
  return `account,balance_minor\n${lines.join("")}`;
}

/** The state of the wasi program after these entries, computed without it. */
export function journalState(entries: readonly JournalEntry[]): string {
  return entriesToCsv(entries).replace(/^.*\n/, "sprf-bookkeeping/1\n");
}

function quoted(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function xorshift(seed: number): (below: number) => number {
  let state = (seed ^ 0x9e37_79b9) | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
