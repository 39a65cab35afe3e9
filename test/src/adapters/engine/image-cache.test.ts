import { expect } from "chai";
import Docker from "dockerode";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createDockerEngine } from "../../../../src/adapters/engine/docker/create-docker-engine.ts";
import { pinnedImage } from "../../../../src/adapters/engine/docker/image-facts.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import type { Engine, ProgramReference } from "../../../../src/ports/engine.ts";
import { DOCKER_SOCKET, dockerAbsence, pushImage } from "../../../helpers/docker-programs.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

describeWithPart("docker", await dockerAbsence(), "images that a worker pulled", () => {
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  let home: string;
  let path: string;
  const references: Extract<ProgramReference, { kind: "docker" }>[] = [];

  const openEngine = (maxBytes: number): Engine =>
    createDockerEngine({ logger: createMemoryLogger() }, { scratchDirectory: home, images: { path, maxBytes } });
  const prepare = async (engine: Engine, number: number): Promise<void> => {
    await engine.prepare(references[number] as ProgramReference);
  };
  const isHere = async (number: number): Promise<boolean> =>
    await docker
      .getImage(pinnedImage(references[number] as ProgramReference))
      .inspect()
      .then(
        () => true,
        () => false,
      );
  const here = async (): Promise<boolean[]> => await Promise.all(references.map((_, number) => isHere(number)));

  before(async function () {
    this.timeout(120_000);
    home = await mkdtemp(join(tmpdir(), "sprf-images-"));
    path = join(home, "images.json");
    for (const number of [0, 1, 2, 3]) {
      const name = `sprf-test/cache-${process.pid}-${number}`;
      const dockerfile = 'FROM scratch\nCOPY file /file\nENTRYPOINT ["/file"]\n';
      references.push(await pushImage(name, dockerfile, { file: Buffer.alloc(1000, `${number} ${process.pid}`) }));
    }
  });
  after(async () => {
    await removeAll();
    await rm(home, { recursive: true });
  });
  beforeEach(async () => {
    await removeAll();
    await rm(path, { force: true });
  });

  async function removeAll(): Promise<void> {
    for (const reference of references) {
      for (const name of [reference.image, pinnedImage(reference)]) {
        await docker
          .getImage(name)
          .remove({ force: true })
          .catch(() => undefined);
      }
    }
  }

  it("stay while there is room", async () => {
    const engine = openEngine(4_000);
    for (const number of [0, 1, 2, 3]) await prepare(engine, number);
    expect(await here()).to.deep.equal([true, true, true, true]);
    await engine.close();
  });

  it("go when there is none, the least recently used first, also after a restart", async () => {
    let engine = openEngine(3_000);
    for (const number of [0, 1, 2, 0]) await prepare(engine, number);
    await engine.close();
    engine = openEngine(3_000);
    await prepare(engine, 3);
    expect(await here()).to.deep.equal([true, false, true, true]);
    await prepare(engine, 1);
    expect(await here()).to.deep.equal([true, true, false, true]);
    await engine.close();
  });

  it("go never while others pulled them, and never the last two", async () => {
    await docker
      .pull(pinnedImage(references[0] as ProgramReference))
      .then(
        async (stream) => await new Promise<void>((resolve) => docker.modem.followProgress(stream, () => resolve())),
      );
    const engine = openEngine(1);
    for (const number of [0, 1, 2, 3]) await prepare(engine, number);
    expect(await here()).to.deep.equal([true, false, true, true]);
    await engine.close();
  });

  it("are forgotten when the list of them was cut short, and the worker goes on", async () => {
    await writeFile(path, '{"a":');
    const engine = openEngine(2_000);
    for (const number of [0, 1, 2]) await prepare(engine, number);
    expect(await here()).to.deep.equal([false, true, true, false]);
    expect(Object.keys(JSON.parse(await readFile(path, "utf8")) as object)).to.have.length(2);
    await engine.close();
  });
});
