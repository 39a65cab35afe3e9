import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf, SprfError } from "../../../errors.ts";
import type { Logger } from "../../../ports/logger.ts";
import { createScratch, removeDeadScratch } from "../scratch.ts";
import { writeSandboxCode } from "./sandbox-code.ts";
import { SandboxProcess, type ModuleToRun } from "./sandbox-process.ts";

const SCRATCH_PREFIX = "sprf-wasi";
/** Smaller modules are compiled in a millisecond. */
const MIN_LOAD_BYTES = 128 * 1024;

/** A sandbox that was started ahead of time. */
interface Waiting {
  readonly sandbox: Promise<SandboxProcess>;
  /** The key of the module that it is given ahead of its run; it runs no other. */
  readonly key: string | undefined;
  isReady: boolean;
}

/**
 * Keeps sandboxes started ahead of time, because starting one takes longer than a run. When a module of some size runs twice in a
 * row, one of them has it compiled for the third time. Each still serves one run.
 */
export class SandboxPool {
  readonly #logger: Logger;
  readonly #scratchDirectory: string;
  readonly #warm: number;
  readonly #waiting: Waiting[] = [];
  readonly #live = new Set<SandboxProcess>();
  #home: Promise<{ directory: string; entry: string }> | undefined;
  #count = 0;
  #closed = false;
  /** What was run last. */
  #lastKey: string | undefined;

  constructor(components: { logger: Logger }, init: { scratchDirectory: string; warm: number }) {
    this.#logger = components.logger;
    this.#scratchDirectory = init.scratchDirectory;
    this.#warm = init.warm;
  }

  /**
   * A sandbox that has served nothing yet; the caller disposes of it through {@link release}.
   *
   * @param toRun what it is for; the sandbox may have compiled it already
   * @throws SprfError `ENGINE_UNAVAILABLE`
   */
  async take(toRun?: ModuleToRun): Promise<SandboxProcess> {
    for (;;) {
      if (this.#closed) throw new SprfError("ENGINE_UNAVAILABLE", "the engine has been closed");
      const sandbox = await this.#next(toRun?.key);
      if (!sandbox?.alive) {
        if (sandbox !== undefined) this.release(sandbox);
        continue;
      }
      sandbox.referenced = true;
      this.#refill(toRun);
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
    await Promise.allSettled(this.#waiting.splice(0).map(({ sandbox }) => sandbox));
    await Promise.all([...this.#live].map((sandbox) => this.#end(sandbox)));
    const home = await this.#home?.catch(() => undefined);
    if (home !== undefined) await rm(home.directory, { recursive: true, force: true });
    await removeDeadScratch(this.#scratchDirectory, SCRATCH_PREFIX, this.#logger);
  }

  async #end(sandbox: SandboxProcess): Promise<void> {
    await sandbox.dispose();
    this.#live.delete(sandbox);
  }

  /** One that has the module, one that is free for any, or a new one; undefined when one came to nothing that was only a favour. */
  async #next(key: string | undefined): Promise<SandboxProcess | undefined> {
    const chosen =
      this.#waiting.find((each) => each.key !== undefined && each.key === key && each.isReady) ??
      this.#waiting.find((each) => each.key === undefined);
    if (chosen === undefined) return await this.#start();
    this.#waiting.splice(this.#waiting.indexOf(chosen), 1);
    if (chosen.key === undefined) return await chosen.sandbox;
    return await chosen.sandbox.catch(() => undefined);
  }

  #refill(toRun: ModuleToRun | undefined): void {
    if (toRun !== undefined) {
      if (toRun.key === this.#lastKey && toRun.module.length >= MIN_LOAD_BYTES) this.#foresee(toRun);
      this.#lastKey = toRun.key;
    }
    while (this.#waiting.length < this.#warm) this.#wait(this.#start(), undefined);
  }

  /** Prepares for another run of the same, in the place of what was foreseen before, and never in the last free one's. */
  #foresee(toRun: ModuleToRun): void {
    if (this.#warm < 2 || this.#waiting.some(({ key }) => key === toRun.key)) return;
    const others = this.#waiting.filter(({ key }) => key !== undefined);
    for (const other of others) {
      this.#waiting.splice(this.#waiting.indexOf(other), 1);
      other.sandbox.then(
        (sandbox) => this.release(sandbox),
        () => undefined,
      );
    }
    if (this.#waiting.length >= this.#warm) return;
    this.#wait(this.#startLoaded(toRun), toRun.key);
  }

  #wait(starting: Promise<SandboxProcess>, key: string | undefined): void {
    const sandbox = starting.then((started) => {
      started.referenced = false;
      waiting.isReady = true;
      return started;
    });
    const waiting: Waiting = { sandbox, key, isReady: false };
    // Whoever takes it sees the failure; until then it must not count as unhandled.
    sandbox.catch((error: unknown) => {
      if (!this.#closed) this.#logger.warn("a sandbox did not start", { error: messageOf(error) });
      if (key !== undefined && this.#waiting.includes(waiting)) {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      }
    });
    this.#waiting.push(waiting);
  }

  async #startLoaded(toRun: ModuleToRun): Promise<SandboxProcess> {
    const sandbox = await this.#start();
    try {
      await sandbox.load(toRun);
      return sandbox;
    } catch (error) {
      this.release(sandbox);
      throw error;
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
