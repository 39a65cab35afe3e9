import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import Docker from "dockerode";
import { expect } from "chai";

import { createDockerEngine } from "../../../src/adapters/engine/docker/create-docker-engine.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { AUDIT_EXIT_CODES, exitCodeOf } from "../../../src/cli/audit-report.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import type { Engine, ProgramReference } from "../../../src/ports/engine.ts";
import { createSceneAuditor, type SceneAuditor } from "../../helpers/auditor.ts";
import { createBatchMaker } from "../../helpers/batch-history.ts";
import { compileStatic, DOCKER_SOCKET, dockerAbsence, pushImage, REGISTRY } from "../../helpers/docker-programs.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createHistoryMaker, type HistoryMaker } from "../../helpers/history.ts";
import { prepay } from "../../helpers/prepaid.ts";
import { describeWithPart } from "../../helpers/require-parts.ts";
import { createTcpLink, type TcpLink } from "../../helpers/tcp-link.ts";

const SOURCE = fileURLToPath(new URL("../adapters/engine/fixtures/probe.c", import.meta.url));
const OTHER_STATE = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
const OWNER = `sprf-audit-test-${process.pid}`;

describeWithPart("docker", await dockerAbsence(), "audit of docker programs", () => {
  let scene: ExecutionScene;
  let engine: Engine;
  let auditor: SceneAuditor;
  let wallet: Wallet;
  let binary: Buffer;
  let folder: string;
  before(async function () {
    this.timeout(120_000);
    folder = await mkdtemp(join(tmpdir(), "sprf-audit-docker-"));
    binary = await compileStatic(join(folder, "probe"), SOURCE);
    scene = await createExecutionScene({ workers: 3 });
    const init = { connection: { socketPath: DOCKER_SOCKET }, scratchDirectory: folder, owner: OWNER };
    engine = createDockerEngine({ logger: createMemoryLogger() }, init);
    auditor = await createSceneAuditor(scene, { engine });
    wallet = await scene.user();
  });
  after(async function () {
    this.timeout(30_000);
    await auditor.close();
    await scene.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const push = async (name: string, labels = "", registry = REGISTRY): Promise<DockerProgram> => {
    const dockerfile = `FROM scratch\nCOPY probe /probe\nLABEL sprf.seconds="2"${labels}\nENTRYPOINT ["/probe"]\n`;
    return await pushImage(`sprf-test/${name}`, dockerfile, { probe: binary }, registry);
  };
  const newHistory = async (
    program: DockerProgram,
  ): Promise<{ readonly program: string; readonly history: HistoryMaker }> => {
    const id = await scene.program("probe", { program });
    return { program: id, history: createHistoryMaker(scene, engine, id) };
  };

  it("should run transitions and batches of an image again, and name what it does not give", async () => {
    const { program, history } = await newHistory(await push("audit"));
    await history.land(wallet, "append 1;\n");
    const batches = createBatchMaker(scene, engine, { program, payer: wallet });
    const paid = [];
    for (const input of ["append a;", "exit 7"]) paid.push(await prepay(scene, wallet, program, input));
    await batches.land(paid);
    const report = await auditor.audit(program);
    expect(report.unchecked).to.deep.equal([]);
    expect(report).to.include({ outcome: "clean", ran: 2, uncheckedCount: 0 });
    const forged = await history.land(wallet, "append 2;\n", {
      outcome: (run) => ({ ...run, newState: OTHER_STATE }),
    });
    const { wrong } = await auditor.audit(program);
    expect(wrong).to.include({ recordCid: forged });
    expect(wrong?.faults.map(({ code }) => code)).to.deep.equal(["RESULT_STATE"]);
  }).timeout(120_000);

  it("should run an image again whose state is a directory", async () => {
    const { program, history } = await newHistory(await push("audit-directory", ' sprf.state="directory"'));
    for (const command of ["mkdir notes", "make notes/first"]) await history.land(wallet, `${command}\n`);
    const report = await auditor.audit(program);
    expect(report.unchecked).to.deep.equal([]);
    expect(report).to.include({ outcome: "clean", ran: 2 });
    const listed = await auditor.content.listDirectory((await scene.account(program)).state);
    expect(listed.map(({ path }) => path)).to.deep.equal(["notes", "notes/first"]);
  }).timeout(120_000);

  it("should say that an image is gone, with an exit code of its own", async () => {
    const link = await createTcpLink(Number(REGISTRY.split(":")[1]));
    const registry = `127.0.0.1:${link.port}`;
    try {
      // Of no other image's bytes, so that it goes with its only name.
      const image = await push("audit-gone", ` sprf.test="${OWNER}"`, registry);
      const { program, history } = await newHistory(image);
      await history.land(wallet, "append 1;\n");
      await forget(link, image);
      const report = await auditor.audit(program);
      expect(report).to.include({ outcome: "incomplete", imagesGone: true, ran: 0, uncheckedCount: 1, records: 2 });
      expect(report.unchecked[0]?.code).to.equal("PROGRAM_NOT_FOUND");
      expect(exitCodeOf(report)).to.equal(AUDIT_EXIT_CODES.imageGone);
    } finally {
      await link.cut();
    }
  }).timeout(120_000);
});

type DockerProgram = Extract<ProgramReference, { kind: "docker" }>;

/** The registry is no longer there, and this machine has no copy. */
async function forget(link: TcpLink, { image }: DockerProgram): Promise<void> {
  await link.cut();
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  const { Id: id } = await docker.getImage(image).inspect();
  await docker.getImage(id).remove({ force: true });
}
