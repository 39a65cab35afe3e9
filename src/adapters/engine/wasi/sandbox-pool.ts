import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf, SprfError } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { writeSandboxCode } from "./sandbox-code.ts";
import { SandboxProcess } from "./sandbox-process.ts";

const DIRECTORY = /^sprf-wasi-([0-9]+)-/;

/** Keeps sandboxes started ahead of time, because starting one takes longer than a run. */
export class SandboxPool {
  readonly #logger: Logger;
  readonly #scratchDirectory: string;
  readonly #warm: number;
  readonly #waiting: Promise<SandboxProcess>[] = [];
  readonly #live = new Set<SandboxProcess>();
  #home: Promise<{ directory: string; entry: string }> | undefined;
  #count = 0;
  #closed = false;

  constructor(components: { logger: Logger }, init: { scratchDirectory: string; warm: number }) {
    this.#logger = components.logger;
    this.#scratchDirectory = init.scratchDirectory;
    this.#warm = init.warm;
  }

  /**
   * A sandbox that has served nothing yet; the caller disposes of it through {@link release}.
   *
   * @throws SprfError `ENGINE_UNAVAILABLE`
   */
  async take(): Promise<SandboxProcess> {
    for (;;) {
      if (this.#closed) throw new SprfError("ENGINE_UNAVAILABLE", "the engine has been closed");
      const sandbox = await (this.#waiting.shift() ?? this.#start());
      if (!sandbox.alive) {
        this.release(sandbox);
        continue;
      }
      sandbox.referenced = true;
      this.#refill();
      return sandbox;
    }
  }

  /** Ends a sandbox in the background; {@link close} waits for what is still ending. */
  release(sandbox: SandboxProcess): void {
    this.#end(sandbox).catch((error: unknown) => {
      this.#logger.warn("a sandbox was not removed", { error: messageOf(error) });
    });
  }

  /** Ends all sandboxes and removes their files, and those of workers that have died. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#waiting.splice(0));
    await Promise.all([...this.#live].map((sandbox) => this.#end(sandbox)));
    const home = await this.#home?.catch(() => undefined);
    if (home !== undefined) await rm(home.directory, { recursive: true, force: true });
    await this.#removeLeftOvers();
  }

  async #end(sandbox: SandboxProcess): Promise<void> {
    await sandbox.dispose();
    this.#live.delete(sandbox);
  }

  #refill(): void {
    while (this.#waiting.length < this.#warm) {
      const started = this.#start().then((sandbox) => {
        sandbox.referenced = false;
        return sandbox;
      });
      // Whoever takes it sees the failure; until then it must not count as unhandled.
      started.catch((error: unknown) => this.#logger.warn("a sandbox did not start", { error: messageOf(error) }));
      this.#waiting.push(started);
    }
  }

  async #start(): Promise<SandboxProcess> {
    const { directory, entry } = await (this.#home ??= this.#prepareHome());
    const sandbox = await SandboxProcess.start(entry, join(directory, `state-${++this.#count}`));
    this.#live.add(sandbox);
    return sandbox;
  }

  async #prepareHome(): Promise<{ directory: string; entry: string }> {
    await this.#removeLeftOvers();
    await mkdir(this.#scratchDirectory, { recursive: true });
    const directory = await mkdtemp(join(this.#scratchDirectory, `sprf-wasi-${process.pid}-`));
    const code = join(directory, "code");
    await mkdir(code);
    return { directory, entry: await writeSandboxCode(code) };
  }

  async #removeLeftOvers(): Promise<void> {
    const names = await readdir(this.#scratchDirectory).catch(() => []);
    for (const name of names) {
      const pid = Number(DIRECTORY.exec(name)?.[1] ?? process.pid);
      if (isAlive(pid)) continue;
      await rm(join(this.#scratchDirectory, name), { recursive: true, force: true });
      this.#logger.info("removed what a crashed worker left behind", { path: name });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
