import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { systemClock } from "./adapters/clock/system.ts";
import { createMemoryContentStore } from "./adapters/content-store/memory.ts";
import { compileWasi } from "./adapters/toolchain/clang-wasi.ts";
import { buildImage, pushImage } from "./adapters/toolchain/docker-image.ts";
import { runTool } from "./adapters/toolchain/run-tool.ts";
import type { ProgramProject } from "./config/program-project.ts";
import { closeEngines, createEngines, type EngineSettings } from "./create-engines.ts";
import { MAX_MODULE_BYTES } from "./domain/engine-limits.ts";
import { SprfError } from "./errors.ts";
import { tryProgram, type TrialRun } from "./execution/try-program.ts";
import type { ContentStore } from "./ports/content-store.ts";
import type { Engine, ProgramEnvironment, ProgramReference } from "./ports/engine.ts";
import type { Logger } from "./ports/logger.ts";

/** What `npx sprf program init` can begin with. */
export const TEMPLATES = ["wasi-c", "docker-c"] as const;

export type Template = (typeof TEMPLATES)[number];

/** What a folder was built to. `id` names the bytes: a module's CID, or an image's id on this machine. */
export interface BuiltProgram {
  readonly engine: ProgramReference["kind"];
  readonly id: string;
  /** A module's file, or an image's name. */
  readonly at: string;
  /** Of a module. */
  readonly bytes?: number;
  /** What the compiler warned of. */
  readonly warnings: string;
}

export interface BuildOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told what is being done, in a few words. */
  readonly onStep?: ((step: string) => void) | undefined;
}

/** Reads, makes, builds, tries and pushes a program that is written in a folder. */
export interface ProgramKit {
  /**
   * Builds it twice, and compares.
   *
   * @throws SprfError `TOOLCHAIN_MISSING`, `BUILD_FAILED`, `NON_DETERMINISTIC`, `PROGRAM_INVALID`, `ENGINE_UNAVAILABLE`
   */
  build(options?: BuildOptions): Promise<BuiltProgram>;
  /**
   * Runs what was built twice as a worker would, compares, and keeps the state in the folder.
   *
   * @throws SprfError `NOT_BUILT`, `NON_DETERMINISTIC`, and what engines throw
   */
  try(
    run: { readonly input: Uint8Array; readonly fresh: boolean; readonly environment: ProgramEnvironment },
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<TrialRun>;
  /** The module that was built. @throws SprfError `NOT_BUILT` */
  module(): Promise<Uint8Array>;
  /** Pushes the image that was built. @throws SprfError `PROGRAM_NOT_FOUND`, `PUSH_FAILED`, `ENGINE_UNAVAILABLE` */
  push(
    registry: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly image: string; readonly digest: string }>;
}

const TIMES = ["building", "building again, to compare"] as const;
const BUILD_FOLDER = "build";
const MODULE = "program.wasm";
const IMAGE_ID = "image.id";
const templatesUrl = new URL("../templates/", import.meta.url);

/** Begins a program's folder from a template. @throws SprfError `PROJECT_EXISTS` */
export async function initProgram(folder: string, template: Template): Promise<readonly string[]> {
  const present = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new SprfError("PROJECT_EXISTS", `${folder} cannot be used: ${error.message}`, { cause: error });
  });
  if (present.length > 0) throw new SprfError("PROJECT_EXISTS", `${folder} is not empty`);
  await cp(fileURLToPath(new URL(template, templatesUrl)), folder, { recursive: true });
  return (await readdir(folder)).toSorted();
}

