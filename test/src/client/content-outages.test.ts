import { readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";
import Docker from "dockerode";

import { systemClock as clock } from "../../../src/adapters/clock/system.ts";
import { createHeliaContentStore } from "../../../src/adapters/content-store/helia.ts";
import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createDockerEngine } from "../../../src/adapters/engine/docker/create-docker-engine.ts";
import { createWasiEngine } from "../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createLibp2pNode, type Libp2pNode } from "../../../src/adapters/libp2p/node.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { createProgram } from "../../../src/client/create-program.ts";
import {
  execute,
  type ExecuteComponents,
  type ExecuteStep,
  type ExecutionResult,
} from "../../../src/client/execute.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { Engine, ProgramReference } from "../../../src/ports/engine.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import type { ExecutionInput } from "../../../src/wire/execution-request.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createCuttableLink, type CuttableLink } from "../../helpers/cuttable-link.ts";
import { compileStatic, dockerAbsence, DOCKER_SOCKET, pushImage, REGISTRY } from "../../helpers/docker-programs.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";
import { describeWithPart } from "../../helpers/require-parts.ts";
import { createSceneWorker, type SceneWorker } from "../../helpers/scene-worker.ts";
import { createTcpLink, type TcpLink } from "../../helpers/tcp-link.ts";
import { until } from "../../helpers/until.ts";

const logger = createMemoryLogger();
const FIXTURES = new URL("../adapters/engine/fixtures/", import.meta.url);
const input = (text: string): ExecutionInput => ({ bytes: new Uint8Array(utf8(`${text}\n`)) });

/** Executes, mends the outage once the client says that it waits, and gives what came of it. */
async function survive(
  components: ExecuteComponents,
  parts: Parameters<typeof execute>[1],
  mend: () => Promise<void>,
): Promise<ExecutionResult> {
  const steps: ExecuteStep[] = [];
  const running = execute(components, parts, { onProgress: (step) => steps.push(step) });
  let ended = false;
  const end = (): void => void (ended = true);
  running.then(end, end);
  await until(() => ended || steps.some(({ step }) => step === "waiting"), { timeoutMs: 40_000, what: "an outage" });
  expect(ended).to.equal(false);
  await mend();
  return await running;
}

describe("client: a worker whose IPFS peer is away", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  let worker: SceneWorker;
  let engine: Engine;
  let link: CuttableLink;
  let program: string;
  const open: { stop(): Promise<void> }[] = [];
  let components: ExecuteComponents & { readonly content: CollectingContentStore };

  const peer = async (
    name: string,
    peers: readonly string[],
  ): Promise<{ node: Libp2pNode; content: CollectingContentStore }> => {
    const messageKey = messageKeysOf(name).privateKey;
    const node = await createLibp2pNode({ messageKey, peers, clock, logger });
    const store = createMemoryStore();
    const content = createHeliaContentStore({ libp2p: node, store, fetchTimeoutMs: 1_000, clock, logger });
    await node.start();
    await content.start();
    open.unshift(content, node);
    return { node, content };
  };

  before(async () => {
    scene = await createExecutionScene({ workers: 0 });
    wallet = await scene.user();
    const user = await peer("user", []);
    link = await createCuttableLink(user.node.multiaddrs()[0] ?? "");
    const { node, content } = await peer("worker", [link.address]);
    await until(() => node.libp2p.getConnections().length > 0);
    const { scratchDirectory } = scene;
    engine = createWasiEngine({ content, logger }, { scratchDirectory });
    const { ledger } = scene.client;
    worker = await createSceneWorker({ n: 1, ledger, content, engine, clock: scene.clock, logger, scratchDirectory });
    components = { ...scene.client, content: user.content };
    const cid = await user.content.putFile(await readFile(new URL("probe.wasm", FIXTURES)));
    program = await programOf(components, wallet, worker, { kind: "wasi", cid });
  });
  after(async () => {
    await worker.stop();
    await engine.close();
    for (const part of open) await part.stop();
    await link.cut();
    await scene.stop();
  });

  it("should wait for the program and the state, then for an input, and end clearly when it stays away", async () => {
    const mend = async (): Promise<void> => await link.mend();
    await link.cut();
    const first = await survive(components, { program, wallet, input: input("append fetched;") }, mend);
    expect(first.transition).not.to.equal(undefined);

    await until(async () => await isConnected(), { timeoutMs: 20_000, what: "the peers are connected" });
    const large = await components.content.putFile(utf8("append by cid;\n"));
    await link.cut();
    const second = await survive(components, { program, wallet, input: { cid: large } }, mend);
    expect(second.answer.previousState).to.equal(first.answer.newState);

    await link.cut();
    const other = await components.content.putFile(utf8("append never;\n"));
    const parts = { program, wallet, input: { cid: other } };
    const failed = execute(components, parts, { patienceMs: 500 });
    expect(await failed.then(() => "landed", String)).to.contain("CONTENT_NOT_FOUND");
    expect(await codeOf(failed)).to.equal("NO_MAJORITY");
  }).timeout(120_000);

  async function isConnected(): Promise<boolean> {
    const asked = await components.content.putRecord(new Uint8Array([0xa0]));
    return await codeOf(worker.content.pin(asked)).then((code) => code === undefined);
  }
});

