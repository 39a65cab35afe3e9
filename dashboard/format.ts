import type { Wei } from "../src/dashboard/views.ts";

const WEI_DIGITS = { ETH: 18, gwei: 9 } as const;
const BASIS_POINTS = 10_000;

/** In which unit an amount is written. */
export type Unit = keyof typeof WEI_DIGITS;

/** An amount in a unit, with at most so many digits after the point; what is left out is left out, not rounded up. */
export function inUnit(wei: Wei, unit: Unit, digits = 6): string {
  const isNegative = wei.startsWith("-");
  const padded = wei.replace("-", "").padStart(WEI_DIGITS[unit] + 1, "0");
  const whole = padded.slice(0, -WEI_DIGITS[unit]);
  const rest = padded.slice(-WEI_DIGITS[unit]).slice(0, digits).replace(/0+$/, "");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  if (grouped === "0" && rest === "" && /[1-9]/.test(wei))
    return `${isNegative ? "−" : ""}<0.${"0".repeat(digits - 1)}1`;
  return `${isNegative ? "−" : ""}${grouped}${rest === "" ? "" : `.${rest}`}`;
}

/** An amount in the unit that suits its size, with the unit. */
export function amount(wei: Wei): string {
  const size = wei.replace("-", "").length;
  if (wei === "0" || size > 14) return `${inUnit(wei, "ETH")} ETH`;
  if (size > 4) return `${inUnit(wei, "gwei", 3)} gwei`;
  return `${wei} wei`;
}

/** Basis points as a percentage. */
export function percent(basisPoints: number): string {
  return `${((basisPoints * 100) / BASIS_POINTS).toFixed(1)} %`;
}

/** A number with its thousands apart. */
export function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** The two ends of an account, address or hash. */
export function short(hex: string): string {
  return hex.length <= 14 ? hex : `${hex.slice(0, 6)}…${hex.slice(-4)}`;
}

/** Date and time of day, in the reader's zone. */
export function moment(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