/** The kit of one folder. */
export function createProgramKit(
  init: { readonly folder: string; readonly project: ProgramProject; readonly engines: EngineSettings },
  { logger }: { readonly logger: Logger },
): ProgramKit {
  const { project, engines: settings } = init;
  const folder = resolve(init.folder);
  const build = join(folder, BUILD_FOLDER);
  const connection = settings.docker?.connection;

  const moduleBytes = async (): Promise<Uint8Array> => await readBuilt(join(build, MODULE));
  const imageId = async (): Promise<string> => (await readBuilt(join(build, IMAGE_ID))).toString("utf8").trim();

  async function referenceOf(content: ContentStore): Promise<ProgramReference> {
    if (project.engine === "wasi") return { kind: "wasi", cid: await content.putFile(await moduleBytes()) };
    return { kind: "docker", image: project.image, digest: await imageId() };
  }

  /** With the content of this process alone, so that nothing is asked of any network. */
  async function withContent<T>(work: (content: ContentStore) => Promise<T>): Promise<T> {
    const content = createMemoryContentStore({ clock: systemClock, logger, maxFileBytes: MAX_MODULE_BYTES });
    await content.start();
    try {
      return await work(content);
    } finally {
      await content.stop();
    }
  }

  async function withEngine<T>(content: ContentStore, work: (engine: Engine) => Promise<T>): Promise<T> {
    const scratchDirectory = await mkdtemp(join(tmpdir(), "sprf-try-"));
    const engines = createEngines(
      { content, logger },
      { kinds: [project.engine], docker: { ...settings.docker, localImages: true }, scratchDirectory, selfCheck: true },
    );
    try {
      const engine = engines.get(project.engine);
      if (engine === undefined) throw new SprfError("ENGINE_UNAVAILABLE", `there is no ${project.engine} engine`);
      return await work(engine);
    } finally {
      await closeEngines(engines);
      await rm(scratchDirectory, { recursive: true, force: true });
    }
  }

  async function buildWasi(sources: readonly string[], { signal, onStep }: BuildOptions): Promise<BuiltProgram> {
    const drafts = [`${MODULE}.1`, `${MODULE}.2`].map((name) => join(build, name));
    let warnings = "";
    try {
      for (const [index, draft] of drafts.entries()) {
        onStep?.(TIMES[index] ?? "");
        warnings = await compileWasi({ folder, sources, output: draft }, { signal });
      }
      const [first, second] = await Promise.all(drafts.map(async (draft) => await readFile(draft)));
      if (first === undefined || second === undefined || !first.equals(second)) throw differs("modules");
      return await withContent(async (content) => {
        const cid = await content.putFile(first);
        onStep?.("checking it as a worker would");
        // What the engine refuses is found out now, not by the workers.
        await withEngine(content, async (engine) => await engine.prepare({ kind: "wasi", cid }, { signal }));
        const at = join(build, MODULE);
        await rename(drafts[0] ?? "", at);
        return { engine: "wasi", id: cid, at, bytes: first.length, warnings };
      });
    } finally {
      for (const draft of drafts) await rm(draft, { force: true });
    }
  }

  async function buildDocker(
    { image, prepare }: Extract<ProgramProject, { engine: "docker" }>,
    { signal, onStep }: BuildOptions,
  ): Promise<BuiltProgram> {
    const ids: string[] = [];
    let warnings = "";
    for (const time of TIMES) {
      onStep?.(time);
      if (prepare !== undefined) {
        const install = "sprf.json wants it under `prepare`";
        warnings = await runTool(prepare as [string, ...string[]], { folder, install, signal });
      }
      ids.push(await buildImage({ folder, name: image }, { connection, signal }));
    }
    const [id = "", again] = ids;
    if (id !== again) throw differs("images");
    onStep?.("checking it as a worker would");
    await withContent(async (content) => {
      const reference = { kind: "docker", image, digest: id } as const;
      await withEngine(content, async (engine) => await engine.prepare(reference, { signal }));
    });
    const at = join(build, IMAGE_ID);
    await writeFile(`${at}.part`, `${id}\n`);
    await rename(`${at}.part`, at);
    return { engine: "docker", id: `sha256:${id}`, at: image, warnings };
  }

  return {
    async build(options = {}) {
      await mkdir(build, { recursive: true });
      return project.engine === "wasi"
        ? await buildWasi(project.sources, options)
        : await buildDocker(project, options);
    },

    async try({ input, fresh, environment }, { signal } = {}) {
      const statePath = join(build, "state");
      return await withContent(async (content) => {
        const reference = await referenceOf(content);
        if (fresh) await rm(statePath, { recursive: true, force: true });
        return await withEngine(
          content,
          async (engine) =>
            await tryProgram({ engine, clock: systemClock }, { reference, statePath, input, environment }, { signal }),
        );
      });
    },

    module: moduleBytes,

    async push(registry, { signal } = {}) {
      if (project.engine !== "docker") throw new SprfError("INVALID_INPUT", "a module goes to IPFS, not to a registry");
      return await pushImage({ id: await imageId(), name: project.image, registry }, { connection, signal });
    },
  };
}

async function readBuilt(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new SprfError("NOT_BUILT", `there is no ${path}`, { cause: error });
  }
}

function differs(what: string): SprfError {
  return new SprfError("NON_DETERMINISTIC", `two builds of the same sources gave different ${what}`);
}
