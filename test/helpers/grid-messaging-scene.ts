import { createHash } from "node:crypto";

import { createMemoryLogger, type LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import { answerGridRequests, type GridAnswererInit } from "../../src/messaging/answer-grid.ts";
import type { GridMessaging } from "../../src/messaging/grid-identity.ts";
import type { Random } from "../../src/ports/random.ts";
import { decodeGridMessage, type GridMessage } from "../../src/wire/grid/messages.ts";
import { GRID_ADDRESS, GRID_CHAIN_ID } from "./grid-messages.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";
import { messageKeysOf } from "./message-keys.ts";

export interface GridMessagingScene {
  readonly clock: ManualClock;
  readonly user: GridMessaging;
  readonly stranger: GridMessaging;
  readonly nodeKey: Uint8Array;
  readonly lines: LogLine[];
  /** What went over the hub, in order. */
  readonly sent: GridMessage[];
  /** How often a message arrives; set it to lose or double some. */
  copies: (message: GridMessage, index: number) => number;
  /** Waits on the scene's clock. */
  settle<T>(promise: Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** A user, a stranger and a node's ear on a hub in memory, with a clock that moves only while somebody waits. */
export async function createGridMessagingScene(
  node: Pick<GridAnswererInit, "refuse" | "answer" | "readLogs">,
): Promise<GridMessagingScene> {
  const clock = createManualClock();
  const hub = createMemoryMessengerHub();
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const member = async (name: string): Promise<GridMessaging> => {
    const identity = messageKeysOf(name);
    const messenger = createMemoryMessenger({ hub, messageKey: identity.privateKey, logger });
    await messenger.start();
    const random = createSequence(name);
    return { messenger, identity, chainId: GRID_CHAIN_ID, grid: GRID_ADDRESS, clock, random, logger };
  };
  const [user, stranger, nodeParts] = [await member("user"), await member("stranger"), await member("node")];
  const answerer = answerGridRequests({ ...nodeParts, ...node });
  await answerer.start();
  const scene: GridMessagingScene = {
    clock,
    user,
    stranger,
    nodeKey: nodeParts.identity.publicKey,
    lines,
    sent: [],
    copies: () => 1,
    async settle(promise) {
      let settled = false;
      const watched = promise.finally(() => {
        settled = true;
      });
      watched.catch(() => undefined);
      for (let i = 0; i < 5_000 && !settled; i += 1) await clock.advance(100);
      return await watched;
    },
    async stop() {
      await answerer.stop();
    },
  };
  hub.copies = ({ payload }) => {
    const message = decodeGridMessage(payload);
    scene.sent.push(message);
    return scene.copies(message, scene.sent.length - 1);
  };
  return scene;
}

/** Bytes that differ with each call and are the same in each run. */
function createSequence(name: string): Random {
  let count = 0;
  return {
    bytes: (length) => {
      count += 1;
      return new Uint8Array(createHash("sha512").update(`${name} ${count}`).digest().subarray(0, length));
    },
  };
}
