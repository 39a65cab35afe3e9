const KIB = 1024;
const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;
const STROOP_DIGITS = 7;

/** Bytes in the unit that suits their size. */
export function bytesText(bytes: string | number): string {
  let size = Number(bytes);
  let unit = 0;
  while (size >= KIB && unit < BYTE_UNITS.length - 1) {
    size /= KIB;
    unit += 1;
  }
  const digits = unit === 0 || Number.isInteger(size) ? 0 : 1;
  return `${size.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** Stroops as XLM, exactly. */
export function xlm(stroops: string): string {
  const digits = stroops.padStart(STROOP_DIGITS + 1, "0");
  const rest = digits.slice(-STROOP_DIGITS).replace(/0+$/, "");
  return `${digits.slice(0, -STROOP_DIGITS)}${rest === "" ? "" : `.${rest}`} XLM`;
}

/** How long it is from one second to a later one, in its two largest units. */
export function spanText(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3_600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [Math.floor(seconds) % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}
