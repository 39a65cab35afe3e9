import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

import { SprfError, messageOf } from "../../errors.ts";
import type { Logger } from "../../ports/logger.ts";
import { errorResponse } from "./error-response.ts";
import { CAR_TYPE, RAW_TYPE, gatewayFormat, type GatewayFormat } from "./gateway-format.ts";
import type { StreamSlots } from "./guarded-stream.ts";

/** The empty identity CID: what clients ask for to see whether a gateway is there. */
const PROBE_CID = "bafkqaaa";
const FOR_EVER = "public, max-age=29030400, immutable";

/** Content of this machine, as it is handed to strangers. */
export interface GatewayContent {
  /** @throws SprfError `INVALID_INPUT` when `cid` is none */
  block(cid: string): Promise<Uint8Array | undefined>;
  car(cid: string, options: { readonly scope: "block" | "all" }): Promise<AsyncGenerator<Uint8Array> | undefined>;
}

/**
 * Answers `GET` and `HEAD /ipfs/<cid>` as a trustless gateway does that asks nobody else.
 *
 * @throws SprfError `INVALID_INPUT`, `WORKER_BUSY`
 */
export async function serveGateway(
  {
    content,
    slots,
    logger,
  }: { readonly content: GatewayContent; readonly slots: StreamSlots; readonly logger: Logger },
  c: Context,
): Promise<Response> {
  const cid = c.req.param("cid") ?? "";
  const format = gatewayFormat(c.req.query(), c.req.header("accept"));
  // Without a body nothing but the root needs to be here.
  const isHead = c.req.method === "HEAD";
  const block = cid === PROBE_CID ? new Uint8Array(0) : await content.block(cid);
  if (block === undefined) return missing(c, cid);
  const headers = headersOf(cid, format);
  if (c.req.query("format") === undefined) headers["content-location"] = locationOf(cid, format);
  if (isMatch(c.req.header("if-none-match"), headers["etag"] ?? "")) return c.body(null, 304, headers);
  if (format.kind === "raw" || cid === PROBE_CID) {
    headers["content-length"] = String(block.length);
    return isHead ? c.body(null, 200, headers) : c.body(new Uint8Array(block), 200, headers);
  }
  if (isHead) return c.body(null, 200, headers);
  const car = await content.car(cid, { scope: format.scope });
  return car === undefined ? missing(c, cid) : c.body(slots.open(car, breakOffOf(c, logger)), 200, headers);
}

/** The server would print a stream's failure with its stack; a reader that went away or a missing block is no more than a line. */
function breakOffOf(c: Context, logger: Logger): ((error: unknown) => void) | undefined {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  if (outgoing === undefined) return undefined;
  return (error) => {
    logger.debug("a download was broken off", { path: c.req.path, reason: messageOf(error) });
    outgoing.destroy();
  };
}

function headersOf(cid: string, format: GatewayFormat): Record<string, string> {
  const isRaw = format.kind === "raw";
  return {
    "content-type": isRaw ? RAW_TYPE : `${CAR_TYPE}; version=1; order=dfs; dups=n`,
    "content-disposition": `attachment; filename="${cid}.${isRaw ? "bin" : "car"}"`,
    "cache-control": FOR_EVER,
    etag: isRaw ? `"${cid}.raw"` : `W/"${format.scope}.${cid}.car"`,
    vary: "accept",
    "x-content-type-options": "nosniff",
    "x-ipfs-path": `/ipfs/${cid}`,
    "x-ipfs-roots": cid,
  };
}

function locationOf(cid: string, format: GatewayFormat): string {
  return format.kind === "raw" ? `/ipfs/${cid}?format=raw` : `/ipfs/${cid}?format=car&dag-scope=${format.scope}`;
}

/** Weak comparison, as `If-None-Match` wants it. */
function isMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, "");
  return header.split(",").some((tag) => tag.trim() === "*" || opaque(tag) === opaque(etag));
}

/** 404 says for sure that it is not here; 412 is for those who want nothing but what is at hand. */
function missing(c: Context, cid: string): Response {
  const { body } = errorResponse(new SprfError("CONTENT_NOT_FOUND", `this worker does not hold ${cid}`));
  const onlyIfCached = (c.req.header("cache-control") ?? "").includes("only-if-cached");
  return c.json(body, onlyIfCached ? 412 : 404, { "cache-control": "no-cache" });
}
