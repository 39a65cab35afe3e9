import { StrKey, xdr } from "@stellar/stellar-sdk";
import { z } from "zod";

import { parseInt64, parseUint32 } from "./go-integers.ts";
import { parseParams } from "./json-rpc.ts";
import type { JsonRpcMethod } from "./json-rpc.ts";
import { fail } from "./json-rpc-failure.ts";
import type { RpcContext } from "./methods.ts";
import { uint32 } from "./pages.ts";
import { checkFormat, fromBase64, xdrFormat } from "./xdr-format.ts";

/** Events of one page, and ledgers that one request looks through (Stellar RPC). */
const MAX_EVENTS = 10_000;
const SCANNED_LEDGERS = 10_000;

/** Filters of a request, and contracts and topics of a filter. */
const MAX_PARTS = 5;
const MAX_SEGMENTS = 4;
const MAX_PARAMETER_CHARACTERS = 16_384;

const text = z.string().max(MAX_PARAMETER_CHARACTERS);

const segment = text.refine((value) => isWildcard(value) || isValue(value), "expected a wildcard or an ScVal");

const filterSchema = z.object({
  type: text.nullish(),
  contractIds: z.array(text).nullish(),
  topics: z.array(z.array(segment)).nullish(),
});

type EventFilter = z.infer<typeof filterSchema>;

const schema = z.object({
  startLedger: uint32,
  endLedger: uint32,
  filters: z.array(filterSchema).nullish(),
  pagination: z
    .object({ cursor: text.refine((id) => ledgerOf(id) !== undefined, "invalid event id").nullish(), limit: uint32 })
    .nullish(),
  xdrFormat,
});

type EventsRequest = z.infer<typeof schema>;

/**
 * `getEvents`: contracts make events, and there are none here, so every page is empty; requests are held to the service's
 * rules, and the cursor moves on.
 */
export function eventMethods({ store }: RpcContext): Record<string, JsonRpcMethod> {
  return {
    getEvents(params) {
      const parsed = parseParams(schema, params);
      if ("failure" in parsed) return parsed;
      const problem = whatIsWrong(parsed.params);
      if (problem !== undefined) return fail("invalidParams", problem);
      const { startLedger, endLedger, pagination } = parsed.params;
      const oldest = store.oldest();
      const latest = store.latest();
      const start = (pagination?.cursor ? ledgerOf(pagination.cursor) : startLedger) ?? 0;
      if (start < oldest.sequence || start > latest.sequence) {
        const range = `${String(oldest.sequence)} - ${String(latest.sequence)}`;
        return fail("invalidRequest", `startLedger must be within the ledger range: ${range}`);
      }
      const end = Math.min(latest.sequence + 1, start + SCANNED_LEDGERS, endLedger || Number.MAX_SAFE_INTEGER);
      return {
        events: [],
        cursor: lastEventId(end - 1),
        latestLedger: latest.sequence,
        oldestLedger: oldest.sequence,
        latestLedgerCloseTime: String(latest.closeTime),
        oldestLedgerCloseTime: String(oldest.closeTime),
      };
    },
  };
}

function whatIsWrong({
  startLedger,
  endLedger,
  filters,
  pagination,
  xdrFormat: format,
}: EventsRequest): string | undefined {
  const wrongFormat = checkFormat(format);
  if (wrongFormat !== undefined) return wrongFormat;
  if (pagination?.cursor) {
    if (startLedger || endLedger) return "ledger ranges and cursor cannot both be set";
  } else if (!startLedger) return "startLedger must be positive";
  if ((pagination?.limit ?? 0) > MAX_EVENTS) return `limit must not exceed ${String(MAX_EVENTS)}`;
  const list = filters ?? [];
  if (list.length > MAX_PARTS) return "maximum 5 filters per request";
  for (const [i, filter] of list.entries()) {
    const problem = whatIsWrongWithFilter(filter);
    if (problem !== undefined) return `filter ${String(i + 1)} invalid: ${problem}`;
  }
  return undefined;
}

function whatIsWrongWithFilter({ type, contractIds, topics }: EventFilter): string | undefined {
  if (type && !type.split(",").every((name) => name === "system" || name === "contract")) {
    return "filter type invalid: if set, type must be either 'system' or 'contract'";
  }
  const ids = contractIds ?? [];
  const lists = topics ?? [];
  if (ids.length > MAX_PARTS) return "maximum 5 contract IDs per filter";
  if (lists.length > MAX_PARTS) return "maximum 5 topics per filter";
  const wrongId = ids.findIndex((id) => !StrKey.isValidContract(id));
  if (wrongId >= 0) return `contract ID ${String(wrongId + 1)} invalid`;
  for (const [i, topic] of lists.entries()) {
    const problem = whatIsWrongWithTopic(topic);
    if (problem !== undefined) return `topic ${String(i + 1)} invalid: ${problem}`;
  }
  return undefined;
}

function whatIsWrongWithTopic(topic: readonly string[]): string | undefined {
  if (topic.length === 0) return "topic must have at least 1 segment";
  const fixed = topic.at(-1) === "**" ? topic.slice(0, -1) : topic;
  const early = fixed.indexOf("**");
  if (early >= 0) return `segment ${String(early + 1)} invalid: wildcard '**' is only allowed as the last segment`;
  return fixed.length > MAX_SEGMENTS ? "topic cannot have more than 4 segments" : undefined;
}

function isWildcard(value: string): boolean {
  return value === "*" || value === "**";
}

function isValue(value: string): boolean {
  const bytes = fromBase64(value);
  return bytes !== undefined && xdr.ScVal.validateXdr(bytes);
}

/** The ledger of an event's id: 64 bits of place and an index. */
function ledgerOf(eventId: string): number | undefined {
  const [place = "", ...index] = eventId.split("-");
  const parsed = parseInt64(place);
  const event = parseUint32(index.join("-"));
  if ("problem" in parsed || "problem" in event || parsed.value < 0n) return undefined;
  return Number(parsed.value >> 32n);
}

/** The id behind which the next ledger's events begin. */
function lastEventId(ledger: number): string {
  const place = (BigInt(ledger) << 32n) | 0xff_ff_ff_ffn;
  return `${String(place).padStart(19, "0")}-4294967295`;
}
