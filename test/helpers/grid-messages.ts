import fc from "fast-check";

import { gridHeaderOf, gridReplyHeaderOf } from "../../src/wire/grid/message-header.ts";
import { GRID_REFUSAL_CODES } from "../../src/wire/grid/refusals.ts";
import {
  GRID_MESSAGE_ID_BYTES,
  MAX_LOG_WINDOW,
  type GridMessage,
  type GridRequest,
} from "../../src/wire/grid/messages.ts";
import { replyTopicOf } from "../../src/wire/topics.ts";
import { bytesArbitrary, cidArbitrary } from "./arbitraries.ts";
import { messageKeysOf } from "./message-keys.ts";

export const GRID_NOW_MS = 1_800_000_000_000;
export const GRID_ADDRESS = new Uint8Array(20).fill(6);
export const GRID_CHAIN_ID = 31_337n;

const [user, node] = [messageKeysOf("user").publicKey, messageKeysOf("node").publicKey];
const headerOf = (from: Uint8Array, to: Uint8Array, id: number) =>
  gridHeaderOf({
    id: new Uint8Array(GRID_MESSAGE_ID_BYTES).fill(id),
    from,
    to,
    chainId: GRID_CHAIN_ID,
    grid: GRID_ADDRESS,
    contractId: 5n,
    nowMs: GRID_NOW_MS,
  });

const request = {
  ...headerOf(user, node, 1),
  replyTopic: replyTopicOf(new Uint8Array(16).fill(5)),
  replyKey: new Uint8Array(messageKeysOf("ephemeral").publicKey),
};
const reply = gridReplyHeaderOf(
  { kind: "status", ...request },
  { id: new Uint8Array(GRID_MESSAGE_ID_BYTES).fill(2), nowMs: GRID_NOW_MS },
);

/** A request of "user" to "node" that is valid at {@link GRID_NOW_MS}. */
export function exampleGridRequest(changes: Partial<GridRequest> = {}): GridRequest {
  return { kind: "status", ...request, ...changes } as GridRequest;
}

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const optional = <T>(field: string, value: fc.Arbitrary<T>): fc.Arbitrary<object> =>
  fc.option(value, { nil: undefined }).map((item) => (item === undefined ? {} : { [field]: item }));

/** Messages of "user" to "node". */
export const userMessages: fc.Arbitrary<GridMessage> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("deploy" as const, "update" as const),
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((body) => ({ kind: "inline" as const, body: new Uint8Array(body) })),
        fc.record({
          kind: fc.constant("block" as const),
          cid: cidArbitrary,
          bytes: fc.integer({ min: 1, max: 9_999 }),
        }),
      ),
    )
    .map(([kind, deployment]) => ({ kind, ...request, deployment })),
  fc.constantFrom("delete" as const, "status" as const).map((kind) => ({ kind, ...request })),
  fc
    .tuple(name, fc.boolean(), fc.nat(10_000), fc.integer({ min: 1, max: MAX_LOG_WINDOW }))
    .map(([container, follow, tailLines, window]) => ({
      kind: "logs" as const,
      ...request,
      container,
      follow,
      tailLines,
      window,
    })),
  fc.tuple(bytesArbitrary(16), fc.nat()).map(([stream, next]) => ({
    kind: "logs-renew" as const,
    ...headerOf(user, node, 3),
    stream,
    next,
  })),
  bytesArbitrary(16).map((stream) => ({ kind: "logs-end" as const, ...headerOf(user, node, 3), stream })),
);

/** Answers of "node" to {@link exampleGridRequest}. */
export const nodeMessages: fc.Arbitrary<GridMessage> = fc.oneof(
  optional("container", name).map((more) => ({
    kind: "progress" as const,
    ...reply,
    step: "fetching" as const,
    ...more,
  })),
  optional("deploymentHash", bytesArbitrary(32)).map((more) => ({ kind: "done" as const, ...reply, ...more })),
  fc.record({ name, restarts: fc.nat(), more: optional("exitCode", fc.nat(255)) }).map(({ more, ...container }) => ({
    kind: "status-reply" as const,
    ...reply,
    state: "running" as const,
    containers: [{ ...container, state: "running" as const, health: "healthy" as const, outOfMemory: false, ...more }],
    publicIps: ["127.0.10.1"],
    multiaddrs: ["/ip4/127.0.0.1/tcp/4001"],
  })),
  fc.tuple(fc.constantFrom(...GRID_REFUSAL_CODES), fc.string({ maxLength: 100 })).map(([code, detail]) => ({
    kind: "refused" as const,
    ...reply,
    code,
    detail,
  })),
  fc.tuple(fc.nat(), fc.uint8Array({ maxLength: 100 }), fc.boolean()).map(([sequence, text, last]) => ({
    kind: "log-chunk" as const,
    ...reply,
    sequence,
    entries: [{ stream: "stderr" as const, atMs: GRID_NOW_MS, bytes: new Uint8Array(text) }],
    last,
  })),
  fc.constant({ kind: "acknowledgement" as const, ...reply }),
);
