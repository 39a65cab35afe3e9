import type Docker from "dockerode";

import { MAX_PROGRAM_SECONDS, SCRATCH_BYTES } from "../../../domain/engine-limits.ts";
import type { ProgramRun } from "../../../ports/engine.ts";

/** Where the program finds its state. */
const STATE_PATH = "/sprf/state";
const NOBODY = "65534:65534";
const STACK_BYTES = 8 * 1024 * 1024;
const OPEN_FILES = 1024;
/** Files in `/tmp`; the kernel's memory for each is not counted as the program's everywhere. */
const SCRATCH_FILES = 4096;
const ORPHAN_CPU_SECONDS = 3 * MAX_PROGRAM_SECONDS;

export interface ContainerInit {
  /** `repo@sha256:...` */
  readonly image: string;
  /** The scratch copy of the state on the engine's machine. */
  readonly stateSource: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly pids: number;
  /** A runtime other than the engine's own, such as `runsc`. */
  readonly runtime: string | undefined;
}

/**
 * What a program gets: its state, 64 MiB of `/tmp`, one environment, and nothing else. No network, no privileges, no writable
 * root; limits on memory (without swap), CPU, processes, open files and the size of a file. Docker's default seccomp profile
 * stays on.
 */
export function containerOptions(run: ProgramRun, init: ContainerInit): Docker.ContainerCreateOptions {
  const { environment, limits } = run;
  return {
    Image: init.image,
    Labels: { ...init.labels },
    // Fixed, because the default is the container's random id.
    Hostname: "sprf",
    User: NOBODY,
    Env: [
      `SPRF_PROGRAM=${environment.program}`,
      `SPRF_SEQUENCE=${environment.sequence}`,
      `SPRF_TIME=${environment.time}`,
      `SPRF_SEED=${environment.seed}`,
      "TZ=UTC",
    ],
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: true,
    StdinOnce: true,
    Tty: false,
    // A check that the image brings would run whenever the machine finds time for it.
    Healthcheck: { Test: ["NONE"] },
    // Besides the network mode: without it the daemon sets up and tears down a network that has nothing, for 80 ms a run.
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      IpcMode: "none",
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(init.cpus * 1e9),
      PidsLimit: init.pids,
      Ulimits: [
        { Name: "core", Soft: 0, Hard: 0 },
        // The end of a program whose worker died and did not come back.
        { Name: "cpu", Soft: ORPHAN_CPU_SECONDS, Hard: ORPHAN_CPU_SECONDS },
        { Name: "nofile", Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: "stack", Soft: STACK_BYTES, Hard: STACK_BYTES },
        // A little above what is allowed, so that an excess can be told from a state of exactly that size.
        fileSizeLimit(Math.max(limits.stateBytes, SCRATCH_BYTES) + 65_536),
      ],
      Tmpfs: { "/tmp": `rw,noexec,nosuid,nodev,size=${SCRATCH_BYTES},nr_inodes=${SCRATCH_FILES},mode=1777` },
      Mounts: [{ Type: "bind", Source: init.stateSource, Target: STATE_PATH, ReadOnly: false }],
      LogConfig: { Type: "none", Config: {} },
      RestartPolicy: { Name: "no" },
      ...(init.runtime === undefined ? {} : { Runtime: init.runtime }),
    },
  };
}

function fileSizeLimit(bytes: number): { Name: string; Soft: number; Hard: number } {
  return { Name: "fsize", Soft: bytes, Hard: bytes };
}
