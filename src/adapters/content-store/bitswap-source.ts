import { withBitswap } from "@helia/bitswap";
import type { BlockBroker, Helia, HeliaMixin } from "@helia/interface";
import type { CID } from "multiformats/cid";
import { sha256 } from "multiformats/hashes/sha2";

import { SprfError, messageOf } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { abortError } from "../../utils/abort.ts";
import type { Libp2pNode } from "../libp2p/node.ts";
import type { BlockSource } from "./block-source.ts";
import { blockKey } from "./cid.ts";
import type { LocalBlocks } from "./local-blocks.ts";
import { createSharedWork } from "./shared-work.ts";

const FIRST_ATTEMPT_MS = 1_000;
const MAX_ATTEMPT_MS = 10_000;
/** Bitswap forgets an aborted want 10 ms later; a new one before that would be forgotten with it. */
const PAUSE_MS = 50;
/** Each want is sent once, so a block that is asked for again is needed again: the default makes the asker wait 5 s for it. */
const RESEND_WINDOW_MS = 0;

export interface BitswapSourceInit {
  readonly node: Libp2pNode;
  readonly blocks: LocalBlocks;
  /** How long to ask for one block when the caller sets no deadline. */
  readonly fetchTimeoutMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Helia's bitswap on the daemon's own libp2p node: it asks the connected peers, and serves them what is here. A want that is sent
 * before a peer has the block is not answered later, so each want is repeated in growing attempts until its deadline.
 */
export function createBitswapSource(init: BitswapSourceInit): BlockSource {
  const share = createSharedWork<Uint8Array>();
  let broker: BlockBroker | undefined;

  const fetch = async (cid: CID, signal: AbortSignal): Promise<Uint8Array> => {
    const deadline = AbortSignal.timeout(init.fetchTimeoutMs);
    let attemptMs = FIRST_ATTEMPT_MS;
    for (;;) {
      if (broker?.retrieve === undefined) throw notFound(cid, "the content store is not running");
      try {
        return await broker.retrieve(cid, {
          signal: AbortSignal.any([signal, deadline, AbortSignal.timeout(attemptMs)]),
        });
      } catch (error) {
        if (signal.aborted) throw abortError(signal);
        if (deadline.aborted) throw notFound(cid, messageOf(error));
        init.logger.debug("block not received; asking again", { cid: cid.toString(), attemptMs });
      }
      attemptMs = Math.min(attemptMs * 2, MAX_ATTEMPT_MS);
      await init.clock.sleep(PAUSE_MS, { signal });
    }
  };

  return {
    async start() {
      if (broker !== undefined) return;
      broker = await startBitswap(init);
    },
    async stop() {
      const stopping = broker;
      broker = undefined;
      if (stopping !== undefined && isStoppable(stopping)) await stopping.stop();
    },
    fetch: async (cid, { signal }) => await share(blockKey(cid), async (shared) => await fetch(cid, shared), signal),
    async announce(cid) {
      await broker?.announce?.(cid);
    },
  };
}

/**
 * Bitswap expects to be mixed into a Helia node; this is as much of one as it looks at. The `helia` package itself would bring
 * routers, transports and a second of start-up time that nothing here uses, and it announces blocks before they are stored.
 */
async function startBitswap({ node, blocks }: BitswapSourceInit): Promise<BlockBroker> {
  const mixins: HeliaMixin[] = [];
  const brokers: BlockBroker[] = [];
  const host = {
    status: "starting",
    libp2p: node.libp2p,
    logger: node.libp2p.logger,
    blockstore: servedBlocks(blocks),
    routing: { async *findProviders() {} },
    getHasher: () => sha256,
    hasBlockBroker: () => false,
    addBlockBroker: (added: BlockBroker) => void brokers.push(added),
    addMixin: (mixin: HeliaMixin) => void mixins.push(mixin),
  } as unknown as Helia;
  withBitswap(host, { doNotResendBlockWindow: RESEND_WINDOW_MS });
  for (const mixin of mixins) await mixin.start?.(host);
  const [broker] = brokers;
  if (broker === undefined) throw new SprfError("INTERNAL", "bitswap did not register its broker");
  return broker;
}

/** What bitswap may read: a block that is missing or damaged is "not found" to peers. */
function servedBlocks(blocks: LocalBlocks): {
  has(cid: CID): Promise<boolean>;
  get(cid: CID): AsyncGenerator<Uint8Array>;
} {
  return {
    has: async (cid) => await blocks.has(cid),
    async *get(cid) {
      const bytes = await blocks.read(cid).catch(() => undefined);
      if (bytes === undefined) throw Object.assign(new Error("block not found"), { name: "NotFoundError" });
      yield bytes;
    },
  };
}

function notFound(cid: CID, reason: string): SprfError {
  return new SprfError("CONTENT_NOT_FOUND", `no connected peer has served ${cid.toString()}`, {
    context: { cid: cid.toString(), reason },
  });
}

function isStoppable(value: object): value is { stop(): Promise<void> } {
  return "stop" in value && typeof value.stop === "function";
}
