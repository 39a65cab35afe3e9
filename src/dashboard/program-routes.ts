import type { Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";

import { SprfError } from "../errors.ts";
import { cidSchema } from "../wire/primitives.ts";
import type { ProgramSource } from "./program-source.ts";

const MAX_BODY_BYTES = 1_024;

const SMALL_BODY = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw new SprfError("INVALID_INPUT", `at most ${MAX_BODY_BYTES} bytes are expected`);
  },
});

const rerunSchema = z.strictObject({ record: cidSchema });

/**
 * What the page of a program asks for besides its topic: older steps, content that steps name, and to have one run again. The last
 * changes nothing but costs time, so pages of others cannot ask for it: none may send JSON here.
 */
export function programRoutes(source: ProgramSource): (server: Hono) => void {
  return (server) => {
    server.get("/api/programs/:program/steps", async (c) => {
      const page = await source.page(c.req.param("program"), cidOf(c.req.query("after")), signalOf(c));
      return c.json(page, 200, { "cache-control": "no-store" });
    });
    server.get("/api/programs/:program/content/:cid", async (c) => {
      const content = await source.content(c.req.param("program"), cidOf(c.req.param("cid")), signalOf(c));
      return c.json(content, 200, { "cache-control": "private, max-age=3600" });
    });
    server.post("/api/programs/:program/rerun", SMALL_BODY, async (c) => {
      const { record } = await bodyOf(c);
      return c.json(await source.rerun(c.req.param("program"), record, signalOf(c)));
    });
  };
}

/** Aborts when the page goes away. */
function signalOf(c: Context): { readonly signal: AbortSignal } {
  return { signal: c.req.raw.signal };
}

function cidOf(text: string | undefined): string {
  const parsed = cidSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new SprfError("INVALID_INPUT", "expected a CID");
}

async function bodyOf(c: Context): Promise<z.output<typeof rerunSchema>> {
  if (c.req.header("content-type") !== "application/json") {
    throw new SprfError("INVALID_INPUT", "content-type: expected application/json");
  }
  const parsed = rerunSchema.safeParse(await c.req.json().catch(() => undefined));
  if (parsed.success) return parsed.data;
  throw new SprfError("INVALID_INPUT", 'expected {"record": <cid>}');
}
