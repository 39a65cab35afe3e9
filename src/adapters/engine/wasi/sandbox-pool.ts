import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf, SprfError } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { createScratch, removeDeadScratch } from "../scratch.ts";
import { writeSandboxCode } from "./sandbox-code.ts";
import { SandboxProcess } from "./sandbox-process.ts";

const SCRATCH_PREFIX = "sprf-wasi";

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
    await removeDeadScratch(this.#scratchDirectory, SCRATCH_PREFIX, this.#logger);
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
      started.catch((error: unknown) => {
        if (!this.#closed) this.#logger.warn("a sandbox did not start", { error: messageOf(error) });
      });
      this.#waiting.push(started);
    }
  }

  async #start(): Promise<SandboxProcess> {
    const { directory, entry } = await (this.#home ??= this.#prepareHome());
    const sandbox = await SandboxProcess.start(entry, join(directory, `state-${++this.#count}`));
    this.#live.add(sandbox);
    if (this.#closed) {
      await this.#end(sandbox);
      throw new SprfError("ENGINE_UNAVAILABLE", "the engine has been closed");
    }
    return sandbox;
  }

  async #prepareHome(): Promise<{ directory: string; entry: string }> {
    const directory = await createScratch(this.#scratchDirectory, SCRATCH_PREFIX, this.#logger);
    const code = join(directory, "code");
    await mkdir(code);
    return { directory, entry: await writeSandboxCode(code) };
  }
}
