const ETHER_DIGITS = 18;

/** Rows under a header with their columns in line; those that hold numbers only are aligned to the right. */
export function formatRows(header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const lines = [header, ...rows];
  const columns = header.map((_, index) => ({
    width: Math.max(...lines.map((line) => (line[index] ?? "").length)),
    isNumeric: rows.length > 0 && rows.every((row) => /^-?[\d.]*( %)?$/.test(row[index] ?? "")),
  }));
  return lines
    .map((line) =>
      columns
        .map(({ width, isNumeric }, index) => {
          const cell = line[index] ?? "";
          return isNumeric ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** An amount in ether, exactly. */
export function etherOf(wei: bigint): string {
  const digits = (wei < 0n ? -wei : wei).toString().padStart(ETHER_DIGITS + 1, "0");
  const fraction = digits.slice(-ETHER_DIGITS).replace(/0+$/, "");
  return `${wei < 0n ? "-" : ""}${digits.slice(0, -ETHER_DIGITS)}${fraction === "" ? "" : `.${fraction}`}`;
}

/** Basis points as per cent. */
export function percentOf(basisPoints: number): string {
  return `${(basisPoints / 100).toFixed(2)} %`;
}
