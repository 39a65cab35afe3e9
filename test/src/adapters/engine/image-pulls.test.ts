import { expect } from "chai";
import Docker from "dockerode";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { pinnedImage } from "../../../../src/adapters/engine/docker/image-facts.ts";
import { PullProgress } from "../../../../src/adapters/engine/docker/pull-progress.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, ProgramReference } from "../../../../src/ports/engine.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { dockerAbsence, pushImage, REGISTRY } from "../../../helpers/docker-programs.ts";
import { createManualClock, type ManualClock } from "../../../helpers/manual-clock.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { createTcpLink, type TcpLink } from "../../../helpers/tcp-link.ts";
import { until } from "../../../helpers/until.ts";

const MIB = 1024 * 1024;
const SILENCE_MS = 30_000;
const LAYER_BYTES = 16 * MIB;
/** More than comes at once from a connection. */
const CHUNK_BYTES = 128 * 1024;
const SLOW = { timeoutMs: 60_000 };

describe("PullProgress", () => {
  it("counts what comes, not what is said about trying again", () => {
    const progress = new PullProgress();
    progress.hear({ status: "Pulling from a", id: "sha256:1" });
    progress.hear({ status: "Pulling fs layer", id: "one" });
    progress.hear({ status: "Downloading", id: "one", progressDetail: { current: 10, total: 100 } });
    const { steps } = progress;
    for (const seconds of [5, 4, 3]) progress.hear({ status: `Retrying in ${seconds} seconds`, id: "one" });
    expect(progress.steps).to.equal(steps);
    expect(progress.waitsForRegistry).to.equal(true);
    progress.hear({ status: "Downloading", id: "one", progressDetail: { current: 20, total: 100 } });
    expect(progress.steps).to.equal(steps + 1);
    expect([progress.done, progress.total]).to.deep.equal([20, 100]);
  });

  it("tells whose turn it is", () => {
    const progress = new PullProgress();
    expect(progress.waitsForRegistry, "for the manifest").to.equal(true);
    progress.hear({ status: "Downloading", id: "one", progressDetail: { current: 10, total: 10 } });
    progress.hear({ status: "Waiting", id: "two" });
    progress.hear({ status: "Download complete", id: "one" });
    expect(progress.waitsForRegistry, "for the second layer").to.equal(true);
    progress.hear({ status: "Download complete", id: "two" });
    progress.hear({ status: "Extracting", id: "one", progressDetail: { current: 1, total: 10 } });
    expect(progress.waitsForRegistry).to.equal(false);
  });
});

describeWithPart("docker", await dockerAbsence(), "pulls of images", () => {
  const docker = new Docker();
  let home: string;
  let link: TcpLink;
  let clock: ManualClock;
  let engine: Engine;
  let reference: Extract<ProgramReference, { kind: "docker" }>;

  before(async function () {
    this.timeout(120_000);
    home = await mkdtemp(join(tmpdir(), "sprf-pulls-"));
    link = await createTcpLink(Number(REGISTRY.split(":")[1]));
    const dockerfile = 'FROM scratch\nCOPY file /file\nENTRYPOINT ["/file"]\n';
    const pushed = await pushImage(`sprf-test/pulls-${process.pid}`, dockerfile, { file: randomBytes(LAYER_BYTES) });
    await remove(pushed.image, pinnedImage(pushed));
    reference = { ...pushed, image: pushed.image.replace(REGISTRY, `127.0.0.1:${link.port}`) };
  });
  after(async () => {
    await remove(pinnedImage(reference));
    await link.cut();
    await rm(home, { recursive: true });
  });
  beforeEach(async () => {
    clock = createManualClock();
    engine = createDockerEngine(
      { logger: createMemoryLogger(), clock },
      { scratchDirectory: home, pulls: { silenceMs: SILENCE_MS } },
    );
    link.carry(Number.POSITIVE_INFINITY);
    await link.mend();
    await remove(pinnedImage(reference));
  });
  afterEach(async () => {
    await engine.close();
  });

  async function remove(...names: string[]): Promise<void> {
    for (const name of names) {
      await docker
        .getImage(name)
        .remove({ force: true })
        .catch(() => undefined);
    }
  }

  /** Lets time go by, spans of silence at once, until the work ends. */
  async function outcomeInTime(work: Promise<unknown>): Promise<string | undefined> {
    let outcome: { code: string | undefined } | undefined;
    codeOf(work).then(
      (code) => (outcome = { code }),
      () => undefined,
    );
    await until(
      async () => {
        await clock.advance(SILENCE_MS);
        return outcome !== undefined;
      },
      { ...SLOW, what: "the end of the pull" },
    );
    return outcome?.code;
  }

  it("gives up a registry that takes connections and never answers", async () => {
    await link.hang();
    const prepared = engine.prepare(reference);
    await until(() => link.hanging > 0, { ...SLOW, what: "the engine's question" });
    expect(await outcomeInTime(prepared)).to.equal("REGISTRY_STALLED");
  }).timeout(120_000);

  it("gives up a registry that stalls in the middle of a layer, and pulls when it goes on", async () => {
    link.carry(LAYER_BYTES / 2);
    const seen: number[] = [];
    const prepared = engine.prepare(reference, { onProgress: ({ done }) => seen.push(done) });
    await until(() => link.held > 0 && seen.some((done) => done > 0), { ...SLOW, what: "half of the layer" });
    expect(await outcomeInTime(prepared)).to.equal("REGISTRY_STALLED");
    expect(Math.max(...seen)).to.be.lessThan(LAYER_BYTES);

    link.carry(Number.POSITIVE_INFINITY);
    expect((await engine.prepare(reference)).state).to.equal("file");
  }).timeout(120_000);

  it("is patient with a registry that is slow", async () => {
    link.carry(0);
    const seen = [0];
    const prepared = engine.prepare(reference, { onProgress: ({ done }) => seen.push(done) });
    for (const round of [1, 2, 3]) {
      const before = seen.at(-1) as number;
      const hasMoreCome = (): boolean => {
        // The engine tells of what comes ten times a second at most.
        link.carry(CHUNK_BYTES);
        return (seen.at(-1) as number) > before;
      };
      await until(hasMoreCome, { ...SLOW, what: `progress ${round}` });
      expect(seen.at(-1)).to.be.lessThan(LAYER_BYTES);
      await clock.advance(SILENCE_MS);
    }
    link.carry(Number.POSITIVE_INFINITY);
    expect((await prepared).state).to.equal("file");
  }).timeout(120_000);

  it("goes on when whoever asked has given up, for whoever asks next", async () => {
    link.carry(LAYER_BYTES / 2);
    const gone = new AbortController();
    const first = engine.prepare(reference, { signal: gone.signal });
    await until(() => link.held > 0, { ...SLOW, what: "half of the layer" });
    gone.abort();
    expect(await codeOf(first)).to.equal("ABORTED");
    expect(link.held, "the pull goes on").to.be.greaterThan(0);
    const second = engine.prepare(reference);
    link.carry(Number.POSITIVE_INFINITY);
    expect((await second).state).to.equal("file");
  }).timeout(120_000);

  it("ends its pulls when it is closed", async () => {
    link.carry(LAYER_BYTES / 2);
    const prepared = codeOf(engine.prepare(reference));
    await until(() => link.held > 0, { ...SLOW, what: "half of the layer" });
    await engine.close();
    expect(await prepared).to.equal("ABORTED");
  }).timeout(120_000);
});
