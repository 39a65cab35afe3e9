import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { secureHeaders } from "hono/secure-headers";

import { SprfError, isSprfError } from "../errors.ts";
import type { Logger } from "../ports/logger.ts";
import type { WebApp, WebFile } from "../ports/web-app.ts";
import type { Feed } from "./feed.ts";

/** Names under which a machine reaches itself. */
const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const MAX_QUERY_CHARACTERS = 2_000;
const FOR_EVER = "public, max-age=31536000, immutable";

const STATUSES = {
  INVALID_INPUT: 400,
  CONTENT_NOT_FOUND: 404,
  DASHBOARD_BUSY: 503,
  WORKER_BUSY: 503,
  LEDGER_UNREACHABLE: 502,
  TIMEOUT: 504,
} as const;

export interface DashboardServerComponents {
  readonly app: WebApp;
  readonly feed: Feed;
  readonly logger: Logger;
}

export interface DashboardServerInit {
  /** Names beside the machine's own under which the dashboard is asked for. @default none */
  readonly allowedHosts?: readonly string[];
  /** Adds what pages ask for besides topics. */
  readonly routes?: ((server: Hono) => void) | undefined;
}

/** The dashboard over HTTP: the built app, and its data as `GET /events?topics=...`, with what {@link DashboardServerInit.routes} adds. */
export function createDashboardServer(
  { app, feed, logger }: DashboardServerComponents,
  { allowedHosts = [], routes }: DashboardServerInit = {},
): Hono {
  const server = new Hono();
  const names = new Set([...LOOPBACK_NAMES, ...allowedHosts.map((name) => name.toLowerCase())]);

  server.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", "data:"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        // Text never becomes markup or script here: where it would, browsers refuse.
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
      },
      crossOriginResourcePolicy: "same-origin",
      referrerPolicy: "no-referrer",
      xFrameOptions: "DENY",
      // It speaks plain HTTP on the machine itself.
      strictTransportSecurity: false,
    }),
  );
  server.use(async (c, next) => {
    // A page of somebody else whose name was made to point here would be read by its own scripts.
    if (!names.has(hostOf(c.req.header("host")))) {
      return c.json(refusal("INVALID_INPUT", "this name is not served here; `--allow-host` adds one"), 421);
    }
    return await next();
  });
  server.onError((error, c) => {
    if (isSprfError(error) && Object.hasOwn(STATUSES, error.code)) {
      return c.json(refusal(error.code, error.message), STATUSES[error.code as keyof typeof STATUSES]);
    }
    logger.error("request failed", { path: c.req.path, error: String(error) });
    return c.json(refusal("INTERNAL", "this is a bug; the log says more"), 500);
  });

  server.get("/events", (c) => {
    const topics = c.req.query("topics") ?? "";
    if (topics.length > MAX_QUERY_CHARACTERS) throw new SprfError("INVALID_INPUT", "topics: too long");
    const stream = feed.open(
      topics.split(",").filter((topic) => topic !== ""),
      {
        lastEventId: c.req.header("last-event-id"),
        breakOff: breakOffOf(c),
      },
    );
    return c.body(stream, 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      // Or a proxy would keep events until it has many.
      "x-accel-buffering": "no",
    });
  });
  routes?.(server);
  server.get("*", (c) => {
    const file = app.file(c.req.path);
    if (file !== undefined) return send(c, file);
    // What has no suffix is a page, and the app knows which.
    if (/\.[a-z0-9]+$/i.test(c.req.path)) return c.json(refusal("INVALID_INPUT", `there is no ${c.req.path}`), 404);
    return send(c, app.page);
  });
  return server;
}

function send(c: Context, file: WebFile): Response {
  const headers = {
    "content-type": file.type,
    "cache-control": file.isImmutable ? FOR_EVER : "no-cache",
    etag: file.etag,
    vary: "accept-encoding",
  };
  if (c.req.header("if-none-match") === file.etag) return c.body(null, 304, headers);
  if (!/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) return c.body(file.bytes, 200, headers);
  return c.body(file.gzip, 200, { ...headers, "content-encoding": "gzip" });
}

/** The name without its port. */
function hostOf(header: string | undefined): string {
  return (header ?? "").toLowerCase().replace(/:\d*$/, "");
}

function breakOffOf(c: Context): (() => void) | undefined {
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>;
  return outgoing === undefined ? undefined : () => outgoing.destroy();
}

function refusal(
  code: string,
  message: string,
): { readonly error: { readonly code: string; readonly message: string } } {
  return { error: { code, message } };
}
