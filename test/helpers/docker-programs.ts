import Docker from "dockerode";
import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { pack } from "tar-stream";

import { messageOf } from "../../src/errors.ts";
import { raceAbort } from "../../src/utils/abort.ts";
import type { ProgramReference } from "../../src/ports/engine.ts";

/** Where the product looks unless it is told otherwise. */
export const DOCKER_SOCKET = "/var/run/docker.sock";
export const REGISTRY = "127.0.0.1:5000";

const run = promisify(execFile);

/** Why no image can be built, pushed and run here, or undefined when it can. */
export async function dockerAbsence(): Promise<string | undefined> {
  const host = process.env["DOCKER_HOST"];
  // Images would be built on one engine and run on another.
  if (host !== undefined && host !== "" && host !== `unix://${DOCKER_SOCKET}`) return `DOCKER_HOST is ${host}`;
  try {
    await access(DOCKER_SOCKET);
    await raceAbort(new Docker({ socketPath: DOCKER_SOCKET }).ping(), AbortSignal.timeout(5000));
  } catch (error) {
    return `no Docker Engine at ${DOCKER_SOCKET}: ${messageOf(error)}`;
  }
  try {
    await fetch(`http://${REGISTRY}/v2/`, { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    return `no registry at ${REGISTRY}: ${messageOf(error)}`;
  }
  try {
    await run("gcc", ["--version"]);
    return undefined;
  } catch {
    return "no gcc to build programs with";
  }
}

/** Links C sources statically, as an image FROM scratch needs it. */
export async function compileStatic(output: string, ...sources: string[]): Promise<Buffer> {
  await run("gcc", ["-std=gnu17", "-O2", "-static", "-w", "-o", output, ...sources]);
  return await readFile(output);
}

/** Builds an image, pushes it to a registry of this machine and returns its pinned reference. */
export async function pushImage(
  repository: string,
  dockerfile: string,
  files: Readonly<Record<string, Uint8Array>> = {},
  registry = REGISTRY,
): Promise<Extract<ProgramReference, { kind: "docker" }>> {
  const docker = new Docker({ socketPath: DOCKER_SOCKET });
  const name = `${registry}/${repository}`;
  const context = pack();
  context.entry({ name: "Dockerfile", mtime: new Date(0) }, dockerfile);
  for (const [file, bytes] of Object.entries(files)) {
    context.entry({ name: file, mode: 0o755, mtime: new Date(0) }, Buffer.from(bytes));
  }
  context.finalize();
  await follow(docker, await docker.buildImage(context, { t: `${name}:test`, forcerm: true }));
  const image = docker.getImage(`${name}:test`);
  await follow(docker, await image.push({ authconfig: {} }));
  const { RepoDigests: digests } = await image.inspect();
  const digest = digests.find((entry) => entry.startsWith(`${name}@sha256:`))?.slice(`${name}@sha256:`.length);
  if (digest === undefined) throw new Error(`the registry gave no digest for ${name}`);
  return { kind: "docker", image: `${name}:test`, digest };
}

async function follow(docker: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  docker.modem.followProgress(
    stream,
    (error: Error | null) => (error === null ? resolve() : reject(error)),
    (event: { error?: string }) => {
      if (event.error !== undefined) reject(new Error(event.error));
    },
  );
  await promise;
}
