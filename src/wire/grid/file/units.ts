const BYTE_UNITS: Readonly<Record<string, bigint>> = { b: 0n, k: 1n, m: 2n, g: 3n, t: 4n };
const DURATION_UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Bytes of text such as `512M`, `1.5gb` or `10GiB`; all are powers of 1,024, as Compose has them. Undefined for what is none. */
export function parseBytes(text: string): bigint | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,6}))? ?(?:([bkmgt])|([kmgt])i?b)?$/i.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", short, long] = match;
  const factor = 1_024n ** (BYTE_UNITS[(short ?? long ?? "b").toLowerCase()] ?? 0n);
  return (BigInt(whole + fraction) * factor) / 10n ** BigInt(fraction.length);
}

/** Milliseconds of text such as `1m30s` or `500ms`. Undefined for what is none. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:h|ms|m|s))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, digits = "", unit = ""] of text.matchAll(/(\d+)(h|ms|m|s)/g)) {
    total += Number(digits) * (DURATION_UNITS[unit] ?? 0);
  }
  return total;
}

/** Thousandths of text such as `0.5`. Undefined for what is none, or finer. */
export function parseMillicores(text: string): number | undefined {
  const match = /^(\d{1,6})(?:\.(\d{1,3}))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = ""] = match;
  return Number(whole) * 1_000 + Number(fraction.padEnd(3, "0"));
}

/** A whole number in decimal. Undefined for what is none. */
export function parseWhole(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
