import type { CID } from "multiformats/cid";
import { z } from "zod";

import { SprfError, isSprfError } from "../../../errors.ts";
import { withDeadline } from "../../../utils/abort.ts";
import type { BlockSource } from "../block-source.ts";
import { codecName, matches } from "../cid.ts";
import type { LocalBlocks } from "../local-blocks.ts";
import { fileBody, type KuboRpc } from "./rpc.ts";

const putSchema = z.object({ Key: z.string() });

export interface KuboBlocksInit {
  readonly rpc: KuboRpc;
  /** How long a command may take that concerns this machine alone. */
  readonly commandTimeoutMs: number;
  /** Ends the operation that these blocks are for. */
  readonly signal: AbortSignal | undefined;
}

/**
 * The blocks of a Kubo daemon. It does not check what it reads from its disk (`Datastore.HashOnRead` is off by default), so each
 * block is checked here.
 */
export function createKuboBlocks({ rpc, commandTimeoutMs, signal }: KuboBlocksInit): LocalBlocks {
  const local = { offline: true };
  const deadline = (): AbortSignal => withDeadline(signal, commandTimeoutMs);
  const has = async (cid: CID): Promise<boolean> =>
    (await unlessMissing(rpc.read("block/stat", { arg: cid.toString(), ...local }, { signal: deadline() }))) !==
    undefined;
  return {
    has,
    async read(cid) {
      const call = { signal: deadline() };
      const bytes = await unlessMissing(rpc.read("block/get", { arg: cid.toString(), ...local }, call));
      if (bytes === undefined || matches(cid, bytes)) return bytes;
      throw new SprfError("CONTENT_CORRUPT", `Kubo's bytes of ${cid.toString()} do not match their hash`, {
        context: { cid: cid.toString() },
      });
    },
    async write(cid, bytes, lease) {
      await lease?.hold(cid.toString());
      if (await has(cid)) return;
      const parameters = { "cid-codec": codecName(cid), mhtype: "sha2-256", "allow-big-block": true };
      const answer = await rpc.read("block/put", parameters, { signal: deadline(), body: fileBody(one(bytes)) });
      const { Key: key } = parseAnswer(putSchema, answer);
      if (key !== cid.toString()) throw new SprfError("KUBO_REFUSED", `Kubo stored ${cid.toString()} as ${key}`);
    },
    // Kubo flushes by itself with each pin.
    async sync() {},
    all: unsupported,
    remove: unsupported,
  };
}

/** What Kubo's own peers serve it; it stores what it gets. */
export function createKuboSource({
  rpc,
  fetchTimeoutMs,
}: {
  readonly rpc: KuboRpc;
  readonly fetchTimeoutMs: number;
}): BlockSource {
  return {
    async start() {},
    async stop() {},
    async announce() {},
    async fetch(cid, { signal }) {
      const deadline = AbortSignal.timeout(fetchTimeoutMs);
      try {
        return await rpc.read(
          "block/get",
          { arg: cid.toString() },
          { signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]) },
        );
      } catch (error) {
        const missing = isSprfError(error, "KUBO_REFUSED") || (deadline.aborted && isSprfError(error, "TIMEOUT"));
        if (!missing) throw error;
        throw new SprfError("CONTENT_NOT_FOUND", `no peer of Kubo has served ${cid.toString()}`, { cause: error });
      }
    },
  };
}

/** @throws SprfError `KUBO_REFUSED` when the daemon answers something else than it should */
export function parseAnswer<T>(schema: z.ZodType<T>, answer: unknown): T {
  const value: unknown = answer instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(answer)) : answer;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new SprfError("KUBO_REFUSED", "Kubo answers something else than it should", { cause: parsed.error });
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isSprfError(error, "KUBO_REFUSED") && /not found|could not find/i.test(error.message)) return undefined;
    throw error;
  }
}

function unsupported(): never {
  throw new SprfError("INTERNAL", "Kubo lists and removes its blocks by itself");
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
