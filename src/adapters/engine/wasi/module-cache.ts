import type { ModuleFacts } from "./inspect-module.ts";

/** A module that has been fetched and checked. */
export interface CheckedModule {
  readonly cid: string;
  /** What runs: the module with canonical NaNs. */
  readonly bytes: Uint8Array;
  readonly facts: Pick<ModuleFacts, "seconds" | "state" | "memory">;
}

/** The modules used last, by CID, up to a number of bytes. */
export class ModuleCache {
  readonly #maxBytes: number;
  readonly #modules = new Map<string, CheckedModule>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(cid: string): CheckedModule | undefined {
    const module = this.#modules.get(cid);
    if (module !== undefined) {
      this.#modules.delete(cid);
      this.#modules.set(cid, module);
    }
    return module;
  }

  set(cid: string, module: CheckedModule): void {
    this.#bytes += module.bytes.length - (this.#modules.get(cid)?.bytes.length ?? 0);
    this.#modules.delete(cid);
    this.#modules.set(cid, module);
    for (const [oldest, { bytes }] of this.#modules) {
      if (this.#bytes <= this.#maxBytes || oldest === cid) break;
      this.#modules.delete(oldest);
      this.#bytes -= bytes.length;
    }
  }
}
