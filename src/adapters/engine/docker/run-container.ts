import type Docker from "dockerode";
import type { Duplex } from "node:stream";

import { STDERR_TAIL_BYTES } from "../../../domain/engine-limits.ts";
import { isSprfError, messageOf, SprfError } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { abortError, raceAbort, throwIfAborted } from "../../../utils/abort.ts";
import { AttachedOutput } from "./attached-output.ts";
import { statusOf, translateDockerError } from "./docker-errors.ts";

/** How long the Docker Engine may take to start a container, and to report the end of one that was killed. */
const START_TIMEOUT_MS = 60_000;
const KILL_GRACE_MS = 30_000;
/** What `wait` says of a process that was killed. */
const EXIT_CODE_KILLED = 137;

export interface ContainerEnd {
  readonly exitCode: number;
  readonly outputExceeded: boolean;
  readonly output: Uint8Array;
  readonly stderrTail: string;
}

export interface ContainerRunInit {
  readonly input: Uint8Array;
  readonly outputBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
}

/**
 * Starts a created container, feeds and drains it, and waits for its end, which is brought about by a kill when it takes too
 * long, says too much, or `signal` aborts. Removing it is left to the caller.
 *
 * @throws SprfError `TIMEOUT`, `ABORTED`, `ENGINE_FAILED` (memory, killed from outside), `PROGRAM_INVALID` (entrypoint)
 */
export async function runContainer(container: Docker.Container, init: ContainerRunInit): Promise<ContainerEnd> {
  const { signal, timeoutMs } = init;
  throwIfAborted(signal);
  const output = new AttachedOutput({ maxBytes: init.outputBytes, tailBytes: STDERR_TAIL_BYTES });
  let stopped: SprfError | "output" | undefined;
  const unanswered = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const stop = (why: SprfError | "output"): void => {
    if (stopped !== undefined) return;
    stopped = why;
    grace = setTimeout(() => {
      unanswered.abort(
        new SprfError("ENGINE_UNAVAILABLE", "the Docker Engine did not end a container it was told to kill"),
      );
    }, KILL_GRACE_MS);
    // 409: it has just ended by itself.
    container.kill({ signal: "SIGKILL" }).catch((error: unknown) => {
      if (statusOf(error) !== 409) init.logger.warn("a container was not killed", { error: messageOf(error) });
    });
  };
  const onAbort = (): void => stop(abortError(signal as AbortSignal));
  let timer: NodeJS.Timeout | undefined;
  try {
    // Attached before the start: with no log driver, what is said earlier would be lost. `hijack`, or stdin would be.
    const starting = attachAndStart(container);
    const [stream, exit] = await raceAbort(starting, AbortSignal.timeout(START_TIMEOUT_MS)).catch((error: unknown) => {
      if (isSprfError(error, "TIMEOUT"))
        throw new SprfError("ENGINE_UNAVAILABLE", "the Docker Engine did not start a container");
      throw error;
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    timer = setTimeout(() => {
      stop(new SprfError("TIMEOUT", `the program did not end within ${timeoutMs} ms`, { context: { timeoutMs } }));
    }, timeoutMs);
    const drained = drain(stream, (chunk) => {
      if (stopped !== "output" && output.push(chunk).exceeded) stop("output");
    });
    stream.end(init.input);
    const [{ StatusCode: exitCode }] = await raceAbort(Promise.all([exit, drained]), unanswered.signal);
    if (stopped instanceof SprfError) throw stopped;
    const outputExceeded = stopped === "output";
    await refuseLocalEnds(container, exitCode, outputExceeded);
    return { exitCode, outputExceeded, output: output.stdout, stderrTail: output.stderrTail };
  } catch (error) {
    throw translateDockerError(error, "the container failed");
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    signal?.removeEventListener("abort", onAbort);
  }
}

async function attachAndStart(container: Docker.Container): Promise<[Duplex, Promise<{ StatusCode: number }>]> {
  const attached = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
  const stream = attached as unknown as Duplex;
  // A program need not read its input to the end.
  stream.on("error", () => undefined);
  const exit = container.wait({ condition: "next-exit" }) as Promise<{ StatusCode: number }>;
  exit.catch(() => undefined);
  try {
    await container.start();
  } catch (error) {
    stream.destroy();
    if (statusOf(error) === 400 || statusOf(error) === 404) {
      throw new SprfError("PROGRAM_INVALID", `the image's entrypoint cannot be started: ${messageOf(error)}`, {
        cause: error,
      });
    }
    throw error;
  }
  return [stream, exit];
}

async function drain(stream: Duplex, onChunk: (chunk: Buffer) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.on("data", onChunk);
  stream.once("end", resolve);
  stream.once("close", resolve);
  await promise;
}

/** Ends that another machine might not see are no results. */
async function refuseLocalEnds(container: Docker.Container, exitCode: number, killedByUs: boolean): Promise<void> {
  const { State: state } = await container.inspect();
  // Docker sets it as well when a child of the program was killed and the program went on to exit with 0.
  if (state.OOMKilled) throw new SprfError("ENGINE_FAILED", "the program used more memory than its limit");
  if (exitCode === EXIT_CODE_KILLED && !killedByUs) {
    throw new SprfError("ENGINE_FAILED", "the program was killed from outside");
  }
}
