import Docker from "dockerode";
import { rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";

import { SCRATCH_BYTES } from "../../../domain/engine-limits.ts";
import { isSprfError, messageOf, SprfError } from "../../../errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Engine, PreparedProgram, ProgramRun, RunResult } from "../../../ports/engine.ts";
import type { Logger } from "../../../ports/logger.ts";
import { raceAbort, throwIfAborted, withDeadline } from "../../../utils/abort.ts";
import { systemClock } from "../../clock/system.ts";
import { createScratch, isProcessAlive, removeDeadScratch } from "../scratch.ts";
import { containerOptions } from "./container-options.ts";
import { statusOf, translateDockerError } from "./docker-errors.ts";
import { createImageCache, type ImageCacheInit } from "./image-cache.ts";
import { imageFacts, localImage, pinnedImage } from "./image-facts.ts";
import { createImagePulls } from "./image-pulls.ts";
import type { PullLimits } from "./pull-image.ts";
import { runContainer } from "./run-container.ts";
import { copyStateIn, copyStateOut, sealHandedState } from "./scratch-state.ts";
import { watchDirectory } from "./watch-directory.ts";

const CHECK_TIMEOUT_MS = 10_000;
const CREATE_TIMEOUT_MS = 60_000;
const REMOVE_TIMEOUT_MS = 60_000;
const SCRATCH_PREFIX = "sprf-docker";
const LABEL_OWNER = "sprf.owner";
const LABEL_PROCESS = "sprf.process";
/** The exit code of a rejection that is not about the exit. */
const NO_EXIT_CODE = 0;

export interface DockerEngineComponents {
  readonly logger: Logger;
  /** By which pulls are given up. @default the machine's */
  readonly clock?: Clock | undefined;
}

export interface DockerEngineInit {
  /**
   * How the Docker Engine is reached. It must run on this machine, because states are handed over by bind mount.
   *
   * @default { socketPath: "/var/run/docker.sock" }
   */
  readonly connection?: Docker.DockerOptions | undefined;
  /**
   * Where scratch copies of states rest; the engine must see the same path.
   *
   * @default the system's temporary directory
   */
  readonly scratchDirectory?: string | undefined;
  /**
   * A runtime other than the engine's own, such as `runsc`.
   *
   * @default the engine's
   */
  readonly runtime?: string | undefined;
  /**
   * Containers of the same owner are removed when their worker's process is no more.
   *
   * @default this machine's name
   */
  readonly owner?: string | undefined;
  /** @default 1 */
  readonly cpus?: number | undefined;
  /** @default 128 */
  readonly pids?: number | undefined;
  /**
   * Images that this worker pulled go when they take more than this, the least recently used first.
   *
   * @default all stay
   */
  readonly images?: ImageCacheInit | undefined;
  /** How patient pulls are with registries. */
  readonly pulls?: PullLimits | undefined;
  /**
   * Digests are ids of images of this machine, which no registry has to have: for trying a program, never for serving one.
   *
   * @default false
   */
  readonly localImages?: boolean | undefined;
}

/** Runs images, pinned by digest, in containers of a Docker Engine, one container a run. */
export function createDockerEngine(components: DockerEngineComponents, init: DockerEngineInit = {}): Engine {
  const { logger, clock = systemClock } = components;
  const docker = new Docker(init.connection ?? { socketPath: "/var/run/docker.sock" });
  const images = init.images === undefined ? undefined : createImageCache({ docker, logger }, init.images);
  const onPulled = async (name: string): Promise<void> => {
    await images?.pulled(name, (await docker.getImage(name).inspect()).Size);
  };
  const pulls = createImagePulls({ docker, clock, onPulled }, init.pulls);
  const nameOf = init.localImages === true ? localImage : pinnedImage;
  const scratchParent = init.scratchDirectory ?? tmpdir();
  const owner = init.owner ?? hostname();
  const thisProcess = `${process.pid}-${Math.round(performance.timeOrigin)}`;
  const labels = { [LABEL_OWNER]: owner, [LABEL_PROCESS]: thisProcess };
  const background = new Set<Promise<void>>();
  const running = new Set<Docker.Container>();
  let home: Promise<string> | undefined;
  let count = 0;
  let closed = false;

  async function openHome(): Promise<string> {
    await removeLeftOvers();
    return await createScratch(scratchParent, SCRATCH_PREFIX, logger);
  }

  async function removeLeftOvers(): Promise<void> {
    const containers = await docker.listContainers({ all: true, filters: { label: [`${LABEL_OWNER}=${owner}`] } });
    for (const { Id: id, Labels: found } of containers) {
      const of = found[LABEL_PROCESS] ?? "";
      const pid = Number(of.split("-")[0]);
      if (of === thisProcess || (pid !== process.pid && isProcessAlive(pid))) continue;
      await removeContainer(docker.getContainer(id));
      logger.info("removed what a crashed worker left behind", { container: id });
    }
  }

  function inBackground(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => logger.warn("a run was not cleaned up", { error: messageOf(error) }))
      .finally(() => background.delete(settled));
    background.add(settled);
  }

  async function runIn(directory: string, run: ProgramRun, signal: AbortSignal | undefined): Promise<RunResult> {
    const { program, limits } = run;
    const stateSource = join(directory, `state-${++count}`);
    let container: Docker.Container | undefined;
    let watch: ReturnType<typeof watchDirectory> | undefined;
    try {
      const copied = await copyStateIn(run.statePath, stateSource, program.state, limits.stateBytes);
      throwIfAborted(signal);
      const { cpus = 1, pids = 128, runtime } = init;
      const image = nameOf(program.reference);
      const created = docker.createContainer(
        containerOptions(run, { image, stateSource, labels, cpus, pids, runtime }),
      );
      container = await raceAbort(created, withDeadline(signal, CREATE_TIMEOUT_MS)).catch((error: unknown) => {
        // It may still come to be.
        inBackground(created.then(removeContainer, () => undefined));
        throw error;
      });
      running.add(container);
      const handed = await sealHandedState(copied, `${stateSource}.mark`);
      if (program.state === "directory") watch = watchDirectory(stateSource, limits.stateBytes + SCRATCH_BYTES);
      const end = await runContainer(container, {
        input: run.input,
        outputBytes: limits.outputBytes,
        timeoutMs: limits.timeoutMs,
        signal: AbortSignal.any([signal, watch?.signal].filter((each) => each !== undefined)),
        logger,
      });
      const { exitCode, output, stderrTail } = end;
      if (end.outputExceeded) return rejected("output-limit", NO_EXIT_CODE, output, stderrTail);
      if (exitCode !== 0) return rejected("exit", exitCode, output, stderrTail);
      try {
        await copyStateOut(stateSource, run.statePath, handed, limits.stateBytes);
      } catch (error) {
        if (isSprfError(error, "STATE_REFUSED")) return rejected("state-limit", NO_EXIT_CODE, output, error.message);
        throw error;
      }
      return { status: "accepted", output };
    } catch (error) {
      if (container === undefined && isSprfError(error, "STATE_REFUSED")) {
        return rejected("state-limit", NO_EXIT_CODE, new Uint8Array(0), error.message);
      }
      if (statusOf(error) === 404) {
        throw new SprfError("PROGRAM_NOT_FOUND", "the image is no longer on this machine", { cause: error });
      }
      throw translateDockerError(error, "the container could not be made");
    } finally {
      watch?.stop();
      inBackground(cleanUp(container, stateSource));
    }
  }

  async function cleanUp(container: Docker.Container | undefined, stateSource: string): Promise<void> {
    if (container !== undefined) {
      await removeContainer(container);
      running.delete(container);
    }
    for (const path of [stateSource, `${stateSource}.mark`]) await rm(path, { recursive: true, force: true });
  }

  return {
    kind: "docker",

    async check({ signal } = {}) {
      try {
        await raceAbort(docker.ping(), withDeadline(signal, CHECK_TIMEOUT_MS));
        await (home ??= openHome());
      } catch (error) {
        home = undefined;
        const { code, message } = translateDockerError(error, "the Docker Engine does not answer");
        throw new SprfError(code === "ABORTED" ? code : "ENGINE_UNAVAILABLE", message, { cause: error });
      }
    },

    async prepare(reference, { signal, onProgress } = {}) {
      throwIfAborted(signal);
      const name = nameOf(reference);
      const image = docker.getImage(name);
      const inspect = (): Promise<Docker.ImageInspectInfo> => raceAbort(image.inspect(), signal);
      let info: Docker.ImageInspectInfo;
      try {
        info = await inspect().catch(async (error: unknown) => {
          if (statusOf(error) !== 404 || init.localImages === true) throw error;
          await pulls.pull(name, { signal, onProgress });
          return await inspect();
        });
        await images?.used(name);
      } catch (error) {
        if (statusOf(error) === 404) {
          throw new SprfError("PROGRAM_NOT_FOUND", `this machine does not have the image ${name}`, { cause: error });
        }
        throw translateDockerError(error, "the image cannot be inspected");
      }
      return { reference, ...imageFacts(info) } satisfies PreparedProgram;
    },

    async run(run, { signal } = {}) {
      throwIfAborted(signal);
      if (closed) throw new SprfError("ENGINE_UNAVAILABLE", "the engine has been closed");
      if (run.program.state === "file" && (await stat(run.statePath)).size > run.limits.stateBytes) {
        return rejected("state-limit", NO_EXIT_CODE, new Uint8Array(0), "the state is larger than its limit");
      }
      let directory: string;
      try {
        directory = await (home ??= openHome());
      } catch (error) {
        home = undefined;
        throw translateDockerError(error, "no scratch directory");
      }
      return await runIn(directory, run, signal);
    },

    async close() {
      closed = true;
      await pulls.close();
      for (const container of running) inBackground(removeContainer(container));
      while (background.size > 0) await Promise.all(background);
      const directory = await home?.catch(() => undefined);
      if (directory === undefined) return;
      await rm(directory, { recursive: true, force: true });
      await removeDeadScratch(scratchParent, SCRATCH_PREFIX, logger);
    },
  };
}

function rejected(
  reason: "exit" | "output-limit" | "state-limit",
  exitCode: number,
  output: Uint8Array,
  stderrTail: string,
): RunResult {
  return { status: "rejected", reason, exitCode, output, stderrTail };
}

async function removeContainer(container: Docker.Container): Promise<void> {
  try {
    await raceAbort(container.remove({ force: true, v: true }), AbortSignal.timeout(REMOVE_TIMEOUT_MS));
  } catch (error) {
    // Gone, or going.
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}
