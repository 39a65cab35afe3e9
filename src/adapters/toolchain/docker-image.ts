import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import Docker from "dockerode";
import { extract, pack, type Headers } from "tar-stream";

import { SprfError, messageOf } from "../../errors.ts";
import { raceAbort, withDeadline } from "../../utils/abort.ts";

const TIMEOUT_MS = 30 * 60_000;
/** The date of everything in an image: what it holds decides its digest, not when it was built. */
const NO_DATE = new Date(0);
/** In every container, and nothing of the image. */
const MARK = ".dockerenv";
const NOT_CONTEXT: ReadonlySet<string> = new Set([".git", "node_modules"]);

interface DockerEvent {
  readonly stream?: string;
  readonly error?: string;
  readonly aux?: { readonly Digest?: string };
}

export interface DockerImageInit {
  /** @default { socketPath: "/var/run/docker.sock" } */
  readonly connection?: Docker.DockerOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Builds a folder's Dockerfile, and makes of what it comes to an image of one layer without dates: the same files give the same
 * image, whenever they are built.
 *
 * @param name `repository:tag`, which the image gets on this machine
 * @returns the image's id, 64 hex digits
 * @throws SprfError `ENGINE_UNAVAILABLE`, `BUILD_FAILED`, `TIMEOUT`, `ABORTED`
 */
export async function buildImage(
  { folder, name }: { readonly folder: string; readonly name: string },
  { connection, signal }: DockerImageInit = {},
): Promise<string> {
  const docker = engineOf(connection);
  const deadline = withDeadline(signal, TIMEOUT_MS);
  const scratch = await mkdtemp(join(tmpdir(), "sprf-image-"));
  let container: Docker.Container | undefined;
  try {
    const context = { context: folder, src: (await readdir(folder)).filter((entry) => !NOT_CONTEXT.has(entry)) };
    const draft = `${name}-draft`;
    await raceAbort(follow(docker, docker.buildImage(context, { t: draft, forcerm: true })), deadline);
    container = await raceAbort(docker.createContainer({ Image: draft, NetworkDisabled: true }), deadline);
    const { Config, Os, Architecture } = await raceAbort(docker.getImage(draft).inspect(), deadline);
    const layer = join(scratch, "layer.tar");
    const diffId = await writeLayer((await raceAbort(container.export(), deadline)) as Readable, layer);
    const config = JSON.stringify(configOf({ Config, Os, Architecture, diffId }));
    await raceAbort(follow(docker, docker.loadImage(await archiveOf({ name, config, layer }))), deadline);
    await docker
      .getImage(draft)
      .remove({ noprune: false })
      .catch(() => undefined);
    return createHash("sha256").update(config).digest("hex");
  } catch (error) {
    throw translate(error, "the image cannot be built", deadline);
  } finally {
    await container?.remove({ force: true, v: true }).catch(() => undefined);
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * Pushes an image of this machine to a registry.
 *
 * @param parts the image's `id`, and the `repository:tag` that it gets there
 * @returns its digest there, 64 hex digits
 * @throws SprfError `ENGINE_UNAVAILABLE`, `PROGRAM_NOT_FOUND` when it is gone, `PUSH_FAILED`, `TIMEOUT`, `ABORTED`
 */
export async function pushImage(
  { id, name, registry }: { readonly id: string; readonly name: string; readonly registry: string },
  { connection, signal }: DockerImageInit = {},
): Promise<{ readonly image: string; readonly digest: string }> {
  const docker = engineOf(connection);
  const deadline = withDeadline(signal, TIMEOUT_MS);
  const image = `${registry}/${name}`;
  const tag = name.lastIndexOf(":");
  try {
    const repo = `${registry}/${name.slice(0, tag)}`;
    await raceAbort(docker.getImage(`sha256:${id}`).tag({ repo, tag: name.slice(tag + 1) }), deadline);
  } catch (error) {
    if ((error as { statusCode?: unknown }).statusCode !== 404) throw translate(error, "it cannot be tagged", deadline);
    throw new SprfError("PROGRAM_NOT_FOUND", `this machine has no image sha256:${id} any more: build it again`, {
      cause: error,
    });
  }
  let digest: string | undefined;
  try {
    const pushing = docker.getImage(image).push({ authconfig: {} });
    await raceAbort(
      follow(docker, pushing, ({ aux }) => (digest = aux?.Digest ?? digest)),
      deadline,
    );
  } catch (error) {
    const translated = translate(error, `${image} cannot be pushed`, deadline);
    if (translated.code !== "BUILD_FAILED") throw translated;
    throw new SprfError("PUSH_FAILED", translated.message, { cause: error });
  }
  if (digest === undefined) throw new SprfError("PUSH_FAILED", `the registry gave no digest for ${image}`);
  return { image, digest: digest.slice("sha256:".length) };
}

function engineOf(connection: Docker.DockerOptions | undefined): Docker {
  return new Docker(connection ?? { socketPath: "/var/run/docker.sock" });
}

/** The files of a container as one layer, in their order, without dates and names of users. @returns `sha256:` and its digest */
async function writeLayer(files: Readable, path: string): Promise<string> {
  const layer = pack();
  const hash = createHash("sha256");
  const hashing = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const written = pipeline(layer, hashing, createWriteStream(path));
  const copied = (async () => {
    const entries = extract();
    files.on("error", (error) => entries.destroy(error));
    files.pipe(entries);
    for await (const entry of entries) {
      if (entry.header.name === MARK) {
        entry.resume();
        continue;
      }
      const to = layer.entry(undated(entry.header));
      if (entry.header.type === "file") await pipeline(entry, to);
      else {
        to.end();
        entry.resume();
      }
    }
    layer.finalize();
  })();
  copied.catch((error: unknown) => layer.destroy(error instanceof Error ? error : new Error(messageOf(error))));
  await Promise.all([written, copied]);
  return `sha256:${hash.digest("hex")}`;
}

function undated({ name, mode, uid, gid, size, type, linkname, devmajor, devminor }: Headers): Headers {
  return {
    name,
    mtime: NO_DATE,
    ...Object.fromEntries(
      Object.entries({ mode, uid, gid, size, type, linkname, devmajor, devminor }).filter(
        ([, value]) => value !== undefined && value !== null,
      ),
    ),
  };
}

/** What `docker load` takes. */
async function archiveOf({
  name,
  config,
  layer,
}: {
  readonly name: string;
  readonly config: string;
  readonly layer: string;
}): Promise<Readable> {
  const archive = pack();
  const manifest = [{ Config: "config.json", RepoTags: [name], Layers: ["layer.tar"] }];
  archive.entry({ name: "manifest.json", mtime: NO_DATE }, JSON.stringify(manifest));
  archive.entry({ name: "config.json", mtime: NO_DATE }, config);
  const to = archive.entry({ name: "layer.tar", mtime: NO_DATE, size: (await stat(layer)).size });
  pipeline(createReadStream(layer), to).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(messageOf(error))),
  );
  return archive;
}

function configOf({
  Config: { Env, Entrypoint, Cmd, WorkingDir, User, Labels },
  Os,
  Architecture,
  diffId,
}: Pick<Docker.ImageInspectInfo, "Config" | "Os" | "Architecture"> & { readonly diffId: string }): unknown {
  const labels = Object.entries(Labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    architecture: Architecture,
    os: Os,
    created: NO_DATE.toISOString(),
    config: { User, Env, Entrypoint, Cmd, WorkingDir, Labels: Object.fromEntries(labels) },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created: NO_DATE.toISOString(), created_by: "sprf program build" }],
  };
}

async function follow(
  docker: Docker,
  begun: Promise<NodeJS.ReadableStream>,
  onEvent: (event: DockerEvent) => void = () => undefined,
): Promise<void> {
  const stream = await begun;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  docker.modem.followProgress(
    stream,
    (error: Error | null) => (error === null ? resolve() : reject(error)),
    (event: DockerEvent) => {
      said = `${said}${event.stream ?? ""}`.slice(-2_000);
      onEvent(event);
      if (event.error !== undefined) reject(new Error(`${event.error}\n${said}`.trim()));
    },
  );
  await promise;
}

function translate(error: unknown, doing: string, signal: AbortSignal): SprfError {
  if (error instanceof SprfError) return error;
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  if (statusCode === undefined && typeof code === "string" && !signal.aborted) {
    return new SprfError("ENGINE_UNAVAILABLE", `the Docker Engine cannot be reached: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return new SprfError("BUILD_FAILED", `${doing}: ${messageOf(error)}`, { cause: error });
}
