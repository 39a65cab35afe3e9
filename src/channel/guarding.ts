import { messageOf } from "../errors.ts";
import type { ChannelWatch } from "../ports/channel-watch.ts";
import { createAnswerer } from "./answer-demands.ts";
import type { Core } from "./core.ts";
import { createExitWatch } from "./exit-watch.ts";
import { createGuard } from "./guard.ts";
import { createHubDesk } from "./hub-desk.ts";
import { createPurse } from "./purse.ts";

/** How often nodes look who may follow the channel for its members. */
const WATCHERS_EVERY_MS = 30_000;

/** The part of a node that lets nobody take from its member what the chain can prevent. */
export interface Guarding {
  run(signal: AbortSignal): Promise<void>;
  /** Signers of nodes that may follow the channel, and are no members. */
  readonly watchers: ReadonlySet<string>;
  /** What a human should look at; undefined for nothing. */
  readonly trouble: string | undefined;
}

export interface GuardingInit {
  readonly core: Core;
  /** Who pays for proofs; they are this node's own cost where it is a member's, or there is nobody. */
  readonly watch: ChannelWatch | undefined;
  /** It is no member's. */
  readonly watches: boolean;
  readonly catchUp: (from: string) => void;
  readonly onWatchers: () => void;
  readonly recordsPatienceMs?: number | undefined;
}

/** Guards the channel in the ways that there are, side by side. */
export function createGuarding(init: GuardingInit): Guarding {
  const { core, watch, watches, catchUp, onWatchers, recordsPatienceMs } = init;
  const { channel } = core.info;
  const desk = watches && watch !== undefined ? watch : createHubDesk(core.hub, core.court);
  const purse = createPurse(core);
  const guard = createGuard({ core, desk, purse, catchUp, recordsPatienceMs });
  const exits = createExitWatch({ core, desk, purse, isForAll: watches });
  const answerer = createAnswerer(core);
  let watchers: ReadonlySet<string> = new Set();

  async function lookForWatchers(signal: AbortSignal): Promise<void> {
    if (watch === undefined) return;
    while (!signal.aborted) {
      try {
        const named = new Set(await watch.watchers(channel, { signal }));
        const isOther = named.size !== watchers.size || [...named].some((signer) => !watchers.has(signer));
        watchers = named;
        if (isOther) onWatchers();
      } catch (error) {
        if (!signal.aborted) core.logger.warn("who watches the channel is not known", { reason: messageOf(error) });
      }
      await core.clock.sleep(WATCHERS_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  return {
    async run(signal) {
      await Promise.all([guard.run(signal), exits.run(signal), answerer.run(signal), lookForWatchers(signal)]);
    },
    get watchers() {
      return watchers;
    },
    get trouble() {
      return guard.trouble ?? exits.trouble;
    },
  };
}
