import { systemClock as clock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemRandom as random } from "../../src/adapters/random/system.ts";
import { findAddress } from "../../src/client/find-address.ts";
import { isSprfError } from "../../src/errors.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import type { Startable } from "../../src/ports/startable.ts";
import { answerAddressRequests } from "../../src/worker/answer-addresses.ts";
import { AGREEMENT, LEDGER_KEY } from "./address-scene.ts";
import { createLightMessenger } from "./light-node.ts";
import { messageKeysOf } from "./message-keys.ts";
import { createRelayNode } from "./relay-node.ts";

export const MESSENGER_KINDS = ["relay", "light"] as const;
export type MessengerKind = (typeof MESSENGER_KINDS)[number];

export interface NetworkMember extends Startable {
  readonly messenger: Messenger;
}

/** A messenger of either kind that reaches the network by `peers`, which are relay or service nodes. */
export async function createMember(
  kind: MessengerKind,
  name: string,
  peers: readonly string[],
): Promise<NetworkMember> {
  if (kind === "relay") return await createRelayNode(name, peers);
  const { messenger } = createLightMessenger(name, peers);
  return { messenger, start: async () => await messenger.start(), stop: async () => await messenger.stop() };
}

/** The worker's part: answers whoever asks under {@link AGREEMENT}. */
export function answerAs(name: string, messenger: Messenger): Startable {
  return answerAddressRequests({
    messenger,
    identity: messageKeysOf(name),
    authorise: async () => true,
    describe: () => ({ apiUrl: `http://${name}.example`, ledgerKey: LEDGER_KEY, multiaddrs: [] }),
    clock,
    random,
    logger: createMemoryLogger(),
  });
}

/** How a look-up ended, after how long; `reason` is what the error says. */
export interface Outcome {
  readonly tookMs: number;
  readonly apiUrl?: string;
  readonly code?: string;
  readonly reason?: string;
}

/** Looks `worker` up as `asker` does; never rejects for an error of ours. */
export async function lookUp(
  messenger: Messenger,
  asker: string,
  worker: string,
  timeoutMs = 10_000,
): Promise<Outcome> {
  const startedAt = performance.now();
  const tookMs = (): number => performance.now() - startedAt;
  try {
    const { apiUrl } = await findAddress(
      { messenger, messageKeys: messageKeysOf(asker), clock, random, logger: createMemoryLogger() },
      { workerKey: messageKeysOf(worker).publicKey, agreement: AGREEMENT, timeoutMs },
    );
    return { tookMs: tookMs(), apiUrl };
  } catch (error) {
    if (!isSprfError(error)) throw error;
    return { tookMs: tookMs(), code: error.code, reason: error.message };
  }
}
