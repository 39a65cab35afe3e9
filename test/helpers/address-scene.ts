import { createHash } from "node:crypto";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { LogLine } from "../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import type { MemoryDelivery, MemoryMessengerHub } from "../../src/adapters/messenger/memory.ts";
import type { Messenger } from "../../src/ports/messenger.ts";
import type { Random } from "../../src/ports/random.ts";
import type { Startable } from "../../src/ports/startable.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { decodeAddressMessage } from "../../src/wire/address.ts";
import type { AddressMessage, AddressRequest } from "../../src/wire/address.ts";
import { answerAddressRequests } from "../../src/worker/answer-addresses.ts";
import type { AddressAnswererInit } from "../../src/worker/answer-addresses.ts";
import { createManualClock } from "./manual-clock.ts";
import type { ManualClock } from "./manual-clock.ts";
import { messageKeysOf } from "./message-keys.ts";

export const AGREEMENT = `0x${"03".repeat(20)}`;
export const LEDGER_KEY = new Uint8Array(32).fill(9);

export interface AddressScene {
  readonly clock: ManualClock;
  readonly hub: MemoryMessengerHub;
  readonly random: Random;
  readonly client: Messenger;
  readonly answerer: Startable;
  /** What went over the hub, in order. */
  readonly sent: { readonly delivery: MemoryDelivery; readonly message: AddressMessage | undefined }[];
  readonly asked: AddressRequest[];
  readonly lines: LogLine[];
  kinds(): (string | undefined)[];
  stop(): Promise<void>;
}

/** A client and a worker on a hub in memory, with a clock that stands still. */
export async function createAddressScene(
  changes: Partial<Pick<AddressAnswererInit, "authorise" | "describe">> = {},
): Promise<AddressScene> {
  const clock = createManualClock();
  const hub = createMemoryMessengerHub();
  const lines: LogLine[] = [];
  const logger = createMemoryLogger(lines);
  const sent: AddressScene["sent"] = [];
  const asked: AddressRequest[] = [];
  hub.copies = (delivery) => {
    sent.push({ delivery, message: tryDecode(delivery.payload) });
    return 1;
  };
  const [client, worker] = ["client", "worker"].map((name) =>
    createMemoryMessenger({ hub, messageKey: messageKeysOf(name).privateKey, logger }),
  );
  if (client === undefined || worker === undefined) throw new Error("unreachable");
  await client.start();
  await worker.start();
  const authorise = changes.authorise ?? (async () => true);
  const random = createSequence();
  const answerer = answerAddressRequests({
    messenger: worker,
    identity: messageKeysOf("worker"),
    authorise: async (request, options) => {
      asked.push(request);
      return await authorise(request, options);
    },
    describe:
      changes.describe ??
      (() => ({ apiUrl: "http://127.0.0.1:8080", ledgerKey: LEDGER_KEY, multiaddrs: ["/ip4/127.0.0.1/tcp/4001"] })),
    clock,
    random,
    logger,
  });
  await answerer.start();
  return {
    clock,
    hub,
    random,
    client,
    answerer,
    sent,
    asked,
    lines,
    kinds: () => sent.map(({ message }) => message?.kind),
    async stop() {
      await answerer.stop();
      await client.stop();
      await worker.stop();
    },
  };
}

/** Bytes that differ from call to call and are the same in every run. */
export function createSequence(): Random {
  let count = 0;
  return {
    bytes: (length) => {
      count += 1;
      return new Uint8Array(
        createHash("shake256", { outputLength: length })
          .update(utf8(`random ${count}`))
          .digest(),
      );
    },
  };
}

function tryDecode(payload: Uint8Array): AddressMessage | undefined {
  try {
    return decodeAddressMessage(payload);
  } catch {
    return undefined;
  }
}
