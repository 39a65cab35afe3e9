import { isIPv4, isIPv6 } from "node:net";

import { SprfError } from "../../../errors.ts";
import type { PublicIp } from "../../../ports/grid-registry.ts";
import { fromHex, toHex } from "../../../utils/bytes.ts";
import type { PublicIpStructOutput } from "../contract-types.ts";

const BYTES = 16;
const GROUPS = 8;
/** `::ffff:a.b.c.d`, as contracts/types/GridTypes.sol writes IPv4 addresses. */
const MAPPED_PREFIX = "0".repeat(20) + "ffff";

/** @throws SprfError `INVALID_INPUT` */
export function ipToHex(ip: string): string {
  if (isIPv4(ip)) return `0x${MAPPED_PREFIX}${toHex(Uint8Array.from(ip.split("."), Number))}`;
  if (!isIPv6(ip) || ip.includes("%")) throw new SprfError("INVALID_INPUT", `${ip} is no IP address`);
  return `0x${groupsOf(ip)
    .map((group) => group.toString(16).padStart(4, "0"))
    .join("")}`;
}

function ipOfHex(hex: string): string {
  const bytes = fromHex(hex);
  if (toHex(bytes).startsWith(MAPPED_PREFIX)) return bytes.slice(BYTES - 4).join(".");
  const groups = Array.from({ length: GROUPS }, (_, i) =>
    (((bytes[i * 2] ?? 0) << 8) | (bytes[i * 2 + 1] ?? 0)).toString(16),
  );
  // The platform's own writing: RFC 5952.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/** @throws SprfError `INVALID_INPUT` */
export function publicIpStruct({ ip, gateway, prefix }: PublicIp): { ip: string; gateway: string; prefix: number } {
  return { ip: ipToHex(ip), gateway: ipToHex(gateway), prefix };
}

export function publicIpOf({ ip, gateway, prefix }: PublicIpStructOutput): PublicIp {
  return { ip: ipOfHex(ip), gateway: ipOfHex(gateway), prefix: Number(prefix) };
}

function groupsOf(ip: string): number[] {
  // Expands an IPv4 tail and leaves `::` as the only abbreviation.
  const plain = new URL(`http://[${ip}]`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const parse = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const before = parse(head);
  if (tail === undefined) return before;
  const after = parse(tail);
  return [...before, ...Array.from({ length: GROUPS - before.length - after.length }, () => 0), ...after];
}
