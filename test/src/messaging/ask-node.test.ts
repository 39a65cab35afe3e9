import { expect } from "chai";
import fc from "fast-check";

import { isSprfError } from "../../../src/errors.ts";
import type { GridAnswer, GridProgress, WorkRequest } from "../../../src/messaging/answer-grid.ts";
import { askNode, type NodeQuestion } from "../../../src/messaging/ask-node.ts";
import { encodeGridMessage } from "../../../src/wire/grid/messages.ts";
import { gridTopicOf } from "../../../src/wire/topics.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { exampleGridRequest } from "../../helpers/grid-messages.ts";
import { createGridMessagingScene, type GridMessagingScene } from "../../helpers/grid-messaging-scene.ts";

const STATUS: NodeQuestion = { kind: "status" };
const DEPLOY: NodeQuestion = { kind: "deploy", deployment: { kind: "inline", body: new Uint8Array([1]) } };
const RUNNING: GridAnswer = { kind: "status-reply", state: "running", containers: [], publicIps: [], multiaddrs: [] };
const DONE: GridAnswer = { kind: "done", deploymentHash: new Uint8Array(32) };

describe("messaging/ask-node", () => {
  let scene: GridMessagingScene;
  let asked: WorkRequest[];
  let answer: (onProgress: (progress: GridProgress) => void) => Promise<GridAnswer>;
  let refusal: "contract-unknown" | "not-the-creator" | undefined;

  const setUp = async (): Promise<void> => {
    asked = [];
    refusal = undefined;
    answer = async () => RUNNING;
    scene = await createGridMessagingScene({
      refuse: async () => (refusal === undefined ? undefined : { kind: "refuse", code: refusal, detail: "" }),
      answer: async (request, { onProgress }) => {
        asked.push(request);
        return await answer(onProgress);
      },
      readLogs: async () => ({ kind: "refuse", code: "container-unknown", detail: "" }),
    });
  };
  beforeEach(setUp);
  afterEach(async () => {
    await scene.stop();
  });
  const ask = async (question: NodeQuestion, options: Partial<Parameters<typeof askNode>[1]> = {}) =>
    await scene.settle(askNode(scene.user, { nodeKey: scene.nodeKey, contractId: 5n, question, ...options }));

  it("should get the answer and acknowledge it, so that the node stops to send it", async () => {
    expect((await ask(STATUS)).kind).to.equal("status-reply");
    await scene.clock.advance(60_000);
    expect(scene.sent.map(({ kind }) => kind)).to.deep.equal([
      "status",
      "acknowledgement",
      "status-reply",
      "acknowledgement",
    ]);
  });

  it("should hear of progress while the node works for longer than a request lives", async () => {
    const seen: string[] = [];
    answer = async (onProgress) => {
      onProgress({ step: "fetching", percent: 40 });
      await scene.clock.sleep(40_000);
      return DONE;
    };
    const reply = await ask(DEPLOY, { timeoutMs: 300_000, onProgress: ({ step }) => seen.push(step) });
    expect(reply.kind).to.equal("done");
    expect(seen).to.deep.equal(["fetching"]);
    expect(asked).to.have.length(1);
  });

  it("should tell the node's refusal by its code", async () => {
    answer = async () => ({ kind: "refused", code: "port-taken", detail: "127.0.0.1, port 80/tcp" });
    const error = await ask(DEPLOY).catch((thrown: unknown) => thrown);
    expect(isSprfError(error, "NODE_REFUSED") && error.context?.["refusal"]).to.equal("port-taken");
  });

  it("should ask again while the node's chain has not got the contract", async () => {
    refusal = "contract-unknown";
    scene.clock.sleep(3_500).then(
      () => (refusal = undefined),
      () => undefined,
    );
    expect((await ask(STATUS)).kind).to.equal("status-reply");
  });

  it("should refuse whoever may not ask, and do nothing", async () => {
    refusal = "not-the-creator";
    expect(await codeOf(ask(STATUS))).to.equal("NODE_REFUSED");
    expect(asked).to.deep.equal([]);
  });

  it("should say that a node is silent when nothing comes back", async () => {
    scene.copies = () => 0;
    expect(await codeOf(ask(STATUS, { timeoutMs: 120_000 }))).to.equal("NODE_SILENT");
  });

  it("should do once what comes twice, and once what is sent again", async () => {
    answer = async () => DONE;
    scene.copies = ({ kind }, index) => (kind === "deploy" ? 2 : index % 3 === 0 ? 0 : 2);
    expect((await ask(DEPLOY)).kind).to.equal("done");
    expect(asked).to.have.length(1);
  });

  it("should not take an id for another request", async () => {
    const { publicKey: recipient } = { publicKey: scene.nodeKey };
    const say = async (kind: "status" | "delete"): Promise<void> => {
      const now = { issuedAt: scene.clock.now(), expiresAt: scene.clock.now() + 60_000 };
      const payload = encodeGridMessage(exampleGridRequest({ kind, ...now }));
      await scene.user.messenger.publish({ topic: gridTopicOf(recipient), recipient, payload });
      await scene.clock.advance(100);
    };
    await say("status");
    await say("delete");
    expect(asked.map(({ kind }) => kind)).to.deep.equal(["status"]);
  });

  it("should outlive whatever else arrives", async () => {
    const to = { topic: gridTopicOf(scene.nodeKey), recipient: scene.nodeKey };
    scene.copies = () => 1;
    const stale = encodeGridMessage(exampleGridRequest({ issuedAt: 0, expiresAt: 60_000 }));
    await scene.user.messenger.publish({ ...to, payload: stale });
    const now = { issuedAt: scene.clock.now(), expiresAt: scene.clock.now() + 60_000 };
    const forged = encodeGridMessage(exampleGridRequest(now));
    await scene.stranger.messenger.publish({ ...to, payload: forged });
    await scene.clock.advance(100);
    expect(asked).to.deep.equal([]);
    expect((await ask(STATUS)).kind).to.equal("status-reply");
  });

  it("should come to an answer through any losses, and work once for each request", async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.integer({ min: 0, max: 99 })), async (draws) => {
        await scene.stop();
        await setUp();
        answer = async () => DONE;
        scene.copies = () => {
          const draw = draws.next().value as number;
          return draw < 50 ? 0 : draw < 90 ? 1 : 2;
        };
        expect((await ask(DEPLOY, { timeoutMs: 400_000 })).kind).to.equal("done");
        expect(new Set(asked.map(({ id }) => id.join())).size).to.equal(asked.length);
      }),
      { numRuns: 20 },
    );
  }).timeout(60_000);
});
