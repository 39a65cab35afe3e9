import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";

/** One `docker run --rm` of an image with the flags that the docker engine sets, on an empty state: the bound of its runs. */
export async function runBareDocker({
  image,
  statePath,
  input,
}: {
  /** `repo@sha256:digest` */
  readonly image: string;
  readonly statePath: string;
  readonly input: Uint8Array;
}): Promise<{ readonly tookMs: number; readonly output: string }> {
  await writeFile(statePath, "");
  await chmod(statePath, 0o666);
  const flags = [
    "run --rm --interactive --network none --read-only --user 65534:65534 --cap-drop ALL --ipc none --hostname sprf",
    "--security-opt no-new-privileges --memory 256m --memory-swap 256m --cpus 1 --pids-limit 128 --log-driver none",
    "--ulimit core=0 --ulimit cpu=1800 --ulimit nofile=1024 --ulimit stack=8388608 --ulimit fsize=67174400 --env TZ=UTC",
    `--tmpfs /tmp:rw,noexec,nosuid,nodev,size=67108864,mode=1777 --mount type=bind,source=${statePath},target=/sprf/state`,
    image,
  ].flatMap((line) => line.split(" "));
  const began = performance.now();
  const child = spawn("docker", flags, { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(input);
  await once(child, "close");
  return { tookMs: performance.now() - began, output: Buffer.concat(chunks).toString() };
}