describeWithPart("docker", await dockerAbsence(), "client: a worker whose registry is away", () => {
  let scene: ExecutionScene;
  let build: string;
  let link: TcpLink;
  let engine: Engine;
  let worker: SceneWorker;
  let pulled: string | undefined;

  before(async () => {
    scene = await createExecutionScene({ workers: 0 });
    build = await mkdtemp(join(tmpdir(), "sprf-registry-"));
    link = await createTcpLink(Number(REGISTRY.split(":")[1]));
    const { scratchDirectory } = scene;
    engine = createDockerEngine({ logger }, { scratchDirectory, owner: `registry-outage-${process.pid}` });
    const { ledger, content } = scene.client;
    worker = await createSceneWorker({ n: 1, ledger, content, engine, clock: scene.clock, logger, scratchDirectory });
  });
  after(async () => {
    await worker.stop();
    await engine.close();
    await link.cut();
    await scene.stop();
    if (pulled !== undefined) await new Docker({ socketPath: DOCKER_SOCKET }).getImage(pulled).remove();
    await rm(build, { recursive: true, force: true });
  });

  it("should wait until the image can be pulled, and end clearly when it cannot", async () => {
    const binary = await compileStatic(join(build, "probe"), fileURLToPath(new URL("probe.c", FIXTURES)));
    const lines = 'FROM scratch\nCOPY probe /probe\nLABEL sprf.seconds="2"\nENTRYPOINT ["/probe"]\n';
    const pushed = await pushImage("sprf-test/outage", lines, { probe: binary });
    const image = pushed.image.replace(REGISTRY, `127.0.0.1:${link.port}`);
    const wallet = await scene.user();
    const program = await programOf(scene.client, wallet, worker, { ...pushed, image });
    await link.cut();
    const parts = { program, wallet, input: input("append pulled;") };
    expect(await codeOf(execute(scene.client, parts, { patienceMs: 200 }))).to.equal("PROGRAM_NOT_FOUND");
    const { transition } = await survive(scene.client, parts, async () => await link.mend());
    expect(transition).not.to.equal(undefined);
    pulled = `127.0.0.1:${link.port}/sprf-test/outage@sha256:${pushed.digest}`;
  }).timeout(120_000);
});

async function programOf(
  components: ExecuteComponents & { readonly content: CollectingContentStore },
  wallet: Wallet,
  worker: SceneWorker,
  reference: ProgramReference,
): Promise<string> {
  const workers = [{ address: worker.url, ledgerKey: worker.ledgerKey.publicKey() }];
  const terms = { program: reference, baseFeeStroops: 1_000n, gasPriceStroops: 1_000n, workers };
  return (await createProgram(components, { wallet, terms })).program;
}
