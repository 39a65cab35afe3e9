import type { Clock } from "../../ports/clock.ts";
import type { GatewayBook } from "../../ports/gateway-book.ts";

const MAX_GATEWAYS = 256;
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

interface Entry {
  failures: number;
  notBefore: number;
  /** When it served something last; those who did lately are asked first. */
  servedAt: number;
  hasLied: boolean;
}

/** A book of gateways that also knows how they have done. */
export interface RatedGateways extends GatewayBook {
  /** Those that may be asked now, the best first. */
  candidates(): readonly string[];
  served(url: string): void;
  /** Down, slow, or answering nonsense: left alone for a while, longer each time. */
  failed(url: string): void;
  /** Sent bytes that do not match their CID: not asked again while this daemon runs. */
  lied(url: string): void;
}

export function createGatewayBook({ clock }: { readonly clock: Pick<Clock, "now"> }): RatedGateways {
  const entries = new Map<string, Entry>();
  const excluded = new Set<string>();
  const change = (url: string, work: (entry: Entry) => void): void => {
    const entry = entries.get(url);
    if (entry !== undefined) work(entry);
  };
  return {
    add(urls) {
      for (const url of urls.map(normalise)) {
        if (url === undefined || excluded.has(url) || entries.has(url)) continue;
        // The oldest goes; a liar may come back by this, and is found out again.
        const [oldest] = entries.keys();
        if (entries.size >= MAX_GATEWAYS && oldest !== undefined) entries.delete(oldest);
        entries.set(url, { failures: 0, notBefore: 0, servedAt: 0, hasLied: false });
      }
    },
    exclude(url) {
      const own = normalise(url);
      if (own === undefined) return;
      excluded.add(own);
      entries.delete(own);
    },
    candidates() {
      const now = clock.now();
      return [...entries]
        .filter(([, { hasLied, notBefore }]) => !hasLied && notBefore <= now)
        .toSorted(([, a], [, b]) => b.servedAt - a.servedAt)
        .map(([url]) => url);
    },
    served: (url) =>
      change(url, (entry) => {
        entry.failures = 0;
        entry.servedAt = clock.now();
      }),
    failed: (url) =>
      change(url, (entry) => {
        // Requests that ran side by side fail for one reason, once.
        if (entry.notBefore > clock.now()) return;
        entry.notBefore = clock.now() + Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** entry.failures);
        entry.failures += 1;
        entry.servedAt = 0;
      }),
    lied: (url) => change(url, (entry) => (entry.hasLied = true)),
  };
}

/** Without a slash at its end; undefined unless it is an HTTP address without query or credentials. */
function normalise(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (!["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "" || url.hash !== "") {
    return undefined;
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}
