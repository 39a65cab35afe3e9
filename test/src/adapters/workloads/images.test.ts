import { expect } from "chai";
import Docker from "dockerode";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createDockerWorkloads } from "../../../../src/adapters/workloads/docker/create-docker-workloads.ts";
import type { Workloads } from "../../../../src/ports/workloads.ts";
import { DOCKER_SOCKET } from "../../../helpers/docker-programs.ts";
import { busyboxImage, dockerNetworkAbsence } from "../../../helpers/docker-workloads-fixture.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";
import { scriptOf, specOf } from "../../../helpers/workload-specs.ts";

const COUNT = 5;

describeWithPart(
  "docker-networks",
  await dockerNetworkAbsence(),
  "images of deployments",
  function (this: Mocha.Suite) {
    this.timeout(120_000);
    const docker = new Docker({ socketPath: DOCKER_SOCKET });
    const images: string[] = [];
    let home: string;
    let node: Workloads;

    before(async () => {
      home = await mkdtemp(join(tmpdir(), "sprf-node-images-"));
      for (let number = 0; number < COUNT; number += 1) {
        images.push(await busyboxImage(repository(number), `LABEL number=${process.pid}-${number}\n`));
      }
    });
    beforeEach(async () => {
      await removeAll();
      node = start();
    });
    afterEach(async () => {
      for (const { contractId } of await node.list()) await node.remove(contractId);
    });
    after(async () => {
      await removeAll();
      await rm(home, { recursive: true });
    });

    /** Its images may take next to nothing. */
    const start = (): Workloads =>
      createDockerWorkloads(
        { logger: createMemoryLogger() },
        {
          owner: `images-${process.pid}`,
          firewall: "managed-elsewhere",
          images: { path: join(home, "images.json"), maxBytes: 1 },
        },
      );
    const repository = (number: number): string => `sprf-test/unused-${process.pid}-${number}`;
    const deploy = async (number: number): Promise<void> =>
      await node.deploy(specOf(`c${number}`, "aa", scriptOf(images[number] ?? "", "sleep 1000")));
    const here = async (): Promise<boolean[]> =>
      await Promise.all(images.map(async (image) => await node.hasImage(image)));
    async function removeAll(): Promise<void> {
      for (const image of images) {
        for (const name of [image, image.replace(/@.*/, ":test")]) {
          await docker
            .getImage(name)
            .remove({ force: true })
            .catch(() => undefined);
        }
      }
    }

    it("stay while a deployment uses them, running or paused, and go when none does and there is no room", async () => {
      for (const number of [0, 1, 2, 3]) await deploy(number);
      await node.pause("c1");
      expect(await here()).to.deep.equal([true, true, true, true, false]);
      await node.remove("c0");
      expect(await here(), "what was used last stays in any case").to.deep.equal([false, true, true, true, false]);
      // The list of them outlives the node.
      node = start();
      await node.remove("c2");
      await node.remove("c3");
      await deploy(4);
      expect(await here()).to.deep.equal([false, true, false, true, true]);
      await node.resume("c1");
      expect((await node.status("c1"))[0]?.state).to.equal("running");
    });

    it("of deployments that are made at the same time go for none of them", async () => {
      await Promise.all(images.map(async (_, number) => await deploy(number)));
      expect(await here()).to.deep.equal(images.map(() => true));
      for (const number of images.keys()) await node.remove(`c${number}`);
      expect((await here()).filter(Boolean)).to.have.length(2);
      const listed = JSON.parse(await readFile(join(home, "images.json"), "utf8")) as object;
      expect(Object.keys(listed)).to.have.length(2);
    });
  },
);
